// The families of layers, each of which registers its classes with register_layer(). A new family
// adds one line here and in the .cc.
#pragma once

#include <string>

#include "frontend/layer.h"

namespace sinter {

/// layer_from_config() for who adds the line of the user himself.
Layer make_layer(const std::string& class_name, const Config& config, SourceLocation where);
/// What `factory` makes of a layer's settings, with those that all layers have. Raises Error for a
/// misspelt one.
Layer made_by(LayerFactory factory, const std::string& class_name, const Config& config,
              SourceLocation where);

void register_core_layers();           // input, dense, maxout
void register_activation_layers();     // activation and the parametric ones
void register_merge_layers();          // merge
void register_reshape_layers();        // flatten, reshape
void register_normalization_layers();  // batch_normalization
void register_dropout_layers();        // dropout
void register_lambda_layers();         // lambda

}  // namespace sinter

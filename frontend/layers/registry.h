// The families of layers, each of which registers its classes with register_layer(). A new family
// adds one line here and in the .cc.
#pragma once

#include <string>
#include <string_view>

#include "frontend/custom_objects.h"
#include "frontend/layer.h"

namespace sinter {

/// layer_from_config() for who adds the line of the user himself.
Layer make_layer(const std::string& class_name, const Config& config, SourceLocation where);
/// What made a layer of its settings: in the scope of which objects of the user's own.
struct LayerMaker {
  LayerFactory factory;
  std::shared_ptr<const CustomObjects> objects;
};

/// What `factory` makes of a layer's settings, with those that all layers have. Raises Error for a
/// misspelt one.
Layer made_by(LayerFactory factory, const std::string& class_name, const Config& config,
              SourceLocation where);

/// The initializer under `key`, or the one of that name when there is none.
Initializer initializer_or(const Config& config, std::string_view key, const char* fallback);

/// Whether the layer is of a class of the user's that has the name of one of the library, by which
/// it is not registered.
bool hides_class_of_keras(const LayerImpl& layer);

void register_core_layers();           // input, dense, maxout
void register_activation_layers();     // activation and the parametric ones
void register_merge_layers();          // merge
void register_reshape_layers();        // flatten, reshape
void register_normalization_layers();  // batch_normalization
void register_layer_normalization();   // layer_normalization
void register_group_normalization();   // group_normalization
void register_dropout_layers();        // dropout
void register_convolution_layers();    // convolution
void register_pooling_layers();        // pooling
void register_noise_layers();          // noise
void register_activity_regularization();
void register_rescaling();
void register_padding_layers();     // padding: zero padding, cropping
void register_upsampling_layers();  // upsampling
void register_global_pooling();     // global_pooling
void register_normalization();      // normalization
void register_resizing_layers();    // resizing
void register_random_image_layers();
void register_random_affine_layers();
void register_lambda_layers();      // lambda

}  // namespace sinter

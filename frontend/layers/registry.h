// The families of layers, each of which registers its classes with register_layer(). A new family
// adds one line here and in the .cc.
#pragma once

namespace sinter {

void register_core_layers();           // input, dense, maxout
void register_activation_layers();     // activation and the parametric ones
void register_merge_layers();          // merge
void register_reshape_layers();        // flatten, reshape
void register_normalization_layers();  // batch_normalization
void register_dropout_layers();        // dropout
void register_lambda_layers();         // lambda

}  // namespace sinter

// Keras's module names, for programs that are translated line by line: layers::Dense,
// activations::relu, backend::clear_session ...
#pragma once

#include "frontend/callbacks/callbacks.h"
#include "frontend/clone.h"
#include "frontend/initializers.h"
#include "frontend/layers/activation.h"
#include "frontend/layers/activity_regularization.h"
#include "frontend/layers/batch_normalization.h"
#include "frontend/layers/convolution.h"
#include "frontend/layers/dense.h"
#include "frontend/layers/dropout.h"
#include "frontend/layers/global_pooling.h"
#include "frontend/layers/group_normalization.h"
#include "frontend/layers/input.h"
#include "frontend/layers/lambda.h"
#include "frontend/layers/layer_normalization.h"
#include "frontend/layers/maxout.h"
#include "frontend/layers/merge.h"
#include "frontend/layers/noise.h"
#include "frontend/layers/normalization.h"
#include "frontend/layers/padding.h"
#include "frontend/layers/pooling.h"
#include "frontend/layers/random_affine.h"
#include "frontend/layers/random_image.h"
#include "frontend/layers/rescaling.h"
#include "frontend/layers/reshape.h"
#include "frontend/layers/resizing.h"
#include "frontend/layers/upsampling.h"
#include "frontend/model.h"
#include "frontend/regularizers.h"
#include "frontend/sequential.h"
#include "frontend/session.h"
#include "ops/ops.h"

namespace sinter {

// dtypes as NumPy and Keras write them
inline constexpr DType float32 = DType::kFloat32;
inline constexpr DType float64 = DType::kFloat64;
inline constexpr DType int32 = DType::kInt32;
inline constexpr DType int64 = DType::kInt64;

namespace layers {
using sinter::Activation;
using sinter::ActivityRegularization;
using sinter::Add;
using sinter::AlphaDropout;
using sinter::Average;
using sinter::AveragePooling1D;
using sinter::AveragePooling2D;
using sinter::AveragePooling3D;
using sinter::BatchNormalization;
using sinter::CenterCrop;
using sinter::Concatenate;
using sinter::Conv1D;
using sinter::Conv1DTranspose;
using sinter::Conv2D;
using sinter::Conv2DTranspose;
using sinter::Conv3D;
using sinter::Conv3DTranspose;
using sinter::Cropping1D;
using sinter::Cropping2D;
using sinter::Cropping3D;
using sinter::Dense;
using sinter::DepthwiseConv1D;
using sinter::DepthwiseConv2D;
using sinter::Dropout;
using sinter::ELU;
using sinter::Flatten;
using sinter::GaussianDropout;
using sinter::GaussianNoise;
using sinter::GlobalAveragePooling1D;
using sinter::GlobalAveragePooling2D;
using sinter::GlobalAveragePooling3D;
using sinter::GlobalMaxPooling1D;
using sinter::GlobalMaxPooling2D;
using sinter::GlobalMaxPooling3D;
using sinter::GroupNormalization;
using sinter::Input;
using sinter::Lambda;
using sinter::LayerNormalization;
using sinter::LeakyReLU;
using sinter::Maximum;
using sinter::Maxout;
using sinter::MaxPooling1D;
using sinter::MaxPooling2D;
using sinter::MaxPooling3D;
using sinter::Minimum;
using sinter::Multiply;
using sinter::Normalization;
using sinter::Permute;
using sinter::PReLU;
using sinter::RandomBrightness;
using sinter::RandomContrast;
using sinter::RandomCrop;
using sinter::RandomFlip;
using sinter::RandomRotation;
using sinter::RandomTranslation;
using sinter::RandomZoom;
using sinter::ReLU;
using sinter::RepeatVector;
using sinter::Rescaling;
using sinter::Reshape;
using sinter::Resizing;
using sinter::RMSNormalization;
using sinter::SeparableConv1D;
using sinter::SeparableConv2D;
using sinter::Softmax;
using sinter::SpatialDropout1D;
using sinter::SpatialDropout2D;
using sinter::SpatialDropout3D;
using sinter::Subtract;
using sinter::UnitNormalization;
using sinter::UpSampling1D;
using sinter::UpSampling2D;
using sinter::UpSampling3D;
using sinter::ZeroPadding1D;
using sinter::ZeroPadding2D;
using sinter::ZeroPadding3D;
}  // namespace layers

namespace models {
using sinter::clone_model;
using sinter::Model;
using sinter::Sequential;
}  // namespace models

namespace activations {
using sinter::celu;
using sinter::elu;
using sinter::exponential;
using sinter::gelu;
using sinter::glu;
using sinter::hard_shrink;
using sinter::hard_sigmoid;
using sinter::hard_silu;
using sinter::hard_swish;
using sinter::hard_tanh;
using sinter::leaky_relu;
using sinter::linear;
using sinter::log_sigmoid;
using sinter::log_softmax;
using sinter::mish;
using sinter::relu6;
using sinter::relu;
using sinter::selu;
using sinter::sigmoid;
using sinter::silu;
using sinter::soft_shrink;
using sinter::softmax;
using sinter::softplus;
using sinter::softsign;
using sinter::sparse_plus;
using sinter::sparse_sigmoid;
using sinter::sparsemax;
using sinter::squareplus;
using sinter::swish;
using sinter::tanh;
using sinter::tanh_shrink;
using sinter::threshold;
}  // namespace activations

namespace regularizers {
using sinter::l1;
using sinter::L1;
using sinter::l1_l2;
using sinter::L1L2;
using sinter::l2;
using sinter::L2;
}  // namespace regularizers

namespace initializers {
using sinter::Constant;
using sinter::GlorotNormal;
using sinter::GlorotUniform;
using sinter::HeNormal;
using sinter::HeUniform;
using sinter::Identity;
using sinter::LecunNormal;
using sinter::LecunUniform;
using sinter::Ones;
using sinter::Orthogonal;
using sinter::RandomNormal;
using sinter::RandomUniform;
using sinter::TruncatedNormal;
using sinter::VarianceScaling;
using sinter::Zeros;
}  // namespace initializers

namespace backend {
using sinter::clear_session;
using sinter::set_floatx;
/// Elementwise, as tf.keras.backend.binary_crossentropy.
using sinter::binary_crossentropy;
using sinter::categorical_crossentropy;
using sinter::sparse_categorical_crossentropy;
}  // namespace backend

}  // namespace sinter

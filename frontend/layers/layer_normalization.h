// Layers that normalize each sample by its own elements: LayerNormalization (Ba, Kiros, Hinton
// 2016), RMSNormalization (Zhang, Sennrich 2019), UnitNormalization.
//
// `axis` is one axis or several in braces, negative ones counted from the end; the batch is axis 0
// and raises ShapeError, as do axes that the input does not have and one that is given twice.
#pragma once

#include "core/axes.h"
#include "frontend/layer.h"

namespace sinter {

struct LayerNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  bool rms_scaling = false;  // y = gamma x / sqrt(variance + epsilon): Keras's older form, no RMS
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = "";
};

/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with the mean and the biased variance of
/// each sample over `axis`, in training and inference alike. Weights gamma (with `scale`) and beta
/// (with `center`): the dimensions of x at `axis`, ascending. With `rms_scaling` gamma alone.
class LayerNormalization : public Layer {
 public:
  explicit LayerNormalization(LayerNormalizationOptions options = {},
                              SourceLocation where = SourceLocation::current());
};

struct RMSNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-6;
  std::string name = "";
};

/// y = scale x / sqrt(mean(x^2) + epsilon), the mean over `axis`. Weight scale, of ones at first:
/// the dimensions of x at `axis`, ascending. Keras broadcasts it from the last dimension, so there
/// it fits the last axes alone.
class RMSNormalization : public Layer {
 public:
  explicit RMSNormalization(RMSNormalizationOptions options = {},
                            SourceLocation where = SourceLocation::current());
};

struct UnitNormalizationOptions {
  Axes axis = -1;
  std::string name = "";
};

/// x / max(norm(x), 1e-12), the Euclidean norm over `axis`: length 1, and 0 for the zero vector.
class UnitNormalization : public Layer {
 public:
  explicit UnitNormalization(UnitNormalizationOptions options = {},
                             SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

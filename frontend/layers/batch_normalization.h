// BatchNormalization (Ioffe and Szegedy, ICML 2015).
#pragma once

#include "frontend/layer.h"

namespace sinter {

struct BatchNormalizationOptions {
  int axis = -1;
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros";
  Initializer moving_variance_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = "";
};

/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta over all axes but `axis`. In training
/// with the mean and the biased variance of the batch, which also enter the moving averages: moving
/// = momentum moving + (1 - momentum) batch; otherwise, and when the layer is not trainable, with
/// the moving averages. Weights gamma, beta (both optional), moving_mean, moving_variance:
/// [features].
class BatchNormalization : public Layer {
 public:
  explicit BatchNormalization(BatchNormalizationOptions options = {},
                              SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

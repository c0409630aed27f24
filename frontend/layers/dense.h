// Dense: activation(x . kernel + bias) over the last axis.
#pragma once

#include "frontend/activations.h"
#include "frontend/layer.h"
#include "frontend/number_arguments.h"

namespace sinter {

struct DenseOptions {
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::string name = "";
};

/// [..., features] -> [..., units]; weights kernel [features, units], bias [units].
class Dense : public Layer {
 public:
  explicit Dense(WholeNumber units, DenseOptions options = {},
                 SourceLocation where = SourceLocation::current());
  /// Dense(32, "relu"), Dense(32, relu)
  Dense(WholeNumber units, ActivationArgument activation,
        SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

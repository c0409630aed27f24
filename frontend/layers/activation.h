// Activations as layers: Activation by name or function, and those with settings of their own.
#pragma once

#include <optional>

#include "frontend/activations.h"
#include "frontend/layer.h"
#include "frontend/number_arguments.h"

namespace sinter {

struct LayerOptions {
  std::string name = "";
};

class Activation : public Layer {
 public:
  explicit Activation(ActivationFunction activation, LayerOptions options = {},
                      SourceLocation where = SourceLocation::current());
};

struct ReLUOptions {
  std::optional<double> max_value = std::nullopt;
  double negative_slope = 0.0;
  double threshold = 0.0;
  std::string name = "";
};
/// x >= max_value: max_value; x > threshold: x; else negative_slope * (x - threshold).
class ReLU : public Layer {
 public:
  explicit ReLU(ReLUOptions options = {}, SourceLocation where = SourceLocation::current());
};

/// max(x, slope * x) for slopes below 1. The layer's default slope is 0.3; the function leaky_relu
/// has 0.2.
class LeakyReLU : public Layer {
 public:
  explicit LeakyReLU(RealNumber negative_slope = 0.3, LayerOptions options = {},
                     SourceLocation where = SourceLocation::current());
};

/// x > 0: x; else alpha * (exp(x) - 1).
class ELU : public Layer {
 public:
  explicit ELU(RealNumber alpha = 1.0, LayerOptions options = {},
               SourceLocation where = SourceLocation::current());
};

struct PReLUOptions {
  Initializer alpha_initializer = "zeros";
  Regularizer alpha_regularizer = {};
  Constraint alpha_constraint = {};
  std::vector<int64_t> shared_axes = {};  // counted from 1, without the batch
  std::string name = "";
};
/// max(x, 0) + alpha * min(x, 0) with a learned alpha for each feature; weight alpha: the input's
/// shape without batch, 1 on shared axes.
class PReLU : public Layer {
 public:
  explicit PReLU(PReLUOptions options = {}, SourceLocation where = SourceLocation::current());
};

class Softmax : public Layer {
 public:
  explicit Softmax(WholeNumber axis = -1, LayerOptions options = {},
                   SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

// Maxout (Goodfellow and others, "Maxout networks", ICML 2013): the largest of several linear
// pieces for each unit.
#pragma once

#include "frontend/layer.h"
#include "frontend/number_arguments.h"

namespace sinter {

struct MaxoutOptions {
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  std::string name = "";
};

/// y[u] = max over p < pieces of x . kernel[:, u * pieces + p] + bias[u * pieces + p]; kernel
/// [features, units * pieces]. Keras has no such layer: files name it "sinter>Maxout".
class Maxout : public Layer {
 public:
  explicit Maxout(WholeNumber units, WholeNumber pieces = 2, MaxoutOptions options = {},
                  SourceLocation where = SourceLocation::current());
};

void register_maxout();

}  // namespace sinter

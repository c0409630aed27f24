// Whole graphs of a training step, made by hand from ops: what the tests of passes and backends
// run.
#pragma once

#include <string>
#include <vector>

#include "core/graph.h"

namespace sinter::testing_support {

struct StepOptions {
  int64_t features = 6;
  std::vector<int64_t> units = {8, 5};
  std::string activation = "relu";
  bool batch_norm = false;
  double dropout = 0;
  double l2 = 0;
  bool training = true;  // gradients and updates, otherwise outputs alone
};

/// A perceptron with softmax and cross entropy, and Adam-like updates; batch symbolic. Inputs x and
/// y (one-hot), outputs loss, accuracy.
Graph perceptron_step(const StepOptions& options = {});

}  // namespace sinter::testing_support

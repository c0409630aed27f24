// Samples of ops: what the contract suite checks every registered op with. One file an op family.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "core/attribute_value.h"
#include "core/graph.h"
#include "core/shape.h"
#include "core/tensor.h"

namespace sinter::contract {

/// One input: random values in [low, high] of a static shape; or `values`, cycled. Integers are
/// drawn as integers.
struct InputSpec {
  Shape shape;
  double low = -2, high = 2;
  DType dtype = DType::kFloat32;
  std::vector<double> values = {};
};

struct Sample {
  std::string op;
  std::vector<InputSpec> inputs;
  Attributes attributes = {};
  /// Against the double reference: |a - b| <= tolerance * (1 + |b|).
  double tolerance = 2e-6;
  /// Orders of gradients to check. Sampled values lie apart from kinks; 0 where a sample visits
  /// one, or an extreme, on purpose.
  int orders = 2;
  std::string note = "";
};

using Samples = std::vector<Sample>;
void arithmetic_samples(Samples& out);
void compare_samples(Samples& out);
void move_samples(Samples& out);
void reduce_samples(Samples& out);
void matmul_samples(Samples& out);
void convolution_samples(Samples& out);
void pooling_samples(Samples& out);
void activation_samples(Samples& out);
void softmax_samples(Samples& out);
void loss_samples(Samples& out);
void batch_norm_samples(Samples& out);
void layer_norm_samples(Samples& out);
void dropout_samples(Samples& out);
void fusion_samples(Samples& out);

/// All of the above.
const Samples& all_samples();

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline const double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace sinter::contract

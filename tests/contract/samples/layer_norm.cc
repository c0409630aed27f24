#include "core/graph.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void layer_norm_samples(Samples& out) {
  using Ints = std::vector<int64_t>;
  const auto over = [](Ints axes, double epsilon = 1e-3) {
    return Attributes{{"axes", std::move(axes)}, {"epsilon", epsilon}};
  };
  const InputSpec x{Shape{7, 5}, -2, 2}, gamma{Shape{1, 5}, 0.5, 1.5}, beta{Shape{1, 5}, -1, 1},
      mean{Shape{7, 1}, -0.5, 0.5}, variance{Shape{7, 1}, 0.5, 2};
  out.push_back({"layer_norm", {x, gamma, beta}, over({1}), 1e-5});
  out.push_back({"layer_norm_grad", {x, gamma, mean, variance, x}, over({1}), 1e-5});
  out.push_back({"rms_norm", {x, gamma}, over({1}, 1e-6), 1e-5});
  out.push_back({"rms_norm_grad", {x, gamma, variance, x}, over({1}, 1e-6), 1e-5});
  // An axis in the middle, all of a sample, and channels in groups with a scale for each.
  const InputSpec image{Shape{3, 4, 2, 5}}, columns{Shape{1, 4, 1, 1}, 0.5, 1.5},
      whole{Shape{1, 4, 2, 5}, 0.5, 1.5}, channels{Shape{1, 1, 2, 5}, 0.5, 1.5};
  out.push_back({"layer_norm", {image, columns, columns}, over({1}), 1e-5});
  out.push_back({"layer_norm", {image, whole, whole}, over({1, 2, 3}), 1e-5});
  out.push_back({"layer_norm", {image, channels, channels}, over({3, 1}, 1e-2), 1e-5});
  out.push_back({"rms_norm", {image, columns}, over({1}), 1e-5});
  out.push_back({"rms_norm", {image, channels}, over({1, 3}), 1e-5});
  // Rows of one element have no variance, equal elements neither; a scale for each of them.
  out.push_back({"layer_norm", {{Shape{4, 1}}, {Shape{4, 1}}, {Shape{4, 1}}}, over({1}), 1e-5});
  out.push_back(
      {.op = "layer_norm",
       .inputs = {{Shape{2, 3}, 0, 0, DType::kFloat32, {4}}, {Shape{2, 3}}, {Shape{2, 3}}},
       .attributes = over({1}),
       .tolerance = 1e-5,
       .orders = 1,
       .note = "rows of equal elements"});
}

}  // namespace sinter::contract

#include "core/graph.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void batch_norm_samples(Samples& out) {
  const Attributes last = {{"epsilon", 1e-3}, {"axis", int64_t{1}}};
  const InputSpec x{Shape{7, 5}, -2, 2}, gamma{Shape{5}, 0.5, 1.5}, beta{Shape{5}, -1, 1},
      mean{Shape{5}, -0.5, 0.5}, variance{Shape{5}, 0.5, 2};
  out.push_back({"batch_norm_training", {x, gamma, beta}, last, 1e-5});
  out.push_back({"batch_norm_training",
                 {{Shape{3, 4, 2, 5}}, gamma, beta},
                 {{"epsilon", 1e-3}, {"axis", int64_t{3}}},
                 1e-5});
  out.push_back({"batch_norm_training",
                 {{Shape{3, 5, 2}}, gamma, beta},
                 {{"epsilon", 1e-2}, {"axis", int64_t{1}}},
                 1e-5});
  out.push_back(
      {"batch_norm_training_grad", {x, gamma, mean, variance, {Shape{7, 5}, -1, 1}}, last, 1e-5});
  // Deviations beyond float32 leave nothing of the gradient, but not NaN: x dy alone overflows.
  const InputSpec far{Shape{3, 3}, 0, 0, DType::kFloat32, {-2, 1, 1, 0, 0, 1e30, 1, 1, 2}},
      none{Shape{3}, 0, 0, DType::kFloat32, {0}}, endless{Shape{3}, 0, 0, DType::kFloat32, {kInf}};
  out.push_back({.op = "batch_norm_training_grad",
                 .inputs = {far, none, none, endless, far},
                 .attributes = {{"epsilon", 1e-2}, {"axis", int64_t{1}}},
                 .orders = 0,
                 .note = "an infinite variance"});
  // Of a vector each element is its own mean.
  const Attributes only = {{"epsilon", 1e-3}, {"axis", int64_t{0}}};
  const InputSpec vector{Shape{5}, -2, 2};
  out.push_back({"batch_norm_training", {vector, gamma, beta}, only, 1e-5});
  out.push_back({"batch_norm_training_grad", {vector, gamma, mean, variance, vector}, only, 1e-5});
  out.push_back({"batch_norm_inference", {vector, gamma, beta, mean, variance}, only, 1e-5});
  out.push_back({"batch_norm",
                 {vector, gamma, beta, mean, variance},
                 {{"momentum", 0.9}, {"epsilon", 1e-3}, {"axis", int64_t{0}}},
                 1e-5});
  out.push_back({"batch_norm_inference", {x, gamma, beta, mean, variance}, last, 1e-5});
  out.push_back({"batch_norm",
                 {x, gamma, beta, mean, variance},
                 {{"momentum", 0.9}, {"epsilon", 1e-3}, {"axis", int64_t{1}}},
                 1e-5});
}

}  // namespace sinter::contract

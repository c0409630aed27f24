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
  out.push_back({"batch_norm_inference", {x, gamma, beta, mean, variance}, last, 1e-5});
  out.push_back({"batch_norm",
                 {x, gamma, beta, mean, variance},
                 {{"momentum", 0.9}, {"epsilon", 1e-3}, {"axis", int64_t{1}}},
                 1e-5});
}

}  // namespace sinter::contract

#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void loss_samples(Samples& out) {
  const InputSpec labels{Shape{6, 4}, 0.05, 0.95}, logits{Shape{6, 4}, -3, 3},
      probabilities{Shape{6, 4}, 0.05, 0.95};
  const InputSpec classes{Shape{6}, 0, 3, DType::kInt32};
  out.push_back({"softmax_cross_entropy", {labels, logits}, {}, 4e-6});
  out.push_back(
      {"softmax_cross_entropy", {{Shape{2, 3, 11}, 0, 1}, {Shape{2, 3, 11}, -3, 3}}, {}, 1e-5});
  out.push_back({"sigmoid_cross_entropy", {labels, logits}, {}, 4e-6});
  for (const char* op : {"binary_crossentropy", "categorical_crossentropy"}) {
    out.push_back({op, {labels, probabilities}, {{"from_logits", false}}, 4e-6});
    out.push_back({op, {labels, logits}, {{"from_logits", true}}, 4e-6});
  }
  out.push_back({"sparse_categorical_crossentropy",
                 {classes, probabilities},
                 {{"from_logits", false}},
                 4e-6});
  out.push_back(
      {"sparse_categorical_crossentropy", {classes, logits}, {{"from_logits", true}}, 4e-6});
  out.push_back({"sparse_categorical_crossentropy",
                 {{Shape{2, 3}, 0, 3, DType::kInt64}, {Shape{2, 3, 4}, -3, 3}},
                 {{"from_logits", true}},
                 4e-6});
}

}  // namespace sinter::contract

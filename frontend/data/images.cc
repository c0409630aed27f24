// One-hot labels, the same for every image set.
#include "frontend/data/images.h"

#include <utility>

namespace sinter::datasets {

Split make_split(Tensor x, Tensor labels, std::vector<std::string> class_names) {
  const auto classes = static_cast<int64_t>(class_names.size());
  Tensor y(DType::kFloat32, {labels.elements(), classes});
  const std::span<const int32_t> label = std::as_const(labels).data<int32_t>();
  for (size_t i = 0; i < label.size(); ++i)
    y.data<float>()[i * class_names.size() + static_cast<size_t>(label[i])] = 1;
  return {std::move(x), std::move(y), std::move(labels), std::move(class_names)};
}

std::vector<std::string> digit_names() {
  std::vector<std::string> names;
  for (char digit = '0'; digit <= '9'; ++digit) names.emplace_back(1, digit);
  return names;
}

}  // namespace sinter::datasets

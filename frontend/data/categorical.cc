// One-hot encoding.
#include "frontend/data/categorical.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "core/error.h"
#include "frontend/origin.h"
#include "frontend/session.h"

namespace sinter {

namespace {

Tensor one_hot_rows(const Tensor& labels, std::optional<int64_t> classes, SourceLocation where) {
  return at_line(where, [&] {
    const int64_t n = labels.elements();
    std::vector<int64_t> dims = labels.shape().dims();
    if (dims.size() > 1 && dims.back() == 1) dims.pop_back();
    double largest = -1;
    for (int64_t i = 0; i < n; ++i) largest = std::max(largest, labels.at(i));
    constexpr double kMostClasses = 0x1p48;  // more than fit any memory
    if (!classes && !(largest < kMostClasses))
      throw Error(fmt::format("to_categorical: label {} is no class", largest));
    const int64_t count = classes.value_or(static_cast<int64_t>(largest) + 1);
    dims.push_back(count);
    const char* place = dims.size() == 2 ? "row" : "element";
    Tensor result(floatx(), Shape(dims));
    for (int64_t i = 0; i < n; ++i) {
      const double label = labels.at(i);
      if (!(label >= 0 && label < static_cast<double>(count)) || label != std::floor(label)) {
        throw Error(fmt::format("to_categorical: label {} ({} {}) is not a class of 0 to {}", label,
                                place, i, count - 1));
      }
      result.set(i * count + static_cast<int64_t>(label), 1.0);
    }
    return result;
  });
}

}  // namespace

Tensor to_categorical(const Tensor& labels, SourceLocation where) {
  return one_hot_rows(labels, std::nullopt, where);
}
Tensor to_categorical(const Tensor& labels, WholeNumber classes, SourceLocation where) {
  return one_hot_rows(labels, classes, where);
}

}  // namespace sinter

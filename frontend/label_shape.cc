#include "frontend/label_shape.h"

#include <fmt/format.h>

#include <vector>

#include "core/error.h"

namespace sinter {
namespace {

Shape without_last(const Shape& s) { return Shape(std::vector<int64_t>(s.begin(), s.end() - 1)); }

// Is it the other shape with a last dimension of 1?
bool has_one_more(const Shape& shape, const Shape& other) {
  return shape.rank() == other.rank() + 1 && shape.dim(-1) == 1 && without_last(shape) == other;
}

bool are_classes(const Shape& y_true, const Shape& y_pred) {
  const Shape of_class = without_last(y_pred);
  return y_true == of_class || has_one_more(y_true, of_class);
}

}  // namespace

bool label_shape_fits(bool classes, const Shape& y_true, const Shape& y_pred) {
  if (classes) return are_classes(y_true, y_pred);
  return y_true == y_pred || has_one_more(y_true, y_pred) || has_one_more(y_pred, y_true);
}

void raise_label_shape(const std::string& who, bool classes, const std::string& instead,
                       const Shape& y_true, const Shape& y_pred) {
  const bool is_other = classes ? y_true == y_pred : are_classes(y_true, y_pred);
  const std::string hint = is_other && !instead.empty()
                               ? fmt::format("; y looks {}: use {}",
                                             classes ? "one-hot" : "like integer classes", instead)
                               : "";
  const std::string wanted =
      classes ? fmt::format("integer classes y {}", without_last(y_pred).to_string()) : "y";
  throw ShapeError(fmt::format("{} compares {} with predictions {}, found y {}{}", who, wanted,
                               y_pred.to_string(), y_true.to_string(), hint));
}

}  // namespace sinter

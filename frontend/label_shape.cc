#include "frontend/label_shape.h"

#include <fmt/format.h>

#include <vector>

#include "core/error.h"

namespace sinter {

void check_label_shape(const std::string& who, bool classes, const std::string& instead,
                       const Shape& y_true, const Shape& y_pred) {
  const Shape &t = y_true, &p = y_pred;
  const auto without_last = [](const Shape& s) {
    return Shape(std::vector<int64_t>(s.begin(), s.end() - 1));
  };
  const bool are_classes = t == without_last(p) || (t.rank() == p.rank() && t.dim(-1) == 1 &&
                                                    without_last(t) == without_last(p));
  if (classes) {
    if (are_classes) return;
    throw ShapeError(
        fmt::format("{} compares integer classes y {} with predictions {}, found y {}{}", who,
                    without_last(p).to_string(), p.to_string(), t.to_string(),
                    t == p && !instead.empty() ? "; y looks one-hot: use " + instead : ""));
  }
  const bool squeezed = (t.rank() == p.rank() + 1 && t.dim(-1) == 1 && without_last(t) == p) ||
                        (p.rank() == t.rank() + 1 && p.dim(-1) == 1 && without_last(p) == t);
  if (t == p || squeezed) return;
  throw ShapeError(fmt::format(
      "{} compares y with predictions {}, found y {}{}", who, p.to_string(), t.to_string(),
      are_classes && !instead.empty() ? "; y looks like integer classes: use " + instead : ""));
}

}  // namespace sinter

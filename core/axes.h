// The axes that an op reduces: one, or several in braces.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace sinter {

/// `mean(x, -1)`, `mean(x, {0, 1})`, `mean(x)`: all axes when none is named. Negative ones count
/// from the end.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : axes_{axis} {}                              // NOLINT
  Axes(int64_t axis) : axes_{axis} {}                          // NOLINT
  Axes(bool) = delete;                                         // that would be keepdims
  Axes(std::initializer_list<int64_t> axes) : axes_(axes) {}   // NOLINT
  Axes(std::vector<int64_t> axes) : axes_(std::move(axes)) {}  // NOLINT
  const std::vector<int64_t>& list() const { return axes_; }

 private:
  std::vector<int64_t> axes_;
};

}  // namespace sinter

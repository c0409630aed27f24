// How exact elementwise ops are in float32, on every backend.
#pragma once

#include <array>
#include <string>

namespace sinter::contract {

/// |got - exact| <= relative |exact| + absolute. The absolute part is where a difference of rounded
/// numbers cancels (1 - tanh^2 is 0 far out), or where a subnormal intermediate is taken for 0.
struct Bound {
  double relative, absolute;
};
using Bounds = std::array<Bound, 3>;  // value, first and second derivative

inline constexpr double kTiny = 1.2e-38;  // the smallest normal float

/// What is promised of an op with its attributes, as text has them, on a backend.
Bounds bounds_of(const std::string& name, const std::string& backend);

}  // namespace sinter::contract

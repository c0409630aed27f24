// What layers that change images at random draw: one number an image, from a range.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "core/symbol.h"
#include "frontend/real_numbers.h"

namespace sinter {

struct Range {
  double low, high;
};

/// {a, b} in their order, or of f {-|f|, |f|}.
Range range_of(const RealNumbers& factor);
/// What to say of factors of another count than one or two, or outside of [low, high]; "" of
/// others.
std::string factor_mistake(const char* key, const RealNumbers& factor, double low, double high);
/// The first of them that is not "".
std::string first_mistake(std::initializer_list<std::string> mistakes);

/// [batch, 1, 1, 1] for images x: uniform in the range, in the dtype of x.
Symbol per_image(Symbol x, Symbol state, int64_t stream, const Range& range);
/// For the second number that a call draws.
inline int64_t second_stream(int64_t stream) { return stream ^ (int64_t{1} << 31); }

}  // namespace sinter

#include "frontend/data/normalize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/line.h"
#include "frontend/session.h"

namespace sinter {
namespace {

// Of values far from 1, too: those of a finite order are scaled by the largest one before they are
// raised to a power.
double norm_of(const std::vector<double>& values, double order) {
  double largest = 0, least = HUGE_VAL, count = 0;
  for (const double value : values) {
    const double size = std::abs(value);
    if (std::isnan(size)) return size;
    largest = std::max(largest, size);
    least = std::min(least, size);
    count += size != 0 ? 1 : 0;
  }
  if (order == 0) return count;
  if (order == HUGE_VAL) return largest;
  if (order == -HUGE_VAL) return least;
  if (largest == 0 || std::isinf(largest)) return largest;
  double sum = 0;
  for (const double value : values) {
    const double size = std::abs(value) / largest;
    sum += order == 2 ? size * size : std::pow(size, order);
  }
  return largest * (order == 2 ? std::sqrt(sum) : std::pow(sum, 1 / order));
}

}  // namespace

Tensor normalize(const Tensor& x, NormalizeOptions options, SourceLocation where) {
  return at_line(where, [&] {
    const int axis = x.shape().normalize_axis(options.axis);
    if (std::isnan(options.order)) throw Error("normalize: the order must be a number, found NaN");
    Tensor result = is_floating(x.dtype()) ? x.clone() : x.cast(floatx());
    const int64_t length = x.shape()[axis], stride = x.shape().strides()[static_cast<size_t>(axis)];
    if (x.elements() == 0) return result;
    std::vector<double> values(static_cast<size_t>(length));
    dispatch_dtype(result.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const auto all = result.data<T>({});
      for (int64_t line = 0; line < x.elements() / length; ++line) {
        T* first = all.data() + line / stride * stride * length + line % stride;
        for (int64_t i = 0; i < length; ++i)
          values[static_cast<size_t>(i)] = static_cast<double>(first[i * stride]);
        const double norm = norm_of(values, options.order);
        if (norm == 0) continue;
        for (int64_t i = 0; i < length; ++i)
          first[i * stride] = static_cast<T>(values[static_cast<size_t>(i)] / norm);
      }
    });
    return result;
  });
}

}  // namespace sinter

#include "frontend/data/classes.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"

namespace sinter {

std::vector<int64_t> classes_of(const Tensor& rows, const std::string& what) {
  const Shape& shape = rows.shape();
  if ((shape.rank() != 1 && shape.rank() != 2) || (shape.rank() == 2 && shape[1] == 0)) {
    throw ShapeError(fmt::format("{} must be classes [n] or [n,1], or rows [n,classes], found {}",
                                 what, shape.to_string()));
  }
  const int64_t columns = shape.rank() == 1 ? 1 : shape[1];
  std::vector<int64_t> result(static_cast<size_t>(shape[0]));
  dispatch_dtype(rows.dtype(), [&](auto zero) {
    const auto values = rows.data<decltype(zero)>({});
    const auto value = [&](int64_t row, int64_t column) {
      const auto found = static_cast<double>(values[static_cast<size_t>(row * columns + column)]);
      if (std::isnan(found)) throw Error(fmt::format("{} holds NaN (row {})", what, row));
      return found;
    };
    for (int64_t row = 0; row < shape[0]; ++row) {
      int64_t found = 0;
      if (columns == 1) {
        const double label = value(row, 0);
        constexpr double kMost = 0x1p53;  // whole numbers beyond it are not told apart
        if (label != std::floor(label) || std::abs(label) >= kMost) {
          throw Error(fmt::format(
              "{} holds {} (row {}), which is no class; of a probability p it is p > 0.5", what,
              label, row));
        }
        found = static_cast<int64_t>(label);
      }
      for (int64_t column = 1; column < columns; ++column) {
        if (value(row, column) > value(row, found)) found = column;
      }
      result[static_cast<size_t>(row)] = found;
    }
  });
  return result;
}

}  // namespace sinter

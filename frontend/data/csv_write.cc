// Writing comma separated values.
#include "frontend/data/csv.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/origin.h"

namespace sinter {

void save_csv(const std::string& path, const Tensor& tensor, SourceLocation where) {
  at_line(where, [&] {
    const Shape& shape = tensor.shape();
    if (shape.rank() != 1 && shape.rank() != 2) {
      throw ShapeError(
          fmt::format("cannot write '{}': CSV has rows and columns, the values have shape "
                      "{}",
                      path, shape.to_string()));
    }
    const int64_t columns = shape.rank() == 1 ? 1 : shape[1];
    AtomicFile file(path);
    dispatch_dtype(tensor.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const std::span<const T> values = tensor.data<T>();
      std::string line;
      for (int64_t row = 0; row < shape[0]; ++row) {
        line.clear();
        for (int64_t column = 0; column < columns; ++column) {
          if (column > 0) line += ',';
          const T value = values[static_cast<size_t>(row * columns + column)];
          if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>)
            fmt::format_to(std::back_inserter(line), "{}",
                           std::isnan(value) ? std::fabs(value) : value);
          else if constexpr (std::is_integral_v<T>)
            fmt::format_to(std::back_inserter(line), "{}", static_cast<int64_t>(value));
          else
            fmt::format_to(std::back_inserter(line), "{}", static_cast<float>(value));
        }
        line += '\n';
        file.write(line);
      }
    });
    file.commit();
  });
}

}  // namespace sinter

#include "frontend/initial_values.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/philox.h"

namespace sinter {
namespace {

double uniform(uint64_t key, int64_t step, int64_t element) {
  return uniform_from_bits(philox_bits(static_cast<int64_t>(key), step, 0, element));
}

// Box-Muller; 1 - u lies in (0, 1].
double normal(uint64_t key, int64_t attempt, int64_t element) {
  const double u = 1.0 - uniform(key, 2 * attempt, element);
  const double v = uniform(key, 2 * attempt + 1, element);
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

double truncated_normal(uint64_t key, int64_t element) {
  for (int64_t attempt = 0;; ++attempt) {
    const double z = normal(key, attempt, element);
    if (std::abs(z) <= 2.0) return z;
  }
}

template <typename F>
Tensor fill(const Shape& shape, DType dtype, F value) {
  Tensor result(dtype, shape);
  for (int64_t i = 0; i < result.elements(); ++i) result.set(i, value(i));
  return result;
}

// Columns of a normal matrix [n, m], n >= m, made orthonormal by modified Gram-Schmidt, each twice
// so that they stay so for any n: Q of the QR decomposition whose R has a positive diagonal. In
// double; column k depends on columns 0..k alone.
std::vector<double> orthonormal_columns(int64_t n, int64_t m, uint64_t key) {
  std::vector<double> columns(static_cast<size_t>(n * m));  // one after the other
  for (int64_t k = 0; k < m; ++k) {
    double* own = columns.data() + k * n;
    double norm = 0;
    for (int64_t attempt = 0; !(norm > 1e-12); ++attempt) {  // again if it depends on the others
      for (int64_t i = 0; i < n; ++i) own[i] = normal(key, attempt, i * m + k);
      for (int pass = 0; pass < 2; ++pass) {
        for (int64_t j = 0; j < k; ++j) {
          const double* other = columns.data() + j * n;
          double along = 0;
          for (int64_t i = 0; i < n; ++i) along += own[i] * other[i];
          for (int64_t i = 0; i < n; ++i) own[i] -= along * other[i];
        }
      }
      norm = 0;
      for (int64_t i = 0; i < n; ++i) norm += own[i] * own[i];
      norm = std::sqrt(norm);
    }
    for (int64_t i = 0; i < n; ++i) own[i] /= norm;
  }
  return columns;
}

}  // namespace

Initializer::Function uniform_between(double low, double high) {
  return [=](const Shape& shape, DType dtype, uint64_t key) {
    Tensor result(dtype, shape);
    dispatch_dtype(dtype, [&](auto zero) {
      using T = decltype(zero);
      const std::span<T> values = result.data<T>();
      for (size_t begin = 0; begin < values.size(); begin += 64) {
        const auto bits =
            philox_group(static_cast<int64_t>(key), 0, 0, static_cast<int64_t>(begin / 64));
        const size_t count = std::min<size_t>(64, values.size() - begin);
        for (size_t i = 0; i < count; ++i)
          values[begin + i] = static_cast<T>(low + (high - low) * uniform_from_bits(bits[i]));
      }
    });
    return result;
  };
}

Initializer::Function normal_around(double mean, double deviation, bool truncated) {
  return [=](const Shape& shape, DType dtype, uint64_t key) {
    return fill(shape, dtype, [&](int64_t i) {
      return mean + deviation * (truncated ? truncated_normal(key, i) : normal(key, 0, i));
    });
  };
}

Tensor orthogonal(const Shape& shape, DType dtype, uint64_t key, double gain) {
  if (shape.rank() < 2) {
    throw ShapeError("the Orthogonal initializer makes matrices, asked for shape " +
                     shape.to_string());
  }
  const int64_t columns = shape.dim(-1), rows = columns == 0 ? 0 : shape.elements() / columns;
  const bool wide = columns > rows;
  const std::vector<double> q =
      orthonormal_columns(std::max(rows, columns), std::min(rows, columns), key);
  Tensor result(dtype, shape);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t at = wide ? r * columns + c : c * rows + r;
      result.set(r * columns + c, gain * q[static_cast<size_t>(at)]);
    }
  }
  return result;
}

}  // namespace sinter

#include "frontend/data/symmetric_eigen.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace sinter {
namespace {

/// Three diagonals, and the orthogonal matrix that leads there: rows of Q^T with A = Q T Q^T.
struct Tridiagonal {
  std::vector<double> diagonal, beside, rows;
};

double dot(const double* a, const double* b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

Tridiagonal reduced(std::vector<double> a, size_t n) {
  Tridiagonal t{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n * n)};
  std::vector<double> factors(n), w(n);
  for (size_t k = 0; k + 1 < n; ++k) {
    // The reflection that leaves only the first element of row k behind the diagonal. Its vector
    // stays in that row.
    double* v = a.data() + k * n + k + 1;
    const size_t length = n - k - 1;
    const double size = std::sqrt(dot(v, v, length));
    const double first = v[0] > 0 ? -size : size;
    t.diagonal[k] = a[k * n + k];
    t.beside[k] = first;
    v[0] -= first;
    const double square = dot(v, v, length);
    factors[k] = square == 0 ? 0 : 2 / square;
    if (square == 0) continue;
    // B - v w' - w v' for the block B behind.
    double* block = a.data() + (k + 1) * n + k + 1;
    for (size_t i = 0; i < length; ++i) w[i] = factors[k] * dot(block + i * n, v, length);
    const double half = factors[k] / 2 * dot(w.data(), v, length);
    for (size_t i = 0; i < length; ++i) w[i] -= half * v[i];
    for (size_t i = 0; i < length; ++i) {
      double* row = block + i * n;
      const double vi = v[i], wi = w[i];
      for (size_t j = 0; j < length; ++j) row[j] -= vi * w[j] + wi * v[j];
    }
  }
  t.diagonal[n - 1] = a[n * n - 1];

  for (size_t i = 0; i < n; ++i) t.rows[i * n + i] = 1;
  for (size_t k = n - 1; k-- > 0;) {
    const double* v = a.data() + k * n + k + 1;
    for (size_t i = k + 1; i < n; ++i) {
      double* row = t.rows.data() + i * n + k + 1;
      const double by = factors[k] * dot(row, v, n - k - 1);
      for (size_t j = 0; j < n - k - 1; ++j) row[j] -= by * v[j];
    }
  }
  return t;
}

/// One QR step on rows first..last, between which no element beside the diagonal is 0.
void step(Tridiagonal& t, size_t n, size_t first, size_t last) {
  std::vector<double>&d = t.diagonal, &e = t.beside;
  const double half = (d[last - 1] - d[last]) / 2, beside = e[last - 1];
  const double size = std::hypot(half, beside);
  const double shift = d[last] - beside * beside / (half + (half < 0 ? -size : size));
  double x = d[first] - shift, z = e[first];
  for (size_t k = first; k < last; ++k) {
    const double length = std::hypot(x, z);
    const double c = length == 0 ? 1 : x / length, s = length == 0 ? 0 : z / length;
    if (k > first) e[k - 1] = length;
    const double a = d[k], b = e[k], q = d[k + 1];
    d[k] = c * c * a + 2 * c * s * b + s * s * q;
    d[k + 1] = s * s * a - 2 * c * s * b + c * c * q;
    e[k] = c * s * (q - a) + (c * c - s * s) * b;
    x = e[k];
    if (k + 1 < last) {
      z = s * e[k + 1];
      e[k + 1] *= c;
    }
    double *upper = t.rows.data() + k * n, *lower = upper + n;
    for (size_t j = 0; j < n; ++j) {
      const double u = upper[j], l = lower[j];
      upper[j] = c * u + s * l;
      lower[j] = c * l - s * u;
    }
  }
}

}  // namespace

Eigen symmetric_eigen(std::vector<double> matrix, size_t n) {
  if (n == 0) return {};
  Tridiagonal t = reduced(std::move(matrix), n);
  const auto is_small = [&](size_t k) {
    return std::abs(t.beside[k]) <= std::numeric_limits<double>::epsilon() *
                                        (std::abs(t.diagonal[k]) + std::abs(t.diagonal[k + 1]));
  };
  size_t steps = 0;
  for (size_t last = n - 1; last > 0;) {
    SINTER_CHECK(steps++ < 100 * n, "QR steps find no end");
    if (is_small(last - 1)) {
      --last;
      continue;
    }
    size_t first = last - 1;
    while (first > 0 && !is_small(first - 1)) --first;
    step(t, n, first, last);
  }
  return {std::move(t.diagonal), std::move(t.rows)};
}

}  // namespace sinter

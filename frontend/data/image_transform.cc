#include "frontend/data/image_transform.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>
#include <vector>

namespace sinter {
namespace {

enum class Fill { kNearest, kConstant, kReflect, kWrap };

Fill fill_of(const std::string& mode) {
  return mode == "constant"  ? Fill::kConstant
         : mode == "reflect" ? Fill::kReflect
         : mode == "wrap"    ? Fill::kWrap
                             : Fill::kNearest;
}

// Where scipy finds a coordinate beyond the edges (map_coordinate of ni_interpolation.c); nothing:
// nowhere. `wrap` has a period of length - 1 there.
std::optional<double> inside(double at, int64_t length, Fill fill) {
  const double last = static_cast<double>(length - 1), all = static_cast<double>(length);
  if (at >= 0 && at <= last) return at;
  switch (fill) {
    case Fill::kConstant: return std::nullopt;
    case Fill::kNearest: return at < 0 ? 0 : last;
    case Fill::kWrap:
      if (length == 1) return 0;
      if (at < 0) return at + last * (std::trunc(-at / last) + 1);
      return at - last * std::trunc(at / last);
    case Fill::kReflect: break;
  }
  if (length == 1) return 0;
  const double period = 2 * all;
  if (at < 0) {
    if (at < -period) at += period * std::trunc(-at / period);
    return at < -all ? at + period : -at - 1;
  }
  at -= period * std::trunc(at / period);
  return at >= all ? period - at - 1 : at;
}

// A row of three numbers that (x, y, 1) is multiplied with.
using Matrix = std::array<std::array<double, 3>, 2>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result{};
  for (size_t i = 0; i < 2; ++i) {
    for (size_t j = 0; j < 3; ++j)
      result[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + (j == 2 ? a[i][2] : 0);
  }
  return result;
}

// From a column and row of the result to those that it is read at.
Matrix matrix_of(const ImageTransform& t, double centre_x, double centre_y) {
  constexpr double kRadians = std::numbers::pi / 180;
  const double turn = t.theta * kRadians, shear = t.shear * kRadians;
  Matrix m{{{1, 0, centre_x}, {0, 1, centre_y}}};
  m = product(m, {{{std::cos(turn), -std::sin(turn), 0}, {std::sin(turn), std::cos(turn), 0}}});
  m = product(m, {{{1, 0, t.tx}, {0, 1, t.ty}}});
  m = product(m, {{{1, -std::sin(shear), 0}, {0, std::cos(shear), 0}}});
  m = product(m, {{{t.zx, 0, 0}, {0, t.zy, 0}}});
  return product(m, {{{1, 0, -centre_x}, {0, 1, -centre_y}}});
}

}  // namespace

void affine(const Tensor& image, const ImageTransform& t, const ReadingOptions& options,
            std::span<float> result) {
  if (t.theta == 0 && t.tx == 0 && t.ty == 0 && t.shear == 0 && t.zx == 1 && t.zy == 1) {
    std::ranges::copy(image.data<float>(), result.begin());
    return;
  }
  const int64_t height = image.shape()[0], width = image.shape()[1];
  const auto channels = static_cast<size_t>(image.shape()[2]);
  double centre_x = static_cast<double>(width) / 2 - 0.5,
         centre_y = static_cast<double>(height) / 2 - 0.5;
  if (options.swapped_centre) std::swap(centre_x, centre_y);
  const Matrix m = matrix_of(t, centre_x, centre_y);
  const Fill fill = fill_of(options.fill_mode);
  const float* from = image.data<float>().data();
  float* to = result.data();
  const auto pixel = [&](int64_t row, int64_t column) {
    return from + static_cast<size_t>(row * width + column) * channels;
  };
  // Where a coordinate is read: the two neighbours and the weight of the second one; nowhere.
  struct Reading {
    int64_t first = 0, second = 0;
    double weight = 0;
    bool is_anywhere = false;
  };
  const Fill edge = fill == Fill::kReflect ? Fill::kReflect : Fill::kNearest;
  const auto reading = [&](double wanted, int64_t length) -> Reading {
    const std::optional<double> found = inside(wanted, length, fill);
    if (!found) return {};
    if (options.order == 0) {
      const auto nearest = static_cast<int64_t>(std::floor(*found + 0.5));
      return {std::clamp<int64_t>(nearest, 0, length - 1), 0, 0, true};
    }
    const double floor = std::floor(*found);
    const auto first = static_cast<int64_t>(floor);
    if (first >= 0 && first + 1 < length) return {first, first + 1, *found - floor, true};
    return {static_cast<int64_t>(*inside(floor, length, edge)),
            static_cast<int64_t>(*inside(floor + 1, length, edge)), *found - floor, true};
  };
  // Without a turn, columns are read alike in all rows.
  const bool turned = m[0][1] != 0 || m[1][0] != 0;
  std::vector<Reading> columns(static_cast<size_t>(width)), rows(static_cast<size_t>(height));
  for (int64_t x = 0; !turned && x < width; ++x)
    columns[static_cast<size_t>(x)] = reading(m[0][0] * static_cast<double>(x) + m[0][2], width);
  for (int64_t y = 0; !turned && y < height; ++y)
    rows[static_cast<size_t>(y)] = reading(m[1][1] * static_cast<double>(y) + m[1][2], height);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x, to += channels) {
      Reading& column = columns[static_cast<size_t>(x)];
      Reading& row = rows[static_cast<size_t>(y)];
      if (turned) {
        const auto u = static_cast<double>(x), v = static_cast<double>(y);
        column = reading(m[0][0] * u + m[0][1] * v + m[0][2], width);
        row = reading(m[1][0] * u + m[1][1] * v + m[1][2], height);
      }
      if (!column.is_anywhere || !row.is_anywhere) {
        std::fill_n(to, channels, options.cval);
        continue;
      }
      const float* a = pixel(row.first, column.first);
      if (options.order == 0) {
        std::copy_n(a, channels, to);
        continue;
      }
      const float *b = pixel(row.first, column.second), *c = pixel(row.second, column.first),
                  *d = pixel(row.second, column.second);
      const double along = column.weight, down = row.weight;
      for (size_t i = 0; i < channels; ++i) {
        to[i] = static_cast<float>((1 - down) * ((1 - along) * a[i] + along * b[i]) +
                                   down * ((1 - along) * c[i] + along * d[i]));
      }
    }
  }
}

}  // namespace sinter

#include "frontend/data/image_transform.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>
#include <vector>

#include "frontend/data/image_spline.h"

namespace sinter {
namespace {

Fill fill_of(const std::string& mode) {
  return mode == "constant"  ? Fill::kConstant
         : mode == "reflect" ? Fill::kReflect
         : mode == "wrap"    ? Fill::kWrap
                             : Fill::kNearest;
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

/// Where a coordinate is read: the two neighbours and the weight of the second one; nowhere.
struct Reading {
  int64_t first = 0, second = 0;
  float weight = 0;
  bool is_anywhere = false;
};

Reading reading_of(double wanted, int64_t length, Fill fill, int order) {
  const std::optional<double> found = inside(wanted, length, fill);
  if (!found) return {};
  if (order == 0) {
    const auto nearest =
        std::clamp<int64_t>(static_cast<int64_t>(std::floor(*found + 0.5)), 0, length - 1);
    return {nearest, nearest, 0, true};
  }
  const double floor = std::floor(*found);
  const auto first = static_cast<int64_t>(floor);
  const auto weight = static_cast<float>(*found - floor);
  if (first >= 0 && first + 1 < length) return {first, first + 1, weight, true};
  const Fill edge = fill == Fill::kReflect ? Fill::kReflect : Fill::kNearest;
  return {static_cast<int64_t>(*inside(floor, length, edge)),
          static_cast<int64_t>(*inside(floor + 1, length, edge)), weight, true};
}

float between(float a, float b, float weight) { return (1 - weight) * a + weight * b; }

// One row of the result, of the two rows at hand that are between `first` and `second`.
void read_columns(const float* line, std::span<const Reading> columns, size_t channels, float cval,
                  float* to) {
  const auto is_next = [&](size_t x) {
    return columns[x].is_anywhere && columns[x].first == columns[x - 1].first + 1 &&
           columns[x].second == columns[x].first + 1 && columns[x].weight == columns[x - 1].weight;
  };
  for (size_t x = 0; x < columns.size();) {
    const Reading& column = columns[x];
    if (!column.is_anywhere) {
      to = std::fill_n(to, channels, cval);
      ++x;
      continue;
    }
    // Columns that are read one after the other with the same weights: a shift without a zoom.
    size_t run = 1;
    if (column.second == column.first + 1) {
      while (x + run < columns.size() && is_next(x + run)) ++run;
    }
    const float* a = line + static_cast<size_t>(column.first) * channels;
    const float* b = line + static_cast<size_t>(column.second) * channels;
    const float weight = column.weight;
    if (weight == 0) {
      std::copy_n(a, run * channels, to);
    } else {
      for (size_t i = 0; i < run * channels; ++i) to[i] = between(a[i], b[i], weight);
    }
    to += run * channels;
    x += run;
  }
}

/// Without a turn or shear, columns are read alike in all rows.
void read_straight(const ImageView& image, const Matrix& m, Fill fill,
                   const ReadingOptions& options, float* to) {
  const auto channels = static_cast<size_t>(image.channels);
  const size_t length = static_cast<size_t>(image.width) * channels;
  std::vector<Reading> columns(static_cast<size_t>(image.width));
  for (int64_t x = 0; x < image.width; ++x)
    columns[static_cast<size_t>(x)] =
        reading_of(m[0][0] * static_cast<double>(x) + m[0][2], image.width, fill, options.order);
  std::vector<float> line(length);
  for (int64_t y = 0; y < image.height; ++y, to += length) {
    const Reading row =
        reading_of(m[1][1] * static_cast<double>(y) + m[1][2], image.height, fill, options.order);
    if (!row.is_anywhere) {
      std::fill_n(to, length, options.cval);
      continue;
    }
    const float* above = image.values + static_cast<size_t>(row.first) * length;
    const float* below = image.values + static_cast<size_t>(row.second) * length;
    if (row.weight == 0) {
      read_columns(above, columns, channels, options.cval, to);
      continue;
    }
    for (size_t i = 0; i < length; ++i) line[i] = between(above[i], below[i], row.weight);
    read_columns(line.data(), columns, channels, options.cval, to);
  }
}

void read_turned(const ImageView& image, const Matrix& m, Fill fill, const ReadingOptions& options,
                 float* to) {
  const auto channels = static_cast<size_t>(image.channels);
  const auto pixel = [&](int64_t row, int64_t column) {
    return image.values + static_cast<size_t>(row * image.width + column) * channels;
  };
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x, to += channels) {
      const auto u = static_cast<double>(x), v = static_cast<double>(y);
      const Reading column = reading_of(m[0][0] * u + m[0][1] * v + m[0][2], image.width, fill,
                                        options.order),
                    row = reading_of(m[1][0] * u + m[1][1] * v + m[1][2], image.height, fill,
                                     options.order);
      if (!column.is_anywhere || !row.is_anywhere) {
        std::fill_n(to, channels, options.cval);
        continue;
      }
      const float *a = pixel(row.first, column.first), *b = pixel(row.first, column.second),
                  *c = pixel(row.second, column.first), *d = pixel(row.second, column.second);
      for (size_t i = 0; i < channels; ++i)
        to[i] = between(between(a[i], b[i], column.weight), between(c[i], d[i], column.weight),
                        row.weight);
    }
  }
}

void read_spline(const ImageView& image, const Matrix& m, Fill fill, const ReadingOptions& options,
                 float* to) {
  const auto count = static_cast<size_t>(image.height * image.width * image.channels);
  const ImageSpline spline({image.values, count}, image.height, image.width, image.channels,
                           options.order, fill);
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x, to += image.channels) {
      const auto u = static_cast<double>(x), v = static_cast<double>(y);
      const bool found =
          spline.read(m[1][0] * u + m[1][1] * v + m[1][2], m[0][0] * u + m[0][1] * v + m[0][2], to);
      if (!found) std::fill_n(to, image.channels, options.cval);
    }
  }
}

}  // namespace

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

void affine(const ImageView& image, const ImageTransform& t, const ReadingOptions& options,
            std::span<float> to) {
  if (t.theta == 0 && t.tx == 0 && t.ty == 0 && t.shear == 0 && t.zx == 1 && t.zy == 1) {
    std::copy_n(image.values, to.size(), to.begin());
    return;
  }
  double centre_x = static_cast<double>(image.width) / 2 - 0.5,
         centre_y = static_cast<double>(image.height) / 2 - 0.5;
  if (options.swapped_centre) std::swap(centre_x, centre_y);
  const Matrix m = matrix_of(t, centre_x, centre_y);
  const Fill fill = fill_of(options.fill_mode);
  const bool turned = m[0][1] != 0 || m[1][0] != 0;
  const auto read = options.order > 1 ? read_spline : turned ? read_turned : read_straight;
  read(image, m, fill, options, to.data());
}

}  // namespace sinter

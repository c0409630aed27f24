// B-spline interpolation: M. Unser, Splines: a perfect fit for signal and image processing, IEEE
// Signal Processing Magazine 16 (1999): coefficients by a recursive filter for each pole, forth and
// back.
#include "frontend/data/image_spline.h"

#include <algorithm>
#include <cmath>

namespace sinter {
namespace {

// Roots of the polynomials of sampled B-splines that lie within the unit circle.
std::vector<double> poles_of(int order) {
  switch (order) {
    case 2: return {std::sqrt(8.0) - 3};
    case 3: return {std::sqrt(3.0) - 2};
    case 4:
      return {std::sqrt(664 - std::sqrt(438976.0)) + std::sqrt(304.0) - 19,
              std::sqrt(664 + std::sqrt(438976.0)) - std::sqrt(304.0) - 19};
    default:
      return {std::sqrt(67.5 - std::sqrt(4436.25)) + std::sqrt(26.25) - 6.5,
              std::sqrt(67.5 + std::sqrt(4436.25)) - std::sqrt(26.25) - 6.5};
  }
}

/// The place within 0..length-1 that stands for one beyond the edges: mirrored at the middle of the
/// last pixel, or, with `twice`, at its far side.
int64_t mirrored(int64_t at, int64_t length, bool twice) {
  if (length == 1) return 0;
  const int64_t period = twice ? 2 * length : 2 * length - 2;
  at = ((at % period) + period) % period;
  return at < length ? at : (twice ? period - 1 : period) - at;
}

// Values `stride` apart become coefficients.
void filter(double* values, int64_t length, int64_t stride, const std::vector<double>& poles,
            bool twice) {
  if (length < 2) return;
  const auto value = [&](int64_t i) -> double& { return values[i * stride]; };
  for (const double z : poles) {
    const double gain = (1 - z) * (1 - 1 / z);
    for (int64_t i = 0; i < length; ++i) value(i) *= gain;
    // Forth: c+[i] = s[i] + z c+[i - 1], begun with the sum over all that lies before, which
    // repeats itself.
    const int64_t period = twice ? 2 * length : 2 * length - 2;
    double sum = 0, power = 1;
    for (int64_t i = 0; i < period && std::abs(power) > 1e-18; ++i, power *= z)
      sum += power * value(mirrored(-i, length, twice));
    value(0) = sum / (1 - std::pow(z, static_cast<double>(period)));
    for (int64_t i = 1; i < length; ++i) value(i) += z * value(i - 1);
    // Back: c[i] = z (c[i + 1] - c+[i]).
    value(length - 1) = twice ? z / (z - 1) * value(length - 1)
                              : z / (z * z - 1) * (value(length - 1) + z * value(length - 2));
    for (int64_t i = length - 2; i >= 0; --i) value(i) = z * (value(i + 1) - value(i));
  }
}

}  // namespace

ImageSpline::ImageSpline(std::span<const float> values, int64_t height, int64_t width,
                         int64_t channels, int order, Fill fill)
    : channels_(channels),
      order_(order),
      fill_(fill),
      is_twice_(fill == Fill::kReflect || fill == Fill::kNearest) {
  constexpr int64_t kAdded = 12;  // as scipy: what comes from beyond is then negligible
  added_ = fill == Fill::kNearest ? kAdded : 0;
  height_ = height + 2 * added_;
  width_ = width + 2 * added_;
  coefficients_.resize(static_cast<size_t>(height_ * width_ * channels));
  double* to = coefficients_.data();
  for (int64_t y = 0; y < height_; ++y) {
    const int64_t row = std::clamp<int64_t>(y - added_, 0, height - 1);
    for (int64_t x = 0; x < width_; ++x) {
      const int64_t column = std::clamp<int64_t>(x - added_, 0, width - 1);
      const float* from = values.data() + (row * width + column) * channels;
      to = std::copy_n(from, channels, to);
    }
  }
  const std::vector<double> poles = poles_of(order);
  const int64_t line = width_ * channels;
  for (int64_t i = 0; i < line; ++i)
    filter(coefficients_.data() + i, height_, line, poles, is_twice_);
  for (int64_t y = 0; y < height_; ++y) {
    for (int64_t c = 0; c < channels; ++c)
      filter(coefficients_.data() + y * line + c, width_, channels, poles, is_twice_);
  }
}

bool ImageSpline::reading(double at, int64_t length, Reading& result) const {
  const std::optional<double> found = inside(at + static_cast<double>(added_), length, fill_);
  if (!found) return false;
  const double low = order_ % 2 == 1 ? std::floor(*found) : std::floor(*found + 0.5);
  const double t = *found - low + (order_ % 2 == 1 ? 0 : 0.5);
  // The pieces of a B-spline at t, t + 1 ...: each order from the one below (de Boor).
  double pieces[7] = {1};
  for (int k = 1; k <= order_; ++k) {
    for (int j = k; j >= 0; --j) {
      const double own = j < k ? pieces[j] : 0, before = j > 0 ? pieces[j - 1] : 0;
      pieces[j] = ((t + j) * own + (k + 1 - t - j) * before) / k;
    }
  }
  const int64_t first = static_cast<int64_t>(low) - order_ / 2;
  for (int i = 0; i <= order_; ++i) {
    const int64_t place = first + i;
    result.weights[i] = pieces[order_ - i];
    result.places[i] = mirrored(place, length, is_twice_);
  }
  return true;
}

bool ImageSpline::read(double row, double column, float* to) const {
  Reading rows, columns;
  if (!reading(row, height_, rows) || !reading(column, width_, columns)) return false;
  for (int64_t c = 0; c < channels_; ++c) {
    double sum = 0;
    for (int i = 0; i <= order_; ++i) {
      const double* line = coefficients_.data() + rows.places[i] * width_ * channels_ + c;
      double along = 0;
      for (int j = 0; j <= order_; ++j)
        along += columns.weights[j] * line[columns.places[j] * channels_];
      sum += rows.weights[i] * along;
    }
    to[c] = static_cast<float>(sum);
  }
  return true;
}

}  // namespace sinter

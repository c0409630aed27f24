#include "frontend/data/image_standardize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/counted.h"
#include "core/error.h"
#include "frontend/data/symmetric_eigen.h"

namespace sinter {
namespace {

constexpr double kDeviationEpsilon = 1e-6;  // Keras's
/// Whitening takes the eigenvectors of a matrix of so many rows, or of as many as there are values
/// in a picture, whichever is less: 8 n^3 operations.
constexpr size_t kMostWhitened = 12'288;  // values of a picture: 64 x 64 x 3

// As Keras: whitening takes the mean away, and leaves the deviation.
bool needs_statistics(const ImageDataGeneratorOptions& o) {
  return o.featurewise_center || o.featurewise_std_normalization || o.zca_whitening;
}

void whiten(const std::vector<float>& matrix, std::span<float> values) {
  std::vector<float> result(values.size());
  const float* row = matrix.data();
  for (const float value : values) {
    for (float& r : result) r += value * *row++;
  }
  std::ranges::copy(result, values.begin());
}

/// a' a for `rows` rows of `columns` values; the lower half is filled from the upper one.
std::vector<double> products(const std::vector<double>& a, size_t rows, size_t columns) {
  std::vector<double> result(columns * columns);
  for (size_t r = 0; r < rows; ++r) {
    const double* row = a.data() + r * columns;
    for (size_t i = 0; i < columns; ++i) {
      double* to = result.data() + i * columns;
      const double by = row[i];
      if (by == 0) continue;
      for (size_t j = i; j < columns; ++j) to[j] += by * row[j];
    }
  }
  for (size_t i = 0; i < columns; ++i) {
    for (size_t j = 0; j < i; ++j) result[i * columns + j] = result[j * columns + i];
  }
  return result;
}

std::vector<double> transposed(const std::vector<double>& a, size_t rows, size_t columns) {
  std::vector<double> result(a.size());
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) result[j * rows + i] = a[i * columns + j];
  }
  return result;
}

/// U diag(sqrt(n) / (s + epsilon)) U' for x' = U diag(s) V', x being n pictures of `length` values.
/// Directions in which nothing varies are left out: in Keras they get noise times sqrt(n) /
/// epsilon.
std::vector<float> whitening_of(const std::vector<double>& x, size_t n, size_t length,
                                double epsilon) {
  // The eigenvectors of x' x are U; of x x', which is smaller where pictures are few, V.
  const bool few = n < length;
  const std::vector<double> flipped = few ? transposed(x, n, length) : std::vector<double>();
  const Eigen eigen = few ? symmetric_eigen(products(flipped, length, n), n)
                          : symmetric_eigen(products(x, n, length), length);
  const double most = std::sqrt(std::max(0.0, std::ranges::max(eigen.values)));
  std::vector<float> result(length * length);
  std::vector<double> sums(length * length), direction(length);
  const size_t count = eigen.values.size();
  for (size_t k = 0; k < count; ++k) {
    const double s = std::sqrt(std::max(0.0, eigen.values[k]));
    constexpr double kNothing = 1e-6;  // of the largest: the rounding of float32
    if (s <= kNothing * most) continue;
    const double* vector = eigen.vectors.data() + k * count;
    if (few) {
      std::ranges::fill(direction, 0);
      for (size_t i = 0; i < n; ++i) {
        for (size_t j = 0; j < length; ++j) direction[j] += vector[i] / s * x[i * length + j];
      }
      vector = direction.data();
    }
    const double by = std::sqrt(static_cast<double>(n)) / (s + epsilon);
    for (size_t i = 0; i < length; ++i) {
      const double factor = by * vector[i];
      for (size_t j = 0; j < length; ++j) sums[i * length + j] += factor * vector[j];
    }
  }
  std::ranges::transform(sums, result.begin(), [](double v) { return static_cast<float>(v); });
  return result;
}

}  // namespace

ImageStatistics statistics_of(const ImageDataGeneratorOptions& o, const Tensor& x) {
  const auto channels = static_cast<size_t>(x.shape()[3]);
  const double scale = o.rescale.value_or(1);
  const auto count = static_cast<double>(x.elements()) / static_cast<double>(channels);
  const auto n = static_cast<size_t>(x.shape()[0]), length = static_cast<size_t>(x.elements()) / n;
  if (o.zca_whitening && length > kMostWhitened)
    throw Error(fmt::format(
        "ImageDataGenerator::fit: zca_whitening takes pictures of at most {} values, found {}",
        kMostWhitened, length));
  ImageStatistics s;
  s.shape = Shape{x.shape()[1], x.shape()[2], x.shape()[3]};
  s.mean.resize(channels);
  s.deviation.resize(channels);
  std::vector<double> centred(o.zca_whitening ? n * length : 0);
  dispatch_dtype(x.dtype(), [&](auto zero) {
    const auto values = x.data<decltype(zero)>();
    for (size_t i = 0; i < values.size(); ++i)
      s.mean[i % channels] += static_cast<double>(values[i]) * scale / count;
    for (size_t i = 0; i < values.size(); ++i) {
      const double off = static_cast<double>(values[i]) * scale - s.mean[i % channels];
      s.deviation[i % channels] += off * off / count;
      if (!centred.empty()) centred[i] = off;
    }
  });
  for (double& d : s.deviation) {
    if (!std::isfinite(d))
      throw Error(
          "ImageDataGenerator::fit: x holds NaN, infinities or numbers whose squares are infinite");
    d = std::sqrt(d);
  }
  if (o.zca_whitening) {
    s.whitening =
        std::make_shared<const std::vector<float>>(whitening_of(centred, n, length, o.zca_epsilon));
  }
  return s;
}

void check_fitted(const ImageDataGeneratorOptions& o, const ImageStatistics& s,
                  const Shape& picture) {
  if (!needs_statistics(o)) return;
  if (s.shape.rank() == 0)
    throw Error(
        "featurewise_center, featurewise_std_normalization and zca_whitening need fit() first");
  if (s.shape.dim(-1) != picture.dim(-1))
    throw ShapeError(fmt::format("fit() saw pictures of {}, these have {}",
                                 counted(s.shape.dim(-1), "channel"), picture.dim(-1)));
  if (o.zca_whitening && s.shape != picture)
    throw ShapeError(fmt::format("zca_whitening: fit() saw pictures {}, these are {}",
                                 s.shape.to_string(), picture.to_string()));
}

void standardize_in(const ImageDataGeneratorOptions& o, const ImageStatistics& s,
                    const Shape& shape, std::span<float> values) {
  if (o.preprocessing_function) {
    Tensor given(DType::kFloat32, shape);
    std::ranges::copy(values, given.data<float>().begin());
    const Tensor made = o.preprocessing_function(given).cast(DType::kFloat32);
    if (made.shape() != shape)
      throw ShapeError(fmt::format("preprocessing_function made {} of {}", made.shape().to_string(),
                                   shape.to_string()));
    std::ranges::copy(made.data<float>(), values.begin());
  }
  if (o.rescale) {
    for (float& value : values) value *= static_cast<float>(*o.rescale);
  }
  const auto count = static_cast<double>(values.size());
  if (o.samplewise_center || o.samplewise_std_normalization) {
    double sum = 0;
    for (const float value : values) sum += value;
    const auto mean = static_cast<float>(sum / count);
    for (float& value : values) value -= mean;
  }
  if (o.samplewise_std_normalization) {
    double sum = 0, squares = 0;
    for (const float value : values) sum += value;
    for (const float value : values) squares += (value - sum / count) * (value - sum / count);
    const auto by = static_cast<float>(std::sqrt(squares / count) + kDeviationEpsilon);
    for (float& value : values) value /= by;
  }
  if (!needs_statistics(o)) return;
  const auto channels = static_cast<size_t>(shape.dim(-1));
  for (size_t i = 0; i < values.size(); ++i) values[i] -= static_cast<float>(s.mean[i % channels]);
  if (o.zca_whitening) {
    whiten(*s.whitening, values);
  } else if (o.featurewise_std_normalization) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] /= static_cast<float>(s.deviation[i % channels] + kDeviationEpsilon);
  }
}

}  // namespace sinter

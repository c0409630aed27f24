// How ImageDataGenerator normalises pictures, and what it learns from the data for that.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "frontend/data/image_data_generator.h"

namespace sinter {

struct ImageStatistics {
  Shape shape;                          // of a picture; of rank 0 where nothing was fitted
  std::vector<double> mean, deviation;  // of each channel
  /// Symmetric, row by row: what a flattened picture is multiplied with. Null without
  /// zca_whitening.
  std::shared_ptr<const std::vector<float>> whitening;
};

/// Of pictures [n, height, width, channels], which are rescaled as the options say. Raises Error
/// for values that are not finite and for pictures that are too large to be whitened.
ImageStatistics statistics_of(const ImageDataGeneratorOptions& options, const Tensor& x);

/// Raises Error where the options need fit(), which was not called, ShapeError where it saw
/// pictures of another shape.
void check_fitted(const ImageDataGeneratorOptions& options, const ImageStatistics& statistics,
                  const Shape& picture);

/// One picture of this shape, in place.
void standardize_in(const ImageDataGeneratorOptions& options, const ImageStatistics& statistics,
                    const Shape& shape, std::span<float> values);

}  // namespace sinter

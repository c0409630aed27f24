// What an ImageDataGenerator holds.
#pragma once

#include "core/fork.h"
#include "frontend/data/image_data_generator.h"
#include "frontend/data/image_standardize.h"

namespace sinter {

struct ImageDataGenerator::State {
  ImageDataGeneratorOptions options;
  mutable ForkMutex mutex;  // over what fit() sets
  ImageStatistics statistics;

  /// Raises as check_fitted() does.
  ImageStatistics fitted(const Shape& picture) const {
    const std::lock_guard lock(mutex);
    check_fitted(options, statistics, picture);
    return statistics;
  }
};

/// Raises ShapeError unless x is [n, height, width, channels], or, with rank 3, one picture.
void check_pictures(const char* call, const Tensor& x, int rank);

}  // namespace sinter

// Pictures between their pixels by B-splines of a higher order, as scipy.ndimage reads them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "frontend/data/image_transform.h"

namespace sinter {

/// The splines of order 2 to 5 through the pixels of a picture, one for each channel.
class ImageSpline {
 public:
  /// `values` are [height, width, channels]. What the spline does beyond the edges is scipy's:
  /// it is mirrored there ("constant", "wrap"), or with each pixel twice ("reflect"), or made of a
  /// picture whose edges go on for some pixels ("nearest").
  ImageSpline(std::span<const float> values, int64_t height, int64_t width, int64_t channels,
              int order, Fill fill);

  /// The channels at a row and column, which are where inside() finds them, to `to`. False, and
  /// nothing done, where that is nowhere.
  bool read(double row, double column, float* to) const;

 private:
  /// Where one coordinate is read, with how much each of order + 1 coefficients counts.
  struct Reading {
    int64_t places[6];
    double weights[6];
  };
  bool reading(double at, int64_t length, Reading& result) const;

  int64_t height_, width_, channels_;  // with what was added at the edges
  int64_t added_ = 0;
  int order_;
  Fill fill_;
  bool is_twice_;  // how the spline is mirrored at the edges
  std::vector<double> coefficients_;
};

}  // namespace sinter

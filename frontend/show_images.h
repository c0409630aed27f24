// A grid of images with their labels, to look at data and mistakes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "core/tensor.h"

namespace sinter {

struct ShowImagesOptions {
  int64_t columns = 0;  // 0: about as many as rows
  int64_t count = 64;   // the first images are drawn, at most so many
  /// Of the classes 0, 1 ...; default: their numbers.
  std::vector<std::string> class_names = {};
  /// What a model takes the images for, as y or as predict() gives it: under each image, blue where
  /// it is right, with a red frame and the true class in brackets where it is wrong.
  std::optional<Tensor> predicted = std::nullopt;
  std::string title = "";
  int size = 0;  // pixels of the longer side of an image; 0 chooses
};

/// Draws images [n, height, width], [n, height, width, channels] of 1, 3 or 4, or grey squares [n,
/// pixels], in a grid: uint8, integers or floats of 0 to 255, or floats that are all of 0 to 1;
/// what lies outside is cut off. `y` are their classes, [n], [n, 1] or rows [n, classes]. `path`
/// ends in .png or .svg. Raises ShapeError for other shapes and different numbers of rows, Error
/// for NaN, for no image, and for classes without a name, FileError.
void show_images(const Tensor& x, const Tensor& y, const std::string& path,
                 ShowImagesOptions options = {}, SourceLocation where = SourceLocation::current());
void show_images(const Tensor& x, const std::string& path, ShowImagesOptions options = {},
                 SourceLocation where = SourceLocation::current());

}  // namespace sinter

// image_dataset_from_directory, as keras.utils has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "frontend/data/dataset.h"
#include "frontend/data/image.h"

namespace sinter {

struct ImageDatasetOptions {
  /// "int": int32 [n]; "categorical": one-hot float32 [n, classes]; "binary": float32 [n, 1] of two
  /// classes; "": no labels, elements are (x).
  std::string label_mode = "int";
  /// Names of subfolders in the order of their labels; default: all, sorted.
  std::vector<std::string> class_names = {};
  std::string color_mode = "rgb";          // or "grayscale", "rgba"
  std::optional<int64_t> batch_size = 32;  // nothing: single images
  ImageSize image_size = {256, 256};
  bool shuffle = true;  // else sorted
  std::optional<int64_t> seed = std::nullopt;
  /// The part of the files that `subset` "validation" holds; "training" holds the rest.
  std::optional<double> validation_split = std::nullopt;
  std::string subset = "";
  std::string interpolation = "bilinear";
  int threads = Dataset::kAutotune;  // that read ahead of need
};

/// A Dataset that knows what it was made of.
struct ImageDataset : Dataset {
  std::vector<std::string> class_names;
  std::vector<std::string> file_paths;  // in the order before shuffling in each epoch
  std::vector<int32_t> labels;          // of each file; none without labels
};

/// Images below `folder`, a subfolder a class, with their labels: float32 [n, height, width,
/// channels] of 0 to 255. Files that end in .png, .jpg, .jpeg, .pnm, .pbm, .pgm or .ppm, in any
/// depth of the subfolders. They are read when the dataset is walked through; errors then name the
/// file. Raises FileError where there is no folder or no image, NameError and Error for options
/// that Keras refuses, too: a split without seed or subset, "binary" without two classes ...
ImageDataset image_dataset_from_directory(const std::string& folder,
                                          ImageDatasetOptions options = {},
                                          SourceLocation where = SourceLocation::current());

}  // namespace sinter

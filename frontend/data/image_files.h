// Files of pictures in folders that are named after their classes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "frontend/data/image.h"

namespace sinter {

struct LabelledFile {
  std::string path;
  int32_t label = 0;
};

struct ImageFiles {
  std::vector<std::string> classes;
  /// In the order of classes, and within each sorted.
  std::vector<LabelledFile> files;
};

/// Files that end in .png, .jpg, .jpeg, .pnm, .pbm, .pgm or .ppm, in any depth of the subfolders
/// `wanted`, or of all; with `labelled` false all below `folder`, without classes. Raises FileError
/// where there is no folder or no image, NameError for a subfolder that is not there.
ImageFiles find_image_files(const std::string& folder, const std::vector<std::string>& wanted,
                            bool labelled);

/// Raises NameError unless `name` is one of those known.
void check_name_of(const char* kind, const std::string& name,
                   const std::vector<std::string>& known);

/// 1 of "grayscale", 3 of "rgb", 4 of "rgba". Raises NameError.
int channels_of(const std::string& color_mode);
/// Raises NameError for an interpolation that resize() has not, Error for a size below 1 x 1;
/// `call` starts the message.
void check_resizing(const char* call, ImageSize size, const std::string& interpolation);

/// float32 [classes] with a 1.
Tensor one_hot_label(int32_t label, int64_t classes);

/// A file of pictures as float32 [height, width, channels] of 0 to 255, in that size.
Tensor read_sized(const std::string& path, int channels, ImageSize size,
                  const std::string& interpolation);

}  // namespace sinter

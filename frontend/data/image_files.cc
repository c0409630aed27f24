#include "frontend/data/image_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "core/error.h"

namespace sinter {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> result;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    result.push_back(it->path());
  if (error)
    throw FileError(
        fmt::format("cannot read the folder '{}': {}", folder.string(), error.message()));
  std::ranges::sort(result);
  return result;
}

bool is_image(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const char* known : {".png", ".jpg", ".jpeg", ".pnm", ".pbm", ".pgm", ".ppm"}) {
    if (ending == known) return true;
  }
  return false;
}

// A link to a folder is not followed: it may lead around in a circle.
void add_files(const fs::path& folder, int32_t label, std::vector<LabelledFile>& files) {
  for (const fs::path& path : sorted_entries(folder)) {
    std::error_code error;
    if (fs::is_directory(fs::symlink_status(path, error)))
      add_files(path, label, files);
    else if (is_image(path))
      files.push_back({path.string(), label});
  }
}

std::vector<std::string> subfolders_of(const fs::path& folder,
                                       const std::vector<std::string>& wanted) {
  std::vector<std::string> found;
  for (const fs::path& path : sorted_entries(folder)) {
    std::error_code error;
    if (fs::is_directory(path, error)) found.push_back(path.filename().string());
  }
  if (wanted.empty()) return found;
  for (const std::string& name : wanted) check_name_of("subfolder", name, found);
  return wanted;
}

}  // namespace

ImageFiles find_image_files(const std::string& folder, const std::vector<std::string>& wanted,
                            bool labelled) {
  ImageFiles result;
  if (labelled) {
    result.classes = subfolders_of(folder, wanted);
    for (size_t i = 0; i < result.classes.size(); ++i)
      add_files(fs::path(folder) / result.classes[i], static_cast<int32_t>(i), result.files);
  } else {
    add_files(folder, 0, result.files);
  }
  if (result.files.empty())
    throw FileError(fmt::format("'{}' holds no image{}", folder, labelled ? " in subfolders" : ""));
  return result;
}

void check_name_of(const char* kind, const std::string& name,
                   const std::vector<std::string>& known) {
  if (std::ranges::find(known, name) == known.end()) raise_unknown_name(kind, name, known);
}

int channels_of(const std::string& color_mode) {
  check_name_of("color_mode", color_mode, {"grayscale", "rgb", "rgba"});
  return color_mode == "grayscale" ? 1 : color_mode == "rgb" ? 3 : 4;
}

void check_resizing(const char* call, ImageSize size, const std::string& interpolation) {
  check_name_of("interpolation", interpolation, {"area", "bilinear", "nearest"});
  if (size.height < 1 || size.width < 1)
    throw Error(fmt::format("{}: the image size must be at least 1 x 1, found {} x {}", call,
                            size.height, size.width));
}

Tensor one_hot_label(int32_t label, int64_t classes) {
  Tensor result(DType::kFloat32, {classes});
  result.set(label, 1);
  return result;
}

Tensor read_sized(const std::string& path, int channels, ImageSize size,
                  const std::string& interpolation) {
  const Tensor bytes = read_image(path, {.channels = channels, .dtype = DType::kUint8}, {});
  return resize(bytes, size, interpolation, {}).cast(DType::kFloat32);
}

}  // namespace sinter

#include "frontend/data/image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <numeric>
#include <system_error>

#include "core/error.h"
#include "core/line.h"
#include "frontend/session.h"
#include "frontend/training/prepared_data.h"

namespace sinter {
namespace {

namespace fs = std::filesystem;

struct LabelledFile {
  std::string path;
  int32_t label = 0;
};

void check_name(const char* kind, const std::string& name, const std::vector<std::string>& known) {
  if (std::ranges::find(known, name) == known.end()) raise_unknown_name(kind, name, known);
}

void check(const ImageDatasetOptions& o) {
  check_name("label_mode", o.label_mode, {"", "binary", "categorical", "int"});
  check_name("color_mode", o.color_mode, {"grayscale", "rgb", "rgba"});
  check_name("interpolation", o.interpolation, {"area", "bilinear", "nearest"});
  if (o.image_size.height < 1 || o.image_size.width < 1)
    throw Error(
        fmt::format("image_dataset_from_directory: the image size must be at least 1 x 1, "
                    "found {} x {}",
                    o.image_size.height, o.image_size.width));
  if (!o.validation_split) {
    if (!o.subset.empty())
      throw Error("image_dataset_from_directory: subset needs a validation_split");
    return;
  }
  if (!(*o.validation_split > 0 && *o.validation_split < 1))
    throw Error(fmt::format(
        "image_dataset_from_directory: validation_split must lie between 0 and 1, found {}",
        *o.validation_split));
  if (o.subset.empty())
    throw Error(
        "image_dataset_from_directory: a validation_split needs a subset, \"training\" or "
        "\"validation\"");
  check_name("subset", o.subset, {"training", "validation"});
  if (o.shuffle && !o.seed)
    throw Error(
        "image_dataset_from_directory: a validation_split of shuffled files needs a seed, "
        "or both subsets may hold the same file");
}

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

std::vector<std::string> classes_of(const fs::path& folder,
                                    const std::vector<std::string>& wanted) {
  std::vector<std::string> found;
  for (const fs::path& path : sorted_entries(folder)) {
    std::error_code error;
    if (fs::is_directory(path, error)) found.push_back(path.filename().string());
  }
  if (wanted.empty()) return found;
  for (const std::string& name : wanted) check_name("subfolder", name, found);
  return wanted;
}

Tensor label_of(int32_t label, const std::string& mode, int64_t classes) {
  if (mode == "int") return Tensor::scalar(label);
  if (mode == "binary") return Tensor::from({static_cast<float>(label)});
  Tensor result(DType::kFloat32, {classes});
  result.set(label, 1);
  return result;
}

}  // namespace

ImageDataset image_dataset_from_directory(const std::string& folder, ImageDatasetOptions options,
                                          SourceLocation where) {
  return at_line(where, [&] {
    check(options);
    std::vector<std::string> classes;
    std::vector<LabelledFile> files;
    if (options.label_mode.empty()) {
      add_files(folder, 0, files);
    } else {
      classes = classes_of(folder, options.class_names);
      for (size_t i = 0; i < classes.size(); ++i)
        add_files(fs::path(folder) / classes[i], static_cast<int32_t>(i), files);
      if (options.label_mode == "binary" && classes.size() != 2)
        throw Error(
            fmt::format("image_dataset_from_directory: label_mode \"binary\" takes 2 "
                        "classes, '{}' has {}",
                        folder, classes.size()));
    }
    if (files.empty())
      throw FileError(fmt::format("'{}' holds no image{}", folder,
                                  options.label_mode.empty() ? "" : " in subfolders"));
    const int64_t seed = options.seed ? *options.seed : static_cast<int64_t>(next_random_key());
    if (options.shuffle) {
      std::vector<LabelledFile> order;
      for (const int64_t i : permutation(static_cast<int64_t>(files.size()), seed, 0))
        order.push_back(std::move(files[static_cast<size_t>(i)]));
      files = std::move(order);
    }
    if (options.validation_split) {
      const auto count = static_cast<std::ptrdiff_t>(*options.validation_split *
                                                     static_cast<double>(files.size()));
      const bool training = options.subset == "training";
      files = training ? std::vector(files.begin(), files.end() - count)
                       : std::vector(files.end() - count, files.end());
      if (files.empty())
        throw Error(fmt::format("image_dataset_from_directory: the subset \"{}\" of '{}' is empty",
                                options.subset, folder));
    }

    std::vector<std::string> paths;
    for (const LabelledFile& file : files) paths.push_back(file.path);
    const auto kept = std::make_shared<const std::vector<LabelledFile>>(std::move(files));
    const int channels = options.color_mode == "grayscale" ? 1
                         : options.color_mode == "rgb"     ? 3
                                                           : 4;
    const auto classes_count = static_cast<int64_t>(classes.size());
    const auto load = [kept, channels, classes_count, size = options.image_size,
                       interpolation = options.interpolation,
                       mode = options.label_mode](Tensor number) {
      const LabelledFile& file = (*kept)[static_cast<size_t>(number.number(0, {}).as_integer())];
      const Tensor bytes =
          read_image(file.path, {.channels = channels, .dtype = DType::kUint8}, {});
      Tensor x = resize(bytes, size, interpolation, {}).cast(DType::kFloat32);
      if (mode.empty()) return Element(std::move(x));
      return Element(std::move(x), label_of(file.label, mode, classes_count));
    };
    Dataset dataset = Dataset::range(static_cast<int64_t>(kept->size()), {});
    // File numbers are small: a buffer for all shuffles evenly.
    if (options.shuffle)
      dataset = dataset.shuffle(static_cast<int64_t>(kept->size()), {.seed = seed}, {});
    dataset = dataset.map(load, {.num_parallel_calls = options.threads}, {});
    if (options.batch_size) dataset = dataset.batch(*options.batch_size, false, {});
    return ImageDataset{dataset.prefetch(Dataset::kAutotune, {}), std::move(classes),
                        std::move(paths)};
  });
}

}  // namespace sinter

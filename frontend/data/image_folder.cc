#include "frontend/data/image_folder.h"

#include <fmt/format.h>

#include <memory>

#include "core/error.h"
#include "core/line.h"
#include "frontend/data/image_files.h"
#include "frontend/session.h"
#include "frontend/training/prepared_data.h"

namespace sinter {
namespace {

void check(const ImageDatasetOptions& o) {
  check_name_of("label_mode", o.label_mode, {"", "binary", "categorical", "int"});
  check_resizing("image_dataset_from_directory", o.image_size, o.interpolation);
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
  check_name_of("subset", o.subset, {"training", "validation"});
  if (o.shuffle && !o.seed)
    throw Error(
        "image_dataset_from_directory: a validation_split of shuffled files needs a seed, "
        "or both subsets may hold the same file");
}

Tensor label_of(int32_t label, const std::string& mode, int64_t classes) {
  if (mode == "int") return Tensor::scalar(label);
  if (mode == "binary") return Tensor::from({static_cast<float>(label)});
  return one_hot_label(label, classes);
}

}  // namespace

ImageDataset image_dataset_from_directory(const std::string& folder, ImageDatasetOptions options,
                                          SourceLocation where) {
  return at_line(where, [&] {
    check(options);
    const int channels = channels_of(options.color_mode);
    auto [classes, files] =
        find_image_files(folder, options.class_names, !options.label_mode.empty());
    if (options.label_mode == "binary" && classes.size() != 2)
      throw Error(
          fmt::format("image_dataset_from_directory: label_mode \"binary\" takes 2 "
                      "classes, '{}' has {}",
                      folder, classes.size()));
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
    std::vector<int32_t> labels;
    for (const LabelledFile& file : files) {
      paths.push_back(file.path);
      if (!options.label_mode.empty()) labels.push_back(file.label);
    }
    const auto kept = std::make_shared<const std::vector<LabelledFile>>(std::move(files));
    const auto classes_count = static_cast<int64_t>(classes.size());
    const auto load = [kept, channels, classes_count, size = options.image_size,
                       interpolation = options.interpolation,
                       mode = options.label_mode](Tensor number) {
      const LabelledFile& file = (*kept)[static_cast<size_t>(number.number(0, {}).as_integer())];
      Tensor x = read_sized(file.path, channels, size, interpolation);
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
                        std::move(paths), std::move(labels)};
  });
}

}  // namespace sinter

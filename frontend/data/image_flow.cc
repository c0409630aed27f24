// Streams of pictures that an ImageDataGenerator makes.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "core/error.h"
#include "core/line.h"
#include "frontend/data/dataset_node.h"
#include "frontend/data/image_augment.h"
#include "frontend/data/image_data_generator_state.h"
#include "frontend/data/image_files.h"
#include "frontend/data/rows.h"
#include "frontend/session.h"
#include "frontend/training/prepared_data.h"

namespace sinter {
namespace {

/// Numbers of rows, in another order in each walk, with the pass and the place that pictures are
/// drawn by: int64[3].
class PlacesNode : public DatasetNode {
 public:
  PlacesNode(int64_t rows, bool shuffle, int64_t seed)
      : rows_(rows), shuffle_(shuffle), seed_(seed) {}
  void begin(Walk& walk) const override {
    if (!walk.has(this)) walk.count(this, passes_.fetch_add(1));
  }
  int64_t cardinality() const override { return rows_; }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    struct Places : Stream<Element> {
      std::optional<Element> next() override {
        if (at == rows) return std::nullopt;
        const int64_t row = order.empty() ? at : order[static_cast<size_t>(at)];
        return Element(Tensor::from({row, pass, at++}));
      }
      int64_t rows = 0, pass = 0, at = 0;
      std::vector<int64_t> order;
    };
    auto places = std::make_unique<Places>();
    places->rows = rows_;
    places->pass = static_cast<int64_t>(static_cast<uint64_t>(round.walk->passes(this)) +
                                        round.repetition * 0x51ED27);
    if (shuffle_) places->order = permutation(rows_, seed_, places->pass);
    return places;
  }

 private:
  int64_t rows_;
  bool shuffle_;
  int64_t seed_;
  mutable std::atomic<int64_t> passes_{0};
};

/// Pictures as they are made, written to a folder.
class Gallery {
 public:
  Gallery(std::string folder, std::string prefix, std::string format)
      : folder_(std::move(folder)), prefix_(std::move(prefix)), format_(std::move(format)) {
    std::error_code error;  // what comes of it, the first picture says
    if (!folder_.empty()) std::filesystem::create_directories(folder_, error);
  }
  void add(const Shape& shape, std::span<const float> values, int64_t row, int64_t pass) const {
    if (folder_.empty()) return;
    const auto [low, high] = std::ranges::minmax(values);
    Tensor picture(DType::kFloat32, shape, {});
    std::ranges::transform(
        values, picture.data<float>({}).begin(),
        [low = low, high = high](float v) { return high > low ? (v - low) / (high - low) : 0; });
    write_image(fmt::format("{}/{}_{}_{}.{}", folder_, prefix_, row, pass, format_), picture, {},
                {});
  }

 private:
  std::string folder_, prefix_, format_;
};

/// Makes the pictures of a batch, which `places` are the numbers of, in memory of float32.
class PictureMaker {
 public:
  PictureMaker(const ImageDataGeneratorOptions& options, ImageStatistics statistics, int64_t seed,
               Gallery gallery)
      : options_(options),
        statistics_(std::move(statistics)),
        seed_(seed),
        gallery_(std::move(gallery)) {}
  /// `picture_at(row)` gives the values of a picture of this shape, until it is called again.
  template <typename PictureAt>
  Tensor made(const Tensor& places, const Shape& shape, const PictureAt& picture_at) const {
    Tensor pictures =
        Tensor::placeholder(DType::kFloat32, {places.shape()[0], shape[0], shape[1], shape[2]});
    const auto size = static_cast<size_t>(shape.elements());
    std::span<float> to = pictures.data<float>({});
    const int64_t* place = places.data<int64_t>({}).data();
    for (; !to.empty(); to = to.subspan(size), place += 3) {
      const ImageTransform t =
          random_transform(options_, shape, ImageRandom(seed_, place[1], place[2]));
      transform_to(options_, {picture_at(place[0]), shape[0], shape[1], shape[2]}, t,
                   to.first(size));
      standardize_in(options_, statistics_, shape, to.first(size));
      gallery_.add(shape, to.first(size), place[0], place[1]);
    }
    return pictures;
  }

 private:
  const ImageDataGeneratorOptions& options_;  // of the generator
  ImageStatistics statistics_;
  int64_t seed_;
  Gallery gallery_;
};

std::vector<int64_t> rows_in(const Tensor& places) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < places.shape()[0]; ++i)
    rows.push_back(places.data<int64_t>({})[static_cast<size_t>(3 * i)]);
  return rows;
}

void check_subset(const char* call, const std::string& subset, double validation_split) {
  if (subset.empty()) return;
  check_name_of("subset", subset, {"training", "validation"});
  if (validation_split == 0)
    throw Error(fmt::format("{}: a subset needs a validation_split", call));
}

/// Whole batches: a picture alone is less work than waking a thread.
template <typename Made>
Dataset batches_of(int64_t rows, bool shuffle, int64_t seed, int64_t batch_size, int threads,
                   Made made, SourceLocation where) {
  return Dataset(std::make_shared<PlacesNode>(rows, shuffle, seed))
      .batch(batch_size, false, {})
      .map(std::move(made), {.num_parallel_calls = threads}, where)
      .prefetch(Dataset::kAutotune, {});
}

// The files of one side: the first of each class validate.
std::vector<LabelledFile> side_of(const std::vector<LabelledFile>& files, const std::string& subset,
                                  double validation_split) {
  if (subset.empty()) return files;
  std::vector<LabelledFile> result;
  for (auto begin = files.begin(); begin != files.end();) {
    const auto end = std::find_if(
        begin, files.end(), [&](const LabelledFile& file) { return file.label != begin->label; });
    const auto middle =
        begin + static_cast<std::ptrdiff_t>(validation_split * static_cast<double>(end - begin));
    if (subset == "validation")
      result.insert(result.end(), begin, middle);
    else
      result.insert(result.end(), middle, end);
    begin = end;
  }
  return result;
}

Tensor labels_of(std::span<const int64_t> rows, const std::vector<int32_t>& labels,
                 const std::string& mode, int64_t classes) {
  const int64_t n = std::ssize(rows);
  Tensor result(DType::kFloat32, mode == "categorical" ? Shape{n, classes} : Shape{n}, {});
  const std::span<float> values = result.data<float>({});
  for (size_t i = 0; i < rows.size(); ++i) {
    const int32_t label = labels[static_cast<size_t>(rows[i])];
    if (mode == "categorical")
      values[i * static_cast<size_t>(classes) + static_cast<size_t>(label)] = 1;
    else
      values[i] = static_cast<float>(label);
  }
  return result;
}

}  // namespace

Dataset ImageDataGenerator::flow(const Tensor& x, FlowOptions options, SourceLocation where) const {
  return flow(x, Tensor(DType::kFloat32, {0}, {}), std::move(options), where);
}

Dataset ImageDataGenerator::flow(const Tensor& x, const Tensor& y, FlowOptions options,
                                 SourceLocation where) const {
  return at_line(where, [&] {
    check_pictures("flow", x, 4);
    const bool labelled = !(y.shape() == Shape{0});
    std::vector<Tensor> rows = {x};
    if (labelled) rows.push_back(y);
    if (!options.sample_weight.empty()) {
      if (!labelled || options.sample_weight.list().size() != 1)
        throw Error("flow: sample_weight is one tensor, beside y");
      rows.push_back(options.sample_weight.list().front());
    }
    for (const Tensor& t : rows) {
      if (t.shape().rank() == 0 || t.shape()[0] != x.shape()[0])
        throw ShapeError(fmt::format("flow: x is {}, y or sample_weight {}", x.shape().to_string(),
                                     t.shape().to_string()));
    }
    const double part = state_->options.validation_split;
    check_subset("flow", options.subset, part);
    if (!options.subset.empty()) {
      const auto at = static_cast<int64_t>(static_cast<double>(x.shape()[0]) * part);
      const bool validates = options.subset == "validation";
      for (Tensor& t : rows) t = validates ? t.rows(0, at, {}) : t.rows(at, t.shape()[0], {});
    }
    const Shape shape{x.shape()[1], x.shape()[2], x.shape()[3]};
    const int64_t seed = options.seed ? *options.seed : static_cast<int64_t>(next_random_key());
    const PictureMaker maker(state_->options, state_->fitted(shape), seed,
                             {options.save_to_dir, options.save_prefix, options.save_format});
    const auto made = [rows, shape, maker, state = state_](const Tensor& places) {
      const std::vector<int64_t> numbers = rows_in(places);
      const int64_t length = shape.elements();
      // Only those of the batch, where they have to be converted.
      const bool converted = rows[0].dtype() != DType::kFloat32;
      const Tensor values = converted ? rows_at(rows[0], numbers).cast(DType::kFloat32) : rows[0];
      const float* next = values.data<float>({}).data();
      Tensor pictures = maker.made(places, shape, [&](int64_t row) {
        return converted ? std::exchange(next, next + length) : next + row * length;
      });
      if (rows.size() == 1) return Element(std::move(pictures));
      return Element(std::move(pictures), rows_at(rows[1], numbers),
                     rows.size() == 3 ? Data(rows_at(rows[2], numbers)) : Data());
    };
    return batches_of(rows[0].shape()[0], options.shuffle, seed, options.batch_size,
                      options.threads, made, where);
  });
}

ImageDataset ImageDataGenerator::flow_from_directory(const std::string& folder,
                                                     FlowFromDirectoryOptions options,
                                                     SourceLocation where) const {
  return at_line(where, [&] {
    constexpr const char* kCall = "flow_from_directory";
    const std::string& mode = options.class_mode;
    check_name_of("class_mode", mode, {"", "binary", "categorical", "input", "sparse"});
    check_resizing(kCall, options.target_size, options.interpolation);
    const double part = state_->options.validation_split;
    check_subset(kCall, options.subset, part);
    const int64_t channels = channels_of(options.color_mode);
    ImageFiles found = find_image_files(folder, options.classes, true);
    if (mode == "binary" && found.classes.size() != 2)
      throw Error(fmt::format("{}: class_mode \"binary\" takes 2 classes, '{}' has {}", kCall,
                              folder, found.classes.size()));
    std::vector<std::string> paths;
    std::vector<int32_t> labels;
    for (const LabelledFile& file : side_of(found.files, options.subset, part)) {
      paths.push_back(file.path);
      labels.push_back(file.label);
    }
    if (paths.empty())
      throw Error(
          fmt::format("{}: the subset \"{}\" of '{}' is empty", kCall, options.subset, folder));
    const Shape shape{options.target_size.height, options.target_size.width, channels};
    const int64_t seed = options.seed ? *options.seed : static_cast<int64_t>(next_random_key());
    const PictureMaker maker(state_->options, state_->fitted(shape), seed,
                             {options.save_to_dir, options.save_prefix, options.save_format});
    const auto made = [paths, labels, shape, maker, mode, size = options.target_size,
                       interpolation = options.interpolation, classes = std::ssize(found.classes),
                       state = state_](const Tensor& places) {
      Tensor picture;
      Tensor pictures = maker.made(places, shape, [&](int64_t row) {
        picture = read_sized(paths[static_cast<size_t>(row)], static_cast<int>(shape[2]), size,
                             interpolation);
        return std::as_const(picture).data<float>({}).data();
      });
      if (mode.empty()) return Element(std::move(pictures));
      if (mode == "input") return Element(pictures, pictures);
      return Element(std::move(pictures), labels_of(rows_in(places), labels, mode, classes));
    };
    const auto count = std::ssize(paths);
    return ImageDataset{
        batches_of(count, options.shuffle, seed, options.batch_size, options.threads, made, where),
        std::move(found.classes), std::move(paths), std::move(labels)};
  });
}

}  // namespace sinter

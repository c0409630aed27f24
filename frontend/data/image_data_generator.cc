#include "frontend/data/image_data_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/fork.h"
#include "core/line.h"
#include "core/philox.h"
#include "frontend/data/dataset_node.h"
#include "frontend/data/image_transform.h"
#include "frontend/session.h"
#include "frontend/training/prepared_data.h"

namespace sinter {

struct ImageDataGenerator::State {
  ImageDataGeneratorOptions options;
  mutable ForkMutex mutex;  // over these two, of each channel once fit() was called
  std::vector<double> mean, deviation;
};

namespace {

/// Uniform numbers that depend on a seed, a pass over the data and a place in it alone.
class Random {
 public:
  Random(int64_t seed, int64_t pass, int64_t place) : seed_(seed), pass_(pass), place_(place) {}
  double uniform(double low, double high) {
    constexpr int64_t kStream = 0x1da7a6e4, kMost = 16;
    const uint32_t bits = philox_bits(seed_, pass_, kStream, place_ * kMost + used_++);
    return low + (high - low) * uniform_from_bits(bits);
  }
  bool coin() { return uniform(0, 1) < 0.5; }

 private:
  int64_t seed_, pass_, place_, used_ = 0;
};

double shift_of(const ShiftRange& range, int64_t side, Random& random) {
  // The same count of numbers whatever the range: other settings do not change what is drawn.
  const double at = random.uniform(0, 1);
  const bool negative = random.coin();
  if (!range.choices().empty()) {
    const auto count = static_cast<double>(range.choices().size());
    const double chosen = range.choices()[static_cast<size_t>(at * count)];
    const bool fractions = std::ranges::max(range.choices()) < 1;
    return (negative ? -chosen : chosen) * (fractions ? static_cast<double>(side) : 1);
  }
  const double most = range.range();
  if (range.is_whole() && most >= 1) {
    const double pixels = std::floor(at * most);
    return negative ? -pixels : pixels;
  }
  return (2 * at - 1) * most * (most < 1 ? static_cast<double>(side) : 1);
}

ImageTransform random_transform(const ImageDataGeneratorOptions& o, const Shape& shape,
                                Random random) {
  ImageTransform t;
  t.theta = random.uniform(-o.rotation_range, o.rotation_range);
  const double of_height = shift_of(o.height_shift_range, shape[0], random),
               of_width = shift_of(o.width_shift_range, shape[1], random);
  t.tx = o.keras_exact ? of_height : of_width;
  t.ty = o.keras_exact ? of_width : of_height;
  t.shear = random.uniform(-o.shear_range, o.shear_range);
  t.zx = random.uniform(o.zoom_range.low, o.zoom_range.high);
  t.zy = random.uniform(o.zoom_range.low, o.zoom_range.high);
  t.flip_horizontal = random.coin() && o.horizontal_flip;
  t.flip_vertical = random.coin() && o.vertical_flip;
  t.channel_shift_intensity = random.uniform(-o.channel_shift_range, o.channel_shift_range);
  if (o.brightness_range)
    t.brightness = random.uniform(o.brightness_range->first, o.brightness_range->second);
  return t;
}

void flip(std::span<float> values, int64_t height, int64_t width, int64_t channels, bool across,
          bool over) {
  const int64_t row = width * channels;
  for (int64_t y = 0; across && y < height; ++y) {
    float* line = values.data() + y * row;
    for (int64_t x = 0; x < width / 2; ++x)
      std::swap_ranges(line + x * channels, line + (x + 1) * channels,
                       line + (width - 1 - x) * channels);
  }
  for (int64_t y = 0; over && y < height / 2; ++y) {
    float* line = values.data() + y * row;
    std::swap_ranges(line, line + row, values.data() + (height - 1 - y) * row);
  }
}

// Values of 0 to 255 (or 0 to 1) times the brightness, cut off at the end. With `exact`, as whole
// numbers of 0 to 255, which Keras makes Pillow's images of.
void brighten(std::span<float> values, double brightness, bool exact) {
  const auto [low, high] = std::ranges::minmax(values);
  const bool scaled = low < 0 || high > 255;  // Keras stretches such values to 0 to 255
  const double from = scaled ? low : 0, size = scaled ? double{high} - low : 255;
  const double most = exact || scaled || high > 1 ? 255 : 1;
  for (float& value : values) {
    double v = scaled ? (size == 0 ? 0 : (value - from) / size * 255) : double{value};
    if (exact) v = std::trunc(v);
    v = std::min(v * brightness, most);
    if (exact) v = std::trunc(v);
    value = static_cast<float>(scaled ? v / 255 * size + from : v);
  }
}

void check_pictures(const char* call, const Tensor& x, int rank) {
  if (x.shape().rank() == rank && x.elements() > 0) return;
  throw ShapeError(fmt::format(
      "{}: x must be {}, found {}", call,
      rank == 4 ? "pictures [n,height,width,channels]" : "a picture [height,width,channels]",
      x.shape().to_string()));
}

// `x` changed so, float32, to `values`.
void transform_to(const ImageDataGeneratorOptions& o, const Tensor& x, const ImageTransform& t,
                  std::span<float> values) {
  affine(x.cast(DType::kFloat32), t,
         {.fill_mode = o.fill_mode,
          .cval = static_cast<float>(o.cval),
          .order = o.interpolation_order,
          .swapped_centre = o.keras_exact},
         values);
  if (t.channel_shift_intensity != 0) {
    const auto [low, high] = std::ranges::minmax(values);
    const auto by = static_cast<float>(t.channel_shift_intensity);
    for (float& value : values) value = std::clamp(value + by, low, high);
  }
  flip(values, x.shape()[0], x.shape()[1], x.shape()[2], t.flip_horizontal, t.flip_vertical);
  if (t.brightness) brighten(values, *t.brightness, o.keras_exact);
}

struct Statistics {
  std::vector<double> mean, deviation;  // of each channel, or none
};

// One picture of this shape, in place.
void standardize_in(const ImageDataGeneratorOptions& o, const Statistics& s, const Shape& shape,
                    std::span<float> values) {
  if (o.preprocessing_function) {
    Tensor given(DType::kFloat32, shape);
    std::ranges::copy(values, given.data<float>().begin());
    const Tensor made = o.preprocessing_function(given).cast(DType::kFloat32);
    if (made.shape() != shape)
      throw ShapeError(fmt::format("preprocessing_function made {} of {}", made.shape().to_string(),
                                   shape.to_string()));
    std::ranges::copy(made.data<float>(), values.begin());
  }
  if (o.rescale) {
    for (float& value : values) value *= static_cast<float>(*o.rescale);
  }
  const auto count = static_cast<double>(values.size());
  if (o.samplewise_center || o.samplewise_std_normalization) {
    double sum = 0;
    for (const float value : values) sum += value;
    const auto mean = static_cast<float>(sum / count);
    for (float& value : values) value -= mean;
  }
  if (o.samplewise_std_normalization) {
    double sum = 0, squares = 0;
    for (const float value : values) sum += value;
    for (const float value : values) squares += (value - sum / count) * (value - sum / count);
    const auto by = static_cast<float>(std::sqrt(squares / count) + 1e-6);
    for (float& value : values) value /= by;
  }
  const auto channels = static_cast<size_t>(shape.dim(-1));
  for (size_t i = 0; !s.mean.empty() && i < values.size(); ++i) {
    values[i] -= static_cast<float>(s.mean[i % channels]);
    if (!s.deviation.empty()) values[i] /= static_cast<float>(s.deviation[i % channels] + 1e-6);
  }
}

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

// Rows of `t`, whose numbers stand in the first column of `places`.
Tensor rows_of(const Tensor& t, const Tensor& places) {
  Shape shape = t.shape();
  const auto bytes = static_cast<size_t>(t.bytes() / shape[0]);
  shape[0] = places.shape()[0];
  Tensor result = Tensor::placeholder(t.dtype(), shape);
  auto* to = static_cast<std::byte*>(result.raw());
  for (int64_t i = 0; i < shape[0]; ++i, to += bytes)
    std::memcpy(
        to,
        static_cast<const std::byte*>(t.raw()) +
            static_cast<size_t>(places.data<int64_t>({})[static_cast<size_t>(3 * i)]) * bytes,
        bytes);
  return result;
}

// Row `i` without its first dimension.
Tensor row_of(const Tensor& t, int64_t i) {
  const Shape& shape = t.shape();
  return t.rows(i, i + 1, {}).reshaped(Shape(std::span(shape.begin() + 1, shape.end())), {});
}

Statistics statistics_of(const ImageDataGeneratorOptions& o, const std::vector<double>& mean,
                         const std::vector<double>& deviation, int64_t channels) {
  if (!o.featurewise_center && !o.featurewise_std_normalization) return {};
  if (mean.empty())
    throw Error("featurewise_center and featurewise_std_normalization need fit() first");
  if (static_cast<int64_t>(mean.size()) != channels)
    throw ShapeError(
        fmt::format("fit() saw pictures of {} channels, these have {}", mean.size(), channels));
  return {mean, o.featurewise_std_normalization ? deviation : std::vector<double>()};
}

}  // namespace

ImageDataGenerator::ImageDataGenerator(ImageDataGeneratorOptions options, SourceLocation where)
    : state_(std::make_shared<State>()) {
  at_line(where, [&] {
    const std::vector<std::string> modes = {"constant", "nearest", "reflect", "wrap"};
    if (std::ranges::find(modes, options.fill_mode) == modes.end())
      raise_unknown_name("fill_mode", options.fill_mode, modes);
    const auto refuse = [](const char* name, const std::string& found) {
      throw Error(fmt::format("ImageDataGenerator: {}, found {}", name, found));
    };
    if (options.interpolation_order != 0 && options.interpolation_order != 1)
      refuse("interpolation_order must be 0 or 1", std::to_string(options.interpolation_order));
    if (!(options.validation_split >= 0 && options.validation_split < 1))
      refuse("validation_split must lie between 0 and 1",
             fmt::format("{}", options.validation_split));
    for (const double number :
         {options.rotation_range, options.shear_range, options.channel_shift_range, options.cval,
          options.zoom_range.low, options.zoom_range.high, options.width_shift_range.range(),
          options.height_shift_range.range(), options.rescale.value_or(1),
          options.brightness_range.value_or(std::pair(1, 1)).first,
          options.brightness_range.value_or(std::pair(1, 1)).second}) {
      if (!std::isfinite(number)) refuse("all numbers must be finite", fmt::format("{}", number));
    }
    if (options.zoom_range.low <= 0 || options.zoom_range.high <= 0)
      refuse("zoom_range must be above 0",
             fmt::format("{} to {}", options.zoom_range.low, options.zoom_range.high));
    state_->options = std::move(options);
  });
}

void ImageDataGenerator::fit(const Tensor& x, SourceLocation where) const {
  at_line(where, [&] {
    check_pictures("ImageDataGenerator::fit", x, 4);
    const auto channels = static_cast<size_t>(x.shape()[3]);
    const double scale = state_->options.rescale.value_or(1);
    const auto count = static_cast<double>(x.elements()) / static_cast<double>(channels);
    std::vector<double> mean(channels), deviation(channels);
    dispatch_dtype(x.dtype(), [&](auto zero) {
      const auto values = x.data<decltype(zero)>();
      for (size_t i = 0; i < values.size(); ++i)
        mean[i % channels] += static_cast<double>(values[i]) * scale / count;
      for (size_t i = 0; i < values.size(); ++i) {
        const double off = static_cast<double>(values[i]) * scale - mean[i % channels];
        deviation[i % channels] += off * off / count;
      }
    });
    for (double& d : deviation) d = std::sqrt(d);
    const std::lock_guard lock(state_->mutex);
    state_->mean = std::move(mean);
    state_->deviation = std::move(deviation);
  });
}

ImageTransform ImageDataGenerator::get_random_transform(const Shape& shape, WholeNumber seed,
                                                        SourceLocation where) const {
  return at_line(where, [&] {
    if (shape.rank() != 3)
      throw ShapeError(
          fmt::format("get_random_transform: a picture is [height,width,channels], found {}",
                      shape.to_string()));
    return random_transform(state_->options, shape, Random(seed, 0, 0));
  });
}

Tensor ImageDataGenerator::apply_transform(const Tensor& x, const ImageTransform& transform,
                                           SourceLocation where) const {
  return at_line(where, [&] {
    check_pictures("apply_transform", x, 3);
    Tensor result(DType::kFloat32, x.shape(), {});
    transform_to(state_->options, x, transform, result.data<float>({}));
    return result;
  });
}

Tensor ImageDataGenerator::standardize(const Tensor& x, SourceLocation where) const {
  return at_line(where, [&] {
    check_pictures("standardize", x, 3);
    const std::lock_guard lock(state_->mutex);
    const Statistics s =
        statistics_of(state_->options, state_->mean, state_->deviation, x.shape().dim(-1));
    Tensor copy = x.dtype() == DType::kFloat32 ? x.clone() : x.cast(DType::kFloat32);
    standardize_in(state_->options, s, x.shape(), copy.data<float>({}));
    return copy;
  });
}

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
    if (!options.subset.empty()) {
      const std::vector<std::string> subsets = {"training", "validation"};
      if (std::ranges::find(subsets, options.subset) == subsets.end())
        raise_unknown_name("subset", options.subset, subsets);
      if (part == 0) throw Error("flow: a subset needs a validation_split");
      const auto at = static_cast<int64_t>(static_cast<double>(x.shape()[0]) * part);
      const bool validates = options.subset == "validation";
      for (Tensor& t : rows) t = validates ? t.rows(0, at, {}) : t.rows(at, t.shape()[0], {});
    }
    Statistics statistics;
    {
      const std::lock_guard lock(state_->mutex);
      statistics = statistics_of(state_->options, state_->mean, state_->deviation, x.shape()[3]);
    }
    const int64_t seed = options.seed ? *options.seed : static_cast<int64_t>(next_random_key());
    // Whole batches: a picture alone is less work than waking a thread.
    const auto made = [rows, statistics, seed, state = state_](const Tensor& places) {
      const Shape& shape = rows[0].shape();
      Tensor pictures =
          Tensor::placeholder(DType::kFloat32, {places.shape()[0], shape[1], shape[2], shape[3]});
      const auto size = static_cast<size_t>(shape[1] * shape[2] * shape[3]);
      std::span<float> to = pictures.data<float>({});
      const int64_t* place = places.data<int64_t>({}).data();
      for (; !to.empty(); to = to.subspan(size), place += 3) {
        const Tensor picture = row_of(rows[0], place[0]);
        const ImageTransform t =
            random_transform(state->options, picture.shape(), Random(seed, place[1], place[2]));
        transform_to(state->options, picture, t, to.first(size));
        standardize_in(state->options, statistics, picture.shape(), to.first(size));
      }
      if (rows.size() == 1) return Element(std::move(pictures));
      return Element(std::move(pictures), rows_of(rows[1], places),
                     rows.size() == 3 ? Data(rows_of(rows[2], places)) : Data());
    };
    return Dataset(std::make_shared<PlacesNode>(rows[0].shape()[0], options.shuffle, seed))
        .batch(options.batch_size, false, {})
        .map(made, {.num_parallel_calls = options.threads}, where)
        .prefetch(Dataset::kAutotune, {});
  });
}

}  // namespace sinter

#include "frontend/data/image_data_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/line.h"
#include "frontend/argument_checks.h"
#include "frontend/data/image_augment.h"
#include "frontend/data/image_data_generator_state.h"
#include "frontend/session.h"

namespace sinter {

void check_pictures(const char* call, const Tensor& x, int rank) {
  if (x.shape().rank() == rank && x.elements() > 0) return;
  throw ShapeError(fmt::format(
      "{}: x must be {}, found {}", call,
      rank == 4 ? "pictures [n,height,width,channels]" : "a picture [height,width,channels]",
      x.shape().to_string()));
}

ShiftRange::ShiftRange(std::initializer_list<double> choices) : choices_(choices) {}
ShiftRange::ShiftRange(std::vector<double> choices) : choices_(std::move(choices)) {}

ImageDataGenerator::ImageDataGenerator(ImageDataGeneratorOptions options, SourceLocation where)
    : state_(std::make_shared<State>()) {
  at_line(where, [&] {
    const std::vector<std::string> modes = {"constant", "nearest", "reflect", "wrap"};
    if (std::ranges::find(modes, options.fill_mode) == modes.end())
      raise_unknown_name("fill_mode", options.fill_mode, modes);
    const auto refuse = [](const char* name, const std::string& found) {
      throw Error(fmt::format("ImageDataGenerator: {}, found {}", name, found));
    };
    if (options.rescale == 0.0)
      refuse("rescale must not be 0 (1 / 255 of whole numbers is 0 in C++: write 1 / 255.0)", "0");
    if (options.interpolation_order < 0 || options.interpolation_order > 5)
      refuse("interpolation_order must be 0 to 5", std::to_string(options.interpolation_order));
    constexpr const char* kOwner = "ImageDataGenerator";
    check_number(kOwner, "validation_split", options.validation_split, kZeroToBelowOne);
    check_number(kOwner, "zca_epsilon", options.zca_epsilon, kNotNegative);
    for (const double number :
         {double{options.rotation_range}, double{options.shear_range},
          double{options.channel_shift_range}, options.cval, options.zoom_range.low,
          options.zoom_range.high, options.width_shift_range.range(),
          options.height_shift_range.range(), options.rescale.value_or(1),
          options.brightness_range.value_or(std::pair(1, 1)).first,
          options.brightness_range.value_or(std::pair(1, 1)).second}) {
      if (!std::isfinite(number)) refuse("all numbers must be finite", fmt::format("{}", number));
    }
    if (options.zoom_range.low <= 0 || options.zoom_range.high <= 0)
      refuse("zoom_range must be above 0",
             fmt::format("{} to {}", options.zoom_range.low, options.zoom_range.high));
    const std::string owner = named_with_line(kOwner, where);
    const auto whole = [](const ShiftRange& range) {
      return range.is_whole() && range.range() == 0 && range.choices().empty();
    };
    for (const auto& [name, is_whole_zero] :
         {std::pair{"rotation_range", options.rotation_range.is_whole_zero()},
          {"width_shift_range", whole(options.width_shift_range)},
          {"height_shift_range", whole(options.height_shift_range)},
          {"shear_range", options.shear_range.is_whole_zero()},
          {"zoom_range", options.zoom_range.is_whole_zero},
          {"channel_shift_range", options.channel_shift_range.is_whole_zero()},
          {"validation_split", options.validation_split.is_whole_zero()}}) {
      warn_of_whole_zero(owner, name, is_whole_zero);
    }
    state_->options = std::move(options);
  });
}

void ImageDataGenerator::fit(const Tensor& x, ImageDataGeneratorFitOptions options,
                             SourceLocation where) const {
  at_line(where, [&] {
    check_pictures("ImageDataGenerator::fit", x, 4);
    if (options.rounds < 1)
      throw Error(fmt::format("ImageDataGenerator::fit: rounds must be at least 1, found {}",
                              options.rounds));
    Tensor pictures = x;
    if (options.augment) {
      const int64_t seed = options.seed ? *options.seed : static_cast<int64_t>(next_random_key());
      const Shape shape{x.shape()[1], x.shape()[2], x.shape()[3]};
      const int64_t n = x.shape()[0], length = shape.elements();
      pictures = Tensor(DType::kFloat32, {n * options.rounds, shape[0], shape[1], shape[2]}, {});
      const Tensor values = x.cast(DType::kFloat32);
      std::span<float> to = pictures.data<float>({});
      for (int64_t i = 0; i < n * options.rounds; ++i) {
        const ImageTransform t =
            random_transform(state_->options, shape, ImageRandom(seed, i / n, i % n));
        transform_to(state_->options,
                     {values.data<float>({}).data() + i % n * length, shape[0], shape[1], shape[2]},
                     t, to.subspan(static_cast<size_t>(i * length), static_cast<size_t>(length)));
      }
    }
    ImageStatistics made = statistics_of(state_->options, pictures);
    const std::lock_guard lock(state_->mutex);
    state_->statistics = std::move(made);
  });
}

ImageTransform ImageDataGenerator::get_random_transform(const Shape& shape, WholeNumber seed,
                                                        SourceLocation where) const {
  return at_line(where, [&] {
    if (shape.rank() != 3)
      throw ShapeError(
          fmt::format("get_random_transform: a picture is [height,width,channels], found {}",
                      shape.to_string()));
    return random_transform(state_->options, shape, ImageRandom(seed, 0, 0));
  });
}

Tensor ImageDataGenerator::apply_transform(const Tensor& x, const ImageTransform& transform,
                                           SourceLocation where) const {
  return at_line(where, [&] {
    check_pictures("apply_transform", x, 3);
    const Tensor values = x.cast(DType::kFloat32);
    Tensor result(DType::kFloat32, x.shape(), {});
    transform_to(state_->options,
                 {values.data<float>({}).data(), x.shape()[0], x.shape()[1], x.shape()[2]},
                 transform, result.data<float>({}));
    return result;
  });
}

Tensor ImageDataGenerator::standardize(const Tensor& x, SourceLocation where) const {
  return at_line(where, [&] {
    check_pictures("standardize", x, 3);
    const ImageStatistics s = state_->fitted(x.shape());
    Tensor copy = x.dtype() == DType::kFloat32 ? x.clone() : x.cast(DType::kFloat32);
    standardize_in(state_->options, s, x.shape(), copy.data<float>({}));
    return copy;
  });
}

}  // namespace sinter

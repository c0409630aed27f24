#include "frontend/data/image_augment.h"

#include <algorithm>
#include <cmath>

#include "core/philox.h"

namespace sinter {
namespace {

double shift_of(const ShiftRange& range, int64_t side, ImageRandom& random) {
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

void flip(std::span<float> values, int64_t height, int64_t width, int64_t channels, bool across,
          bool over) {
  const int64_t row = width * channels;
  for (int64_t y = 0; across && y < height; ++y) {
    float* line = values.data() + y * row;
    if (channels == 1) {
      std::reverse(line, line + width);
      continue;
    }
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

}  // namespace

// Sixteen numbers for each place; those of four places are made side by side.
ImageRandom::ImageRandom(int64_t seed, int64_t pass, int64_t place)
    : bits_(philox_group(seed, pass, 0x1da7a6e4, place / 4)),
      next_(static_cast<size_t>(place % 4 * 16)) {}

double ImageRandom::uniform(double low, double high) {
  return low + (high - low) * uniform_from_bits(bits_[next_++]);
}

ImageTransform random_transform(const ImageDataGeneratorOptions& o, const Shape& shape,
                                ImageRandom random) {
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

void transform_to(const ImageDataGeneratorOptions& o, const ImageView& x, const ImageTransform& t,
                  std::span<float> values) {
  affine(x, t,
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
  flip(values, x.height, x.width, x.channels, t.flip_horizontal, t.flip_vertical);
  if (t.brightness) brighten(values, *t.brightness, o.keras_exact);
}

}  // namespace sinter

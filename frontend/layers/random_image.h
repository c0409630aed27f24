// Layers that change images at random in training, each image by itself: what a data generator
// does, as part of the compiled step. In inference they give the images as they are.
//
// Images are [batch, rows, columns, channels], with data_format "channels_first" [batch, channels,
// rows, columns]; other ranks raise ShapeError. The numbers depend on the model's random state, the
// layer's name and its seed.
#pragma once

#include <array>
#include <optional>

#include "frontend/layers/padding.h"
#include "frontend/real_numbers.h"

namespace sinter {

struct RandomFlipOptions {
  std::optional<int64_t> seed = std::nullopt;
  DataFormatName data_format = "channels_last";
  std::string name = "";
};

/// Mirrors half of the images: "horizontal" left and right, "vertical" top and bottom,
/// "horizontal_and_vertical" both at once. Raises Error for another mode.
class RandomFlip : public Layer {
 public:
  explicit RandomFlip(std::string mode = "horizontal_and_vertical", RandomFlipOptions options = {},
                      SourceLocation where = SourceLocation::current());
};

/// A part of height x width at a random place, the same one in all images of a batch. In inference,
/// and of images that are not larger in both, the largest part of that proportion, from the middle
/// and resized, as Keras's documentation has it; Keras 3.15 itself gives images back uncut in
/// inference. Raises Error for sizes that are not positive.
class RandomCrop : public Layer {
 public:
  explicit RandomCrop(WholeNumber height, WholeNumber width, RandomFlipOptions options = {},
                      SourceLocation where = SourceLocation::current());
};

struct RandomColorOptions {
  std::array<double, 2> value_range = {0, 255};  // what the values are cut to
  std::optional<int64_t> seed = std::nullopt;
  DataFormatName data_format = "channels_last";
  std::string name = "";
};

/// (x - mean) f + mean, cut to the range, with the mean of each channel of an image and f uniform
/// between 1 - lower and 1 + upper: `factor` is {lower, upper}, or upper with a lower one of 0.
/// Raises Error for factors outside of [0, 1] and a range whose first number is not the lower one.
class RandomContrast : public Layer {
 public:
  explicit RandomContrast(RealNumbers factor, RandomColorOptions options = {},
                          SourceLocation where = SourceLocation::current());
};

/// x + d (high - low of the range), cut to the range, with d uniform in `factor`, {lower, upper} or
/// f for {-f, f}. Raises Error for factors outside of [-1, 1] and a range that is not finite.
class RandomBrightness : public Layer {
 public:
  explicit RandomBrightness(RealNumbers factor, RandomColorOptions options = {},
                            SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

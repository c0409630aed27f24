// Layers that move, zoom and rotate images at random in training: RandomTranslation, RandomZoom and
// RandomRotation. In inference they give the images as they are.
//
// Each image is sampled at other places. What lies outside is, by `fill_mode`, "reflect"
// (dcba|abcd|dcba), "wrap" (abcd|abcd|abcd), "nearest" (aaaa|abcd|dddd) or "constant"
// (`fill_value`). Between the last element and the first of "wrap" lies their mean, as in Keras on
// JAX; TensorFlow has one of them there.
#pragma once

#include <optional>

#include "frontend/layers/padding.h"
#include "frontend/real_numbers.h"

namespace sinter {

struct RandomTranslationOptions {
  std::string fill_mode = "reflect";
  std::string interpolation = "bilinear";  // or "nearest"
  std::optional<int64_t> seed = std::nullopt;
  double fill_value = 0.0;
  DataFormatName data_format = "channels_last";
  std::string name = "";
};

/// Moves images [batch, rows, columns, channels] down and to the right by uniform shares of their
/// height and width: a factor f of {-f, f}, or {lower, upper}. Raises Error for factors outside of
/// [-1, 1], another fill mode or interpolation; ShapeError for inputs of another rank.
class RandomTranslation : public Layer {
 public:
  explicit RandomTranslation(RealNumbers height_factor, RealNumbers width_factor,
                             RandomTranslationOptions options = {},
                             SourceLocation where = SourceLocation::current());
};

struct RandomZoomOptions {
  std::optional<RealNumbers> width_factor = std::nullopt;  // that of the height otherwise
  std::string fill_mode = "reflect";
  std::string interpolation = "bilinear";  // or "nearest"
  std::optional<int64_t> seed = std::nullopt;
  double fill_value = 0.0;
  DataFormatName data_format = "channels_last";
  std::string name = "";
};

/// Zooms images [batch, rows, columns, channels] about their middle: out by a positive share (0.2
/// shows 1.2 times as much), in by a negative one, uniform in `height_factor`, f of {-f, f}, or
/// {lower, upper}. Without a width factor both dimensions by the same. Raises as RandomTranslation,
/// for factors outside of (-1, 1].
class RandomZoom : public Layer {
 public:
  explicit RandomZoom(RealNumbers height_factor, RandomZoomOptions options = {},
                      SourceLocation where = SourceLocation::current());
};

using RandomRotationOptions = RandomTranslationOptions;

/// Rotates images [batch, rows, columns, channels] about their middle, counter-clockwise by a
/// positive share of a full turn, clockwise by a negative one, uniform in `factor`, f of {-f, f},
/// or {lower, upper}. Raises as RandomTranslation.
class RandomRotation : public Layer {
 public:
  explicit RandomRotation(RealNumbers factor, RandomRotationOptions options = {},
                          SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

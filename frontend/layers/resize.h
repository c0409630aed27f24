// Images of another size, by ops: one dimension made longer or shorter, and cuts from the middle.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/symbol.h"
#include "frontend/image_size.h"

namespace sinter {

enum class Interpolation : uint8_t { kNearest, kBilinear, kBicubic };
/// "nearest", "bilinear", "bicubic"; nullopt for another text.
std::optional<Interpolation> find_interpolation(const std::string& text);
/// What to say of another text.
std::string interpolation_mistake(const std::string& text);

/// Where each element of a side comes from is a table: no longer than this.
inline constexpr int64_t kLongestSide = int64_t{1} << 24;

/// Element i of the result stands at (i + 1/2) n / size - 1/2 of the n elements along `axis`: of
/// kNearest the element there, of kBilinear what lies between its two neighbours, beyond the ends
/// the outermost, of kBicubic the cubic convolution of the four about it (Keys, "Cubic convolution
/// interpolation for digital image processing", 1981, with a = -1/2), of those that there are. As
/// in TensorFlow, without smoothing where it makes them fewer. Raises ShapeError where there is no
/// element to begin with, or more than kLongestSide would be made by tables.
Symbol resize_axis(Symbol x, int axis, int64_t size, Interpolation interpolation);
/// Each element along `axis` `times` times.
Symbol repeat_axis(Symbol x, int axis, int64_t times);

/// "" when both are positive and at most kLongestSide, else what to say.
std::string size_mistake(const ImageSize& size);
/// resize_axis() of the rows and the columns.
Symbol resized(Symbol x, const std::vector<int64_t>& axes, const ImageSize& size,
               Interpolation interpolation);
/// The length that goes with `side` in the proportion wanted / beside, cut as Keras cuts it.
int64_t aspect_of(int64_t side, int64_t wanted, int64_t beside);
/// The largest part of images, whose rows and columns are `axes`, in the proportion of `size`, from
/// their middle.
Symbol cropped_to_aspect(Symbol x, const std::vector<int64_t>& axes, const ImageSize& size);
/// That part, made as large as `size`, bilinear.
Symbol largest_part(Symbol x, const std::vector<int64_t>& axes, const ImageSize& size);
/// Their middle; of smaller ones largest_part().
Symbol centre_cropped(Symbol x, const std::vector<int64_t>& axes, const ImageSize& size);

}  // namespace sinter

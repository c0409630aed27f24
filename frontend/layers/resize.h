// One dimension of images made longer or shorter, by ops.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/symbol.h"

namespace sinter {

enum class Interpolation : uint8_t { kNearest, kBilinear };
/// "nearest", "bilinear"; nullopt for another text.
std::optional<Interpolation> find_interpolation(const std::string& text);
/// What to say of another text.
std::string interpolation_mistake(const std::string& text);

/// Element i of the result stands at (i + 1/2) n / size - 1/2 of the n elements along `axis`: of
/// kNearest the element there, of kBilinear what lies between its two neighbours, beyond the ends
/// the outermost. As in TensorFlow, without smoothing where it makes them fewer.
Symbol resize_axis(Symbol x, int axis, int64_t size, Interpolation interpolation);
/// Each element along `axis` `times` times.
Symbol repeat_axis(Symbol x, int axis, int64_t times);

}  // namespace sinter

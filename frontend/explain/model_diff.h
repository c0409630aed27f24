// Two models side by side: what `sinter diff` prints.
#pragma once

#include <span>
#include <string>

#include "core/model_file.h"

namespace sinter {

class Model;

/// Layers that one model has alone ("- " the first, "+ " the second), and those of both whose
/// class, settings or inputs differ ("~ "); "" when there are none. Layers are told apart by name.
std::string architecture_difference(const Model& a, const Model& b);

/// A line for each tensor of a name that both have: the norm of the difference, its share of the
/// first one's norm and the largest difference of an element, the most changed first; then those
/// that are equal, of another type, or of one side alone.
std::string tensor_difference(std::span<const NamedTensor> a, std::span<const NamedTensor> b);

}  // namespace sinter

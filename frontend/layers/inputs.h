// The one input of a layer, and its rank.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/shape.h"

namespace sinter {

/// The input, a symbol or a type, of a layer that takes one. Raises ShapeError for another number.
template <typename Input>
const Input& only_input(const std::string& title, std::span<const Input> inputs) {
  if (inputs.size() != 1)
    throw ShapeError(fmt::format("{}: takes one input, given {}", title, inputs.size()));
  return inputs[0];
}

/// Raises ShapeError unless `shape` has `rank` dimensions; `wanted` says which:
/// "[batch, rows, columns, channels]". Layers put their titles in front.
inline void check_rank(const Shape& shape, int rank, std::string_view wanted) {
  if (shape.rank() != rank)
    throw ShapeError(fmt::format("input must be {}, found {}", wanted, shape.to_string()));
}

}  // namespace sinter

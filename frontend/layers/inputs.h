// The one input of a layer, and its rank.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/shape.h"

namespace sinter {

/// Raises ShapeError "takes one input, given <count>" unless there is one.
void check_one_input(const std::string& title, size_t count);

/// The input, a symbol or a type, of a layer that takes one. Raises ShapeError for another number.
template <typename Input>
const Input& only_input(const std::string& title, std::span<const Input> inputs) {
  check_one_input(title, inputs.size());
  return inputs[0];
}

/// Raises ShapeError unless `shape` has `rank` dimensions; `wanted` says which:
/// "[batch, rows, columns, channels]". Layers put their titles in front.
void check_rank(const Shape& shape, int rank, std::string_view wanted);

}  // namespace sinter

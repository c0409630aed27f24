// Checks of a layer's input.
#include "frontend/layers/inputs.h"

#include <fmt/format.h>

#include "core/error.h"

namespace sinter {

void check_one_input(const std::string& title, size_t count) {
  if (count != 1) throw ShapeError(fmt::format("{}: takes one input, given {}", title, count));
}

void check_rank(const Shape& shape, int rank, std::string_view wanted) {
  if (shape.rank() != rank)
    throw ShapeError(fmt::format("input must be {}, found {}", wanted, shape.to_string()));
}

}  // namespace sinter

// Rows of tensors by their numbers.
#pragma once

#include <cstdint>
#include <span>

#include "core/tensor.h"

namespace sinter {

/// Copies these rows of `from`, one after the other, to `to`, which has as many.
void copy_rows(const Tensor& from, std::span<const int64_t> rows, Tensor& to);
/// The same as a new tensor.
Tensor rows_at(const Tensor& from, std::span<const int64_t> rows);

}  // namespace sinter

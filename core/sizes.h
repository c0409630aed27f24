// Sizes that become memory or indices: their arithmetic, and the limit that every type keeps to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/shape.h"

namespace sinter {

/// More than a process can address (2^47 bytes on x86-64): a value of more bytes cannot exist, and
/// sums and products of a few sizes below it fit 64 bits.
inline constexpr int64_t kMaxValueBytes = int64_t{1} << 48;
inline constexpr int kMaxValueRank = 64;  // NumPy's

/// a + b and a * b. Raise ShapeError where 64 bits do not hold the result.
int64_t checked_sum(int64_t a, int64_t b);
int64_t checked_product(int64_t a, int64_t b);

/// How messages name a dimension: "batch" for kBatch.
std::string dimension_text(int64_t dimension);

/// `axis` of an attribute, which counts from the first dimension: Graph::add_node turns negative
/// ones round, so nothing that reads a graph has to. Raises ShapeError when `shape` has no such
/// axis.
int checked_axis(const Shape& shape, int64_t axis);
/// Each of `axes` as checked_axis() gives it, in their order. Raises ShapeError where two are one.
std::vector<int64_t> checked_axes(const Shape& shape, std::span<const int64_t> axes);

/// Raises ShapeError unless the rank is at most kMaxValueRank, no dimension is negative (but
/// kBatch), and the dimensions without those that are 0 or kBatch give at most kMaxValueBytes.
/// Every result of a node and every tensor is checked when it is made, so the products of their
/// dimensions need no further check.
void check_type(const ValueType& type);

}  // namespace sinter

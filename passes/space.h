// Iteration spaces of fused regions while they grow: so many elements in row-major order, cut into
// as few dimensions as ask what is read and what is reduced.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/view.h"

namespace sinter {

/// Rows that something is cut into for the sake of one kernel have so many elements at least:
/// vectors are filled, and what a row costs beside its elements is little.
inline constexpr int64_t kShortestRow = 16;

struct Space {
  int64_t elements = 0;
  /// How many elements lie behind each cut, growing, each a divisor of the next: 784 and 32 * 784
  /// make [8,32,784] of 8 * 32 * 784. The last may be all there are, behind a dimension of 1.
  std::vector<int64_t> cuts = {};
  /// Pairs of such numbers with no cut between: dimensions that are numbered as one.
  std::vector<std::pair<int64_t, int64_t>> whole = {};
  /// Elements of a row, where rows are reduced or have values of their own: the first cut, then.
  /// 0: none.
  int64_t row = 0;

  /// Two at least.
  std::vector<int64_t> dims() const;
  /// Could its dimensions be those of a value of this shape?
  bool lies_in(const Shape& shape) const;
  bool is_one_row() const { return cuts.empty() || cuts[0] == elements; }
  bool operator==(const Space&) const = default;
};

/// The dimensions of a merged view.
Space space_of(const View& view);
/// The space of both, if there is one that does not make rows too short to be worth it.
std::optional<Space> meet(const Space& a, const Space& b);
/// The space of rows of `row` elements, one for each element of this one.
Space rows_of(const Space& space, int64_t row);

}  // namespace sinter

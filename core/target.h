// What the backends of a compilation can do, as plain data: passes ask this and know no backend.
#pragma once

#include <functional>
#include <string>

#include "core/graph.h"

namespace sinter {

/// Up to this many columns are a row of a product in registers whole, in the code that regions of
/// kind "contract" (region_form.h) become.
inline constexpr int64_t kWholeRowColumns = 16;

struct Target {
  std::string name = "reference";
  /// Does a backend run this composite (or kernel op) whole? Then decompose leaves it alone.
  std::function<bool(const Graph&, int32_t node)> claims = nullptr;
  /// May maps, broadcasts and reductions be gathered into `fusion` nodes?
  bool fuses_elementwise = false;
  /// May a contraction take its elementwise consumers (bias, activation, mask) as an epilogue?
  bool fuses_epilogues = false;
  /// Up to so many columns, when a row of the product is in registers whole, an epilogue may also
  /// reduce rows (softmax) and sum up everything (a loss).
  int64_t whole_row_columns = kWholeRowColumns;
  /// Is a contraction of bfloat16 faster than one of float32? Otherwise operands are rounded to
  /// bfloat16 and multiplied as float32, which gives the same products (but for numbers below
  /// 2^-126, which a fast one may take for zero).
  bool contracts_bfloat16 = false;
};

}  // namespace sinter

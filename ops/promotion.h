// The promotion table: the dtype of an op's operands and result, decided here and nowhere else.
// README.md of this folder shows it whole.
#pragma once

#include <span>
#include <string_view>

#include "core/dtype.h"
#include "core/number.h"
#include "ops/ops.h"

namespace sinter::ops {

/// The dtype in which values of `a` and `b` meet: bool < int8, uint8 < int32 < int64 < float32 <
/// float64; int8 and uint8 meet in int32. bfloat16 and float16 are for storage and count as
/// float32, beside themselves too.
DType promote(DType a, DType b);
/// With a plain number, which is weak: it takes the dtype beside it, and only its kind moves that
/// up: an integer bool to int32, a floating number integers and bool to float32.
DType promote(DType dtype, Number number);
/// The dtype of a number that stands alone: bool, int32 or float32.
DType default_dtype(Number number);
/// All operands at once.
DType promote(std::span<const Operand> operands);
/// What true division, means and functions of values are computed in: float32 for integers, bool,
/// bfloat16 and float16, else the dtype itself.
DType floating_dtype(DType dtype);
/// What sums and products of many are kept in: int32 for bool, int8 and uint8, float32 for bfloat16
/// and float16, else the dtype itself.
DType sum_dtype(DType dtype);
/// What two values are compared in. The result is bool whatever it is, so int32 and int64 meet
/// floats in float64, where no int32 is rounded.
DType comparison_dtype(DType a, DType b);

/// `number` as an element of `dtype`. Raises ShapeError naming `op` for what the dtype does not
/// have: 300 beside uint8, 1e300 beside float32. Floats are rounded to nearest.
Number weak_element(std::string_view op, DType dtype, Number number);
/// `number` as the lower or upper bound of values of `dtype`: one beyond the range of the
/// dtype binds nothing, and the end of the range stands for it.
Number lower_bound(std::string_view op, DType dtype, Number number);
Number upper_bound(std::string_view op, DType dtype, Number number);
/// x as floating_dtype of its own.
Symbol floating(Symbol x);

}  // namespace sinter::ops

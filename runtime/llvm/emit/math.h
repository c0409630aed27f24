// Vector versions of the transcendental functions, written as IR. Special values are those of libm.
//
// Largest errors in units of the last place, against the exact value, as
// tests/unit/runtime/llvm/math_test.cc holds them to:
//   float32: sqrt 1 (0.5 of a single number and
//   without AVX-512), exp 1.5, expm1 1.5, log 1, log1p 2, tanh 2.5, erf 2.5
//   logistic 3.5 (above -88), softplus 3; sin, cos, pow are libm's, lane by lane
//   float64: sqrt 0.5, exp 1.5, expm1 2, log 1.5, log1p 2.5, tanh 4.5, softplus 3.5; erf, sin, cos, pow are
//   libm's
#pragma once

#include "core/scalar_expr.h"

namespace llvm {
class Value;
}

namespace sinter::codegen {

class Emitter;

/// One of sqrt, exp, expm1, log, log1p, tanh, erf, logistic, softplus, sin, cos (b null) or pow, on
/// float32 or float64 of any lane count.
llvm::Value* emit_math(Emitter& e, ScalarOp op, DType dtype, llvm::Value* a,
                       llvm::Value* b = nullptr);

}  // namespace sinter::codegen

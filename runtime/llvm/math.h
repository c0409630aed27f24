// Vector versions of the transcendental functions, written as IR. Error bounds (in units of the last place, against a correctly
// rounded result) stand beside each function and are tested by dense sweeps; special values are those of libm.
#pragma once

#include "core/scalar_expr.h"

namespace llvm {
class Value;
}

namespace sinter::codegen {

class Emitter;

/// One of exp, expm1, log, log1p, tanh, erf, sin, cos (b null) or pow, on float32 or float64 of any lane count.
llvm::Value* emit_math(Emitter& e, ScalarOp op, DType dtype, llvm::Value* a, llvm::Value* b = nullptr);

}  // namespace sinter::codegen

// Bounds on what derivatives are taken of: beyond them all has died out, or overflows.
#pragma once

#include "core/scalar_expr.h"

namespace sinter::ops {

/// The lesser of x and a number; unlike min(x, bound) NaN stays, in the value and in derivatives of
/// every order, and x at the bound is x.
inline Scalar at_most(Scalar x, double bound) { return select(x > bound, bound, x); }
inline Scalar at_least(Scalar x, double bound) { return select(x < bound, bound, x); }

}  // namespace sinter::ops

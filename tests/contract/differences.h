// Derivatives of scalar expressions as differences of their values in long double: what rules for
// derivatives are held against.
#pragma once

#include <cmath>
#include <functional>
#include <span>

#include "core/scalar_expr.h"

namespace sinter::contract {

/// The first result, every instruction evaluated in long double.
long double evaluate_long(const ScalarExpr& expr, std::span<const long double> arguments);

/// A derivative as differences tell it, and how far off it may be; `error` is infinite where they
/// tell nothing: at kinks, at the edge of the domain, where x + h is x.
struct Estimate {
  long double value = 0, error = HUGE_VALL;
};
struct Estimates {
  Estimate first, second;
};
/// `is_local`: the function changes from one integer to the next, however large (it rounds, or it
/// oscillates).
Estimates differences(const std::function<long double(long double)>& f, long double x,
                      bool is_local);

}  // namespace sinter::contract

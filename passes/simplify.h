// The algebra that `simplify` applies, open to the tests, which derive their cases from it.
#pragma once

#include <span>

#include "passes/rule.h"

namespace sinter {

/// Identities of elementwise ops.
std::span<const Rule> elementwise_rules();
/// Identities of ops that move data, of reductions and of products with them.
std::span<const Rule> move_rules();

}  // namespace sinter

// The rules of all passes that are made of rules, open to the tests, which derive their cases from
// them.
#pragma once

#include <span>

#include "passes/rule.h"

namespace sinter {

/// Identities of elementwise ops.
std::span<const Rule> elementwise_rules();
/// Identities of ops that move data, of reductions and of products with them.
std::span<const Rule> move_rules();
/// Cross entropies of softmax and sigmoid, from their logits.
std::span<const Rule> cross_entropy_rules();
/// Batch normalization by moving averages into dense layers.
std::span<const Rule> batch_norm_rules();

}  // namespace sinter

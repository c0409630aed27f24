// Reverse-mode differentiation by the chain rule: adds the gradient graph to the graph of the
// outputs.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "core/symbol.h"

namespace sinter {

/// d(sum over outputs of <cotangent, output>)/d(wrt), one symbol for each of `wrt` (zeros where
/// nothing depends on it). Without cotangents each output gets ones. Works to any order, since
/// gradients are ordinary nodes. Raises Error for outputs or wrt that are not floating, and for ops
/// without a derivative on the way (naming op, layer, reason). `wrt` must be values of the same
/// graph that exist already.
std::vector<Symbol> gradients(std::span<const Symbol> outputs, std::span<const Symbol> wrt,
                              std::span<const Symbol> cotangents = {});
inline std::vector<Symbol> gradients(Symbol output, std::span<const Symbol> wrt) {
  return gradients(std::span<const Symbol>(&output, 1), wrt);
}
/// gradients(y, {w, b})
inline std::vector<Symbol> gradients(Symbol output, std::initializer_list<Symbol> wrt) {
  return gradients(output, std::span<const Symbol>(wrt.begin(), wrt.size()));
}

}  // namespace sinter

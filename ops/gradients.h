// Reverse-mode differentiation by the chain rule: adds the gradient graph to the graph of the
// outputs.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "core/op_line.h"
#include "core/source_location.h"
#include "core/symbol.h"

namespace sinter {

/// What gradients() gives for a value that no output depends on, as in TensorFlow: zeros, or an
/// empty symbol.
enum class UnconnectedGradients { kZero, kNone };

/// d(sum over outputs of <cotangent, output>)/d(wrt), one symbol for each of `wrt`. An output
/// depends on it where a path of derivatives leads from one to the other, whatever their values;
/// comparisons, argmax, rounding, sign and stop_gradient have none. Without cotangents each output
/// gets ones. Works to any order, since gradients are ordinary nodes. Raises Error for outputs or
/// wrt that are not floating, and for ops without a derivative on the way (naming op, layer,
/// reason). `wrt` must be values of the same graph that exist already.
std::vector<Symbol> gradients(std::span<const Symbol> outputs, std::span<const Symbol> wrt,
                              std::span<const Symbol> cotangents = {},
                              UnconnectedGradients unconnected = UnconnectedGradients::kZero,
                              const OpLine& line = SourceLocation::current());
std::vector<Symbol> gradients(OpInput output, std::span<const Symbol> wrt);
/// gradients(y, {w, b})
std::vector<Symbol> gradients(OpInput output, std::initializer_list<Symbol> wrt);

/// Ops of numbers that have no derivative anywhere: steps, whose slope is 0, and stop_gradient.
bool has_no_slope(std::string_view op);

}  // namespace sinter

// The text form of graphs: it prints and parses back to the same graph. Golden tests, dumps, bug
// reports and pass diffs use it.
//
//   graph "forward" {
//     %x = input() : float32[batch,784]
//     %dense/kernel = variable() : float32[784,128]
//     %2 = dense(%x, %dense/kernel) {activation=relu} : float32[batch,128] @ "dense" "train.cc":12
//     output "y" = %2
//     update %dense/kernel = %9
//   }
//
// A value is %name (inputs and variables), %index or %index#result. Attributes at their default are
// left out. When parsing, types may be left out except for inputs and variables; a type that is
// given must be the one inferred. `//` starts a comment.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/graph.h"

namespace sinter {

struct TextOptions {
  bool origins = true;
  /// Constants above this many elements are printed by reference, `tensor<float32[784,128] #hash>`,
  /// and are looked up when parsed.
  int64_t max_constant_elements = 64;
};

std::string to_text(const Graph& graph, const TextOptions& options = {});
std::string to_text(const AttributeValue& value, const TextOptions& options = {});
/// The attributes of a node that are not at their default: `{activation=relu}`, or "".
std::string attributes_to_text(const OpRecord& op, const Attributes& attributes,
                               const TextOptions& options = {});

/// Raises ParseError with line and column. Constants printed by reference are looked up by hash in
/// `constants`.
Graph parse_graph(std::string_view text, std::span<const Tensor> constants = {});

/// Content hash of a tensor, as printed in a reference.
uint64_t hash_tensor(const Tensor& tensor);

}  // namespace sinter

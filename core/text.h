// The text form of graphs: it prints and parses back to the same graph. Golden tests, dumps, bug reports and pass diffs use it.
//
//   graph "forward" {
//     %x = input() {dtype=float32, shape=[batch,784]} : float32[batch,784] "x"
//     %1 = relu(%x) : float32[batch,784] @ "dense" "train.cc":12
//     output "y" = %1
//     update %w = %9
//   }
#pragma once

#include <string>
#include <string_view>

#include "core/graph.h"

namespace sinter {

struct TextOptions {
  bool origins = true;
  /// Constants above this many elements are printed as `tensor<float32[784,128] #hash>` and need `constants` when parsed.
  int64_t max_constant_elements = 64;
};

std::string to_text(const Graph& graph, const TextOptions& options = {});
/// Raises ParseError with line and column; NameError for unknown ops. Constants printed by reference are looked up by hash in `constants`.
Graph parse_graph(std::string_view text, std::span<const Tensor> constants = {});

std::string to_text(const AttributeValue& value, const TextOptions& options = {});
/// Content hash of a tensor, as printed in a reference.
uint64_t hash_tensor(const Tensor& tensor);

}  // namespace sinter

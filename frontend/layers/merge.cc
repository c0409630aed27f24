// Joining layers over ops that broadcast.
#include "frontend/layers/merge.h"

#include <algorithm>

#include "core/error.h"
#include "core/graph.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/simple_layer.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Binary = Symbol (*)(Operand, Operand);

// [batch, c] beside [batch, h, w, c] becomes [batch, 1, 1, c].
std::vector<Symbol> same_rank(std::span<const Symbol> xs) {
  int rank = 0;
  for (const Symbol& x : xs) rank = std::max(rank, x.rank());
  std::vector<Symbol> result;
  for (Symbol x : xs) {
    while (x.rank() < rank) x = expand_dims(x, 1);
    result.push_back(x);
  }
  return result;
}

std::shared_ptr<LayerImpl> elementwise(const char* class_name, const LayerOptions& options,
                                       SourceLocation where, int max_inputs, Binary combine,
                                       bool mean = false) {
  return joining_layer(class_name, options.name, where, {}, 2, max_inputs,
                       [combine, mean](std::span<const Symbol> xs) {
                         const std::vector<Symbol> inputs = same_rank(xs);
                         Symbol y = inputs[0];
                         for (size_t i = 1; i < inputs.size(); ++i) y = combine(y, inputs[i]);
                         return mean ? y / static_cast<double>(inputs.size()) : y;
                       });
}

LayerOptions named(const Config& c) { return {.name = c.get_string("name", "")}; }

template <typename T>
Layer make(const Config& c, SourceLocation where) {
  return T(named(c), where);
}

}  // namespace

Add::Add(LayerOptions options, SourceLocation where)
    : Layer(elementwise("Add", options, where, kAnyNumber, add)) {}
Subtract::Subtract(LayerOptions options, SourceLocation where)
    : Layer(elementwise("Subtract", options, where, 2, subtract)) {}
Multiply::Multiply(LayerOptions options, SourceLocation where)
    : Layer(elementwise("Multiply", options, where, kAnyNumber, multiply)) {}
Average::Average(LayerOptions options, SourceLocation where)
    : Layer(elementwise("Average", options, where, kAnyNumber, add, true)) {}
Maximum::Maximum(LayerOptions options, SourceLocation where)
    : Layer(elementwise("Maximum", options, where, kAnyNumber, maximum)) {}
Minimum::Minimum(LayerOptions options, SourceLocation where)
    : Layer(elementwise("Minimum", options, where, kAnyNumber, minimum)) {}

Concatenate::Concatenate(WholeNumber axis, LayerOptions options, SourceLocation where)
    : Layer(joining_layer(
          "Concatenate", options.name, where, {{"axis", axis.nearest_int()}}, 1, kAnyNumber,
          [axis = axis.nearest_int()](std::span<const Symbol> xs) { return concat(xs, axis); })) {}

void register_merge_layers() {
  register_layer("Add", make<Add>);
  register_layer("Subtract", make<Subtract>);
  register_layer("Multiply", make<Multiply>);
  register_layer("Average", make<Average>);
  register_layer("Maximum", make<Maximum>);
  register_layer("Minimum", make<Minimum>);
  register_layer("Concatenate", [](const Config& c, SourceLocation where) -> Layer {
    return Concatenate(c.get_int32("axis", -1), named(c), where);
  });
}

}  // namespace sinter

// decompose: expands composites through their records, and elementwise ops to `map`, until only
// kernel ops and what the target claims remain. Lowering is nothing but this.
#include <fmt/format.h>

#include <memory>

#include "core/error.h"
#include "core/rewriter.h"
#include "passes/passes.h"

namespace sinter {
namespace {

// What is made of nothing else waits for a backend that runs it: whoever makes the kernels says
// when there is none.
bool must_expand(const Graph& graph, int32_t index, const PassContext& context) {
  const OpRecord& op = *graph.node(index).op;
  return op.kind == KernelKind::kComposite && (op.is_elementwise() || op.decomposition) &&
         !context.is_claimed(graph, index);
}

// op(x, x, y) -> map{body}(x, y); a body that is one of its arguments needs no node.
Symbol expand_elementwise(Graph& graph, const Node& node, std::span<const Symbol> inputs) {
  std::vector<Symbol> distinct;
  std::vector<DType> dtypes;
  std::vector<int> argument_of;
  for (const Symbol& s : inputs) {
    size_t k = 0;
    while (k < distinct.size() && distinct[k].id() != s.id()) ++k;
    if (k == distinct.size()) {
      distinct.push_back(s);
      dtypes.push_back(s.dtype());
    }
    argument_of.push_back(static_cast<int>(k));
  }
  ScalarBuilder builder(dtypes);
  std::vector<Scalar> arguments;
  for (int k : argument_of) arguments.push_back(builder.argument(k));
  Scalar result = node.op->body(arguments, node.attributes);
  if (result.is_number()) result = builder.constant(node.types[0].dtype, result.constant());
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (result.id() == arguments[i].id()) return inputs[i];
  }
  const ScalarExpr body = builder.finish(std::span(&result, 1));
  return graph.add1("map", distinct, {{"body", std::make_shared<const ScalarExpr>(body)}},
                    node.name);
}

Graph expand_once(const Graph& graph, const PassContext& context) {
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    if (!must_expand(graph, index, context)) return false;
    const Node& node = graph.node(index);
    const std::vector<Symbol> inputs = rewriter.map_inputs(node);
    std::vector<Symbol> results;
    if (node.op->is_elementwise()) {
      results = {expand_elementwise(rewriter.target(), node, inputs)};
    } else {
      results = node.op->decomposition(inputs, node.attributes);
    }
    SINTER_CHECK(results.size() == node.types.size(), node.op->name);
    for (size_t r = 0; r < results.size(); ++r) {
      SINTER_CHECK(results[r].type() == node.types[r],
                   fmt::format("decomposition of '{}' gives {} instead of {}", node.op->name,
                               results[r].type().to_string(), node.types[r].to_string()));
      rewriter.replace({index, static_cast<int32_t>(r)}, results[r]);
    }
    return true;
  });
}

bool is_lowered(const Graph& graph, const PassContext& context) {
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (must_expand(graph, i, context)) return false;
  }
  return true;
}

}  // namespace

Graph decompose(const Graph& graph, const PassContext& context) {
  Graph current = graph;
  while (!is_lowered(current, context)) current = expand_once(current, context);
  return current;
}

void check_decomposed(const Graph& graph, const PassContext& context) {
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (must_expand(graph, i, context)) {
      raise_internal("only kernel ops and claimed composites",
                     graph.node(i).op->name + " is left after lowering");
    }
  }
}

}  // namespace sinter

// absorb_moves: a contraction reads its operands where they lie. A slice of the gates, the heads of
// a projection, one row for a whole batch: kernels of products take any distance between rows and
// between terms, so none of these has to be copied first.
//
// The windows of a convolution are such a view of its input: rows and terms of the left side may lie
// along several dimensions each. Moves that a kernel could not walk stay: of the right side rows and
// terms have one stride each, and of both sides one of the strides is 1.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/contract.h"
#include "core/rewriter.h"
#include "passes/moves.h"
#include "passes/passes.h"

namespace sinter {
namespace {

enum class OperandSide : uint8_t { kLeft, kRight };

bool is_walked(const View& view, OperandSide side, const Contract::Axes& free,
               const Contract::Axes& depth) {
  const View rows = view.along(free).merged(), terms = view.along(depth).merged();
  if (side == OperandSide::kRight && (rows.extents.size() > 1 || terms.extents.size() > 1))
    return false;
  const auto stride = [](const View& group) {
    return group.strides.empty() ? 1 : group.strides.back();
  };
  return std::min(stride(rows), stride(terms)) == 1;
}

struct Source {
  ValueId value;
  View view;  // of it, over the dimensions of the operand
};

// The farthest value that the operand can be read from.
std::optional<Source> source_of(const Graph& graph, ValueId operand, OperandSide side,
                                const Contract::Axes& free, const Contract::Axes& depth) {
  const std::vector<int32_t> nodes = moves_before(graph, operand);
  for (size_t k = nodes.size(); k > 1; --k) {
    const ValueId value = graph.node(nodes[k - 2]).inputs[0];
    std::optional<View> view =
        view_along(graph, std::span(nodes).first(k), View::dense(graph.type(value).shape));
    if (!view || !is_walked(*view, side, free, depth)) continue;
    // A reshape moves nothing: there is no copy to do without.
    if (view->is_in_order(view->elements()) &&
        graph.type(value).shape.elements() == view->elements())
      return std::nullopt;
    return Source{value, std::move(*view)};
  }
  return std::nullopt;
}

bool absorb(const Graph& graph, const Node& node, int32_t index, Rewriter& rewriter) {
  const DType dtype = node.types[0].dtype;
  if (!is_floating(dtype) || node.types[0].shape.elements() == 0) return false;
  for (const ValueId id : node.inputs) {
    if (graph.type(id).dtype != dtype || graph.type(id).shape.elements() == 0) return false;
  }
  Contract c = Contract::of(graph, node);
  c.sort_depth();  // as kernels of products walk the terms
  const std::optional<Source> sources[] = {
      source_of(graph, node.inputs[0], OperandSide::kLeft, c.lhs.free, c.lhs.depth),
      source_of(graph, node.inputs[1], OperandSide::kRight, c.rhs.free, c.rhs.depth)};
  if (!sources[0] && !sources[1]) return false;
  auto body = std::make_shared<Graph>("region");
  body->set_origin(node.origin);
  std::vector<Symbol> arguments, operands;
  for (size_t side = 0; side < 2; ++side) {
    const std::optional<Source>& source = sources[side];
    const ValueId value = source ? source->value : node.inputs[side];
    arguments.push_back(rewriter.map(value));
    operands.push_back(body->input("in" + std::to_string(side), graph.type(value)));
    if (!source) continue;
    operands[side] = body->add1("as_strided", {operands[side]},
                                {{"shape", graph.type(node.inputs[side]).shape},
                                 {"strides", source->view.strides},
                                 {"offset", source->view.offset}});
  }
  body->add_output("out0", body->add1("contract", operands, node.attributes).id());
  rewriter.target().set_origin(node.origin);
  rewriter.replace({index, 0},
                   rewriter.target().add1("fusion", arguments,
                                          {{"kind", std::string("contract")},
                                           {"body", std::shared_ptr<const Graph>(body)}}));
  return true;
}

}  // namespace

Graph absorb_moves(const Graph& graph, const PassContext& context) {
  if (context.target == nullptr || !context.target->fuses_epilogues) return graph;
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    return node.is(KernelOp::kContract) && absorb(graph, node, index, rewriter);
  });
}

}  // namespace sinter

// simplify_maps: makes the operands of `map` nodes few. Constants of one value become literals of
// the scalar body, operands given twice are passed once, results that are operands or constants
// leave the map.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "core/rewriter.h"
#include "core/uniform.h"
#include "passes/passes.h"

namespace sinter {
namespace {

// The body on distinct operands that are no constants; `inputs` and `dtypes` grow with them.
struct Operands {
  std::vector<Symbol> inputs;
  std::vector<DType> dtypes;
  std::vector<int> argument_of;  // for each old operand, -1 for literals
  std::vector<std::optional<Number>> literal;
  bool changed = false;
};

Operands find_operands(Rewriter& rewriter, const Node& node) {
  Operands result;
  std::map<ValueId, int> known;
  for (ValueId id : node.inputs) {
    const Symbol s = rewriter.map(id);
    result.literal.push_back(uniform_number(rewriter.target(), s.id()));
    result.argument_of.push_back(-1);
    if (result.literal.back()) {
      result.changed = true;
      continue;
    }
    const auto [it, inserted] = known.try_emplace(s.id(), static_cast<int>(result.inputs.size()));
    result.argument_of.back() = it->second;
    if (!inserted) {
      result.changed = true;
      continue;
    }
    result.inputs.push_back(s);
    result.dtypes.push_back(s.dtype());
  }
  return result;
}

bool simplify_map(Rewriter& rewriter, int32_t index) {
  const Node& node = rewriter.source().node(index);
  const ScalarExpr& body = node.attributes.get_expr("body");
  const Operands operands = find_operands(rewriter, node);
  ScalarBuilder builder(operands.dtypes);
  std::vector<Scalar> arguments;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    arguments.push_back(operands.literal[k]
                            ? builder.constant(body.arguments[k], *operands.literal[k])
                            : builder.argument(operands.argument_of[k]));
  }
  const std::vector<Scalar> results = builder.inline_expr(body, arguments);
  Graph& target = rewriter.target();
  std::vector<Scalar> kept;
  std::vector<int32_t> kept_as;      // index into kept for each result, -1 when it left
  std::map<int32_t, int32_t> known;  // instruction -> index into kept
  bool changed = operands.changed;
  for (size_t r = 0; r < results.size(); ++r) {
    const ScalarInstruction instruction = builder.instruction(results[r].id());
    const ValueId old{index, static_cast<int32_t>(r)};
    kept_as.push_back(-1);
    if (instruction.op == ScalarOp::kArgument) {
      rewriter.replace(old, operands.inputs[static_cast<size_t>(instruction.operands[0])]);
      changed = true;
    } else if (instruction.op == ScalarOp::kConstant) {
      const Symbol value =
          target.constant(Tensor::full(instruction.dtype, {}, instruction.constant));
      const Shape& shape = node.types[r].shape;
      rewriter.replace(old, shape.rank() == 0 ? value
                                              : target.add1("broadcast", {value},
                                                            {{"shape", shape},
                                                             {"dims", std::vector<int64_t>{}}}));
      changed = true;
    } else {
      const auto [it, inserted] =
          known.try_emplace(results[r].id(), static_cast<int32_t>(kept.size()));
      if (inserted)
        kept.push_back(results[r]);
      else
        changed = true;
      kept_as.back() = it->second;
    }
  }
  if (!changed) return false;
  if (kept.empty()) return true;
  const std::vector<Symbol> made =
      target.add("map", operands.inputs,
                 {{"body", std::make_shared<const ScalarExpr>(builder.finish(kept))}}, node.name);
  for (size_t r = 0; r < results.size(); ++r) {
    if (kept_as[r] >= 0) {
      rewriter.replace({index, static_cast<int32_t>(r)}, made[static_cast<size_t>(kept_as[r])]);
    }
  }
  return true;
}

// Has the map a constant operand, an operand or a result twice, a result that is an operand or a
// constant?
bool may_change(const Graph& graph, const Node& node) {
  const auto is_new = [](const auto& all, size_t k) {
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(k);
    return std::find(all.begin(), at, *at) == at;
  };
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    if (!is_new(node.inputs, k) || uniform_number(graph, node.inputs[k])) return true;
  }
  const ScalarExpr& body = node.attributes.get_expr("body");
  for (size_t r = 0; r < body.results.size(); ++r) {
    const ScalarOp op = body.instructions[static_cast<size_t>(body.results[r])].op;
    if (!is_new(body.results, r) || op == ScalarOp::kArgument || op == ScalarOp::kConstant)
      return true;
  }
  return false;
}

}  // namespace

Graph simplify_maps(const Graph& graph, const PassContext&) {
  if (std::ranges::none_of(graph.nodes(), [&](const Node& n) {
        return n.is(KernelOp::kMap) && may_change(graph, n);
      }))
    return graph;
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    return graph.node(index).is(KernelOp::kMap) && simplify_map(rewriter, index);
  });
}

}  // namespace sinter

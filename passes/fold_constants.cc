// fold_constants: computes what depends on constants alone, once, as long as it is small. Never
// touches a variable.
#include <algorithm>

#include "core/rewriter.h"
#include "passes/passes.h"

namespace sinter {
namespace {

constexpr int64_t kMostElements = 1024;

// Spreading a value is left to where it is read.
bool only_spreads(const Node& node) {
  return node.is(KernelOp::kBroadcast) || node.is(KernelOp::kIota);
}

bool is_small_result(const Node& node) {
  return std::all_of(node.types.begin(), node.types.end(), [](const ValueType& t) {
    return t.shape.is_static() && t.shape.elements() <= kMostElements;
  });
}

class Folder {
 public:
  // With a mixed precision, products of floats, and composites that may be made of them, wait until
  // lower_precision has said what they multiply in: with this pass or without it they must give the
  // same.
  Folder(const Graph& graph, bool keeps_float_products) : graph_(graph) {
    const auto n = static_cast<size_t>(graph.size());
    known_.assign(n, false);
    for (int32_t i = 0; i < graph.size(); ++i) {
      const Node& node = graph.node(i);
      const bool all_known = std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
        return known_[static_cast<size_t>(id.node)];
      });
      const bool waits =
          keeps_float_products &&
          (node.is(KernelOp::kContract) || node.op->kind == KernelKind::kComposite) &&
          graph.type(node.inputs[0]).dtype == DType::kFloat32;
      known_[static_cast<size_t>(i)] =
          node.is(KernelOp::kConstant) ||
          (node.op->kind != KernelKind::kSource && all_known && !waits && is_small_result(node));
    }
    find_wanted();
  }

  bool empty() const { return std::find(wanted_.begin(), wanted_.end(), true) == wanted_.end(); }

  // A graph without inputs whose outputs are the wanted values.
  Graph constants() const {
    std::vector<bool> needed = wanted_;
    for (size_t i = needed.size(); i-- > 0;) {
      if (!needed[i]) continue;
      for (ValueId id : graph_.nodes()[i].inputs) needed[static_cast<size_t>(id.node)] = true;
    }
    Rewriter rewriter(graph_);
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (needed[static_cast<size_t>(i)]) rewriter.copy(i);
    }
    Graph constants = std::move(rewriter.target());
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (!wanted_[static_cast<size_t>(i)]) continue;
      for (int32_t r = 0; r < static_cast<int32_t>(graph_.node(i).types.size()); ++r) {
        constants.add_output(std::to_string(i) + "#" + std::to_string(r),
                             rewriter.map({i, r}).id());
      }
    }
    return constants;
  }

  Graph replaced(const std::vector<Tensor>& values) const {
    size_t next = 0;
    return rewrite(graph_, [&](Rewriter& rewriter, int32_t index) {
      if (!wanted_[static_cast<size_t>(index)]) return false;
      for (int32_t r = 0; r < static_cast<int32_t>(graph_.node(index).types.size()); ++r) {
        rewriter.replace({index, r}, rewriter.target().constant(values[next++]));
      }
      return true;
    });
  }

 private:
  // Wanted is what somebody reads who does not vanish himself.
  void find_wanted() {
    wanted_.assign(known_.size(), false);
    const auto want = [&](ValueId id) {
      const Node& node = graph_.node(id);
      if (known_[static_cast<size_t>(id.node)] && !node.is(KernelOp::kConstant) &&
          !only_spreads(node))
        wanted_[static_cast<size_t>(id.node)] = true;
    };
    const std::vector<bool> live = graph_.live_nodes();
    for (int32_t i = 0; i < graph_.size(); ++i) {
      const Node& node = graph_.node(i);
      if (!live[static_cast<size_t>(i)] || (known_[static_cast<size_t>(i)] && !only_spreads(node)))
        continue;
      for (ValueId id : node.inputs) want(id);
    }
    for (const Graph::Output& o : graph_.outputs()) want(o.value);
    for (const Graph::Update& u : graph_.updates()) want(u.value);
  }

  const Graph& graph_;
  std::vector<bool> known_, wanted_;
};

}  // namespace

Graph fold_constants(const Graph& graph, const PassContext& context) {
  if (!context.evaluate) return graph;
  const Folder folder(graph, !context.mixed_precision.empty());
  if (folder.empty()) return graph;
  return folder.replaced(context.evaluate(folder.constants()));
}

}  // namespace sinter

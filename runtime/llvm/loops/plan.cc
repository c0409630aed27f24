#include "runtime/llvm/loops/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/llvm/loops/build.h"

namespace sinter::codegen {
namespace {

class LoopPlan final : public KernelPlan {
 public:
  LoopPlan(const Graph& graph, int32_t node) : program_(build_loops(graph, node)) {
    const Node& n = graph.node(node);
    int passes = 0;
    size_t nests = 0;
    int most = 1;
    for (const LoopPhase& phase : program_.phases) {
      pieces.push_back(phase.pieces);
      most = std::max(most, phase.pieces);
      nests += phase.nests.size();
      for (const LoopNest& nest : phase.nests) {
        passes = std::max(passes, nest.passes());
        microseconds += nest_microseconds(nest);
      }
    }
    scratch_bytes = program_.scratch_bytes;
    aliases =
        find_aliases(program_, static_cast<int>(n.inputs.size()), static_cast<int>(n.types.size()));
    description =
        fmt::format("loops: {} nest{}, {} phase{}, {} piece{}{}", nests, nests == 1 ? "" : "s",
                    pieces.size(), pieces.size() == 1 ? "" : "s", most, most == 1 ? "" : "s",
                    passes > 1 ? fmt::format(", {} passes", passes) : "");
  }

  std::string text() const override { return program_.to_string(); }

  void emit(PlanEmitter& emitter) const override { emitter.loops(program_); }

 private:
  LoopProgram program_;
};

}  // namespace

std::unique_ptr<KernelPlan> plan_loops(const Graph& graph, int32_t node) {
  return std::make_unique<LoopPlan>(graph, node);
}

}  // namespace sinter::codegen

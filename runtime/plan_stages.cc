// Earliest stages by the hazards between steps: read after write, write after read, write after
// write, all by address, since buffers whose lifetimes do not overlap share the arena.
#include "runtime/plan_stages.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sinter {
namespace {

struct Access {
  int64_t begin = 0, end = 0;  // bytes in the arena; of other memory all
  bool writes = false;
  int32_t stage = 0;  // the last one of the step that does it
};

// The arena is one memory; every input, output and variable is one of its own.
using Memory = std::pair<BufferPlacement::Kind, int64_t>;

class StagePlanner {
 public:
  explicit StagePlanner(const Program& program) : program_(program) {}

  std::vector<std::vector<StepPhase>> run() {
    for (size_t s = 0; s < program_.steps.size(); ++s) {
      if (!program_.steps[s].prologue) place(static_cast<int32_t>(s));
    }
    return std::move(stages_);
  }

 private:
  void place(int32_t index) {
    const Step& step = program_.steps[static_cast<size_t>(index)];
    std::vector<std::pair<Memory, Access>> accesses = accesses_of(step);
    int32_t first = 0;
    for (const auto& [memory, access] : accesses) {
      for (const Access& before : before_[memory]) {
        const bool meets = before.begin < access.end && access.begin < before.end;
        if (meets && (before.writes || access.writes)) first = std::max(first, before.stage + 1);
      }
    }
    const int32_t phases = step.kernel->phases();
    if (stages_.size() < static_cast<size_t>(first + phases))
      stages_.resize(static_cast<size_t>(first + phases));
    for (int32_t p = 0; p < phases; ++p)
      stages_[static_cast<size_t>(first + p)].push_back({index, p});
    for (auto& [memory, access] : accesses) {
      access.stage = first + phases - 1;
      before_[memory].push_back(access);
    }
  }

  std::vector<std::pair<Memory, Access>> accesses_of(const Step& step) const {
    using Kind = BufferPlacement::Kind;
    const Graph& graph = program_.graph;
    const Node& node = graph.node(step.node);
    std::vector<std::pair<Memory, Access>> result;
    const auto add = [&](const BufferPlacement& at, int64_t bytes, bool writes) {
      if (at.kind == Kind::kConstant || at.kind == Kind::kDerived) return;  // no run writes them
      if (at.kind == Kind::kArena)
        result.push_back({{at.kind, 0}, {at.offset, at.offset + bytes, writes, 0}});
      else
        result.push_back({{at.kind, at.offset}, {0, 1, writes, 0}});
    };
    for (size_t i = 0; i < step.buffers.size(); ++i) {
      const bool writes = i >= node.inputs.size();
      const ValueType& type =
          writes ? node.types[i - node.inputs.size()] : graph.type(node.inputs[i]);
      add(step.buffers[i], type.bytes(), writes);
    }
    if (step.scratch_offset >= 0)
      add({Kind::kArena, step.scratch_offset}, step.kernel->scratch_bytes(), true);
    return result;
  }

  const Program& program_;
  std::map<Memory, std::vector<Access>> before_;
  std::vector<std::vector<StepPhase>> stages_;
};

}  // namespace

std::vector<std::vector<StepPhase>> plan_stages(const Program& program) {
  return StagePlanner(program).run();
}

}  // namespace sinter

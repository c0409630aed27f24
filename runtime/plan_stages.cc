// Earliest stages by the hazards between steps: read after write, write after read, write after
// write, all by address, since buffers whose lifetimes do not overlap share the arena.
#include "runtime/plan_stages.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace sinter {
namespace {

struct Access {
  int64_t begin = 0, end = 0;  // bytes in the arena; of other memory all
  bool writes = false;
};

// A memory in segments that were last written and last read in the same stages.
class Segments {
 public:
  // The first stage in which the access may happen.
  int32_t earliest(const Access& access) const {
    int32_t first = 0;
    for (auto it = overlapping(access); it != segments_.end() && it->first < access.end; ++it) {
      first = std::max(first, it->second.written + 1);
      if (access.writes) first = std::max(first, it->second.read + 1);
    }
    return first;
  }

  // What is written later than all before needs no memory of it.
  void add(const Access& access, int32_t stage) {
    if (access.begin == access.end) return;
    split(access.begin);
    split(access.end);
    const auto begin = segments_.lower_bound(access.begin);
    const auto end = segments_.lower_bound(access.end);
    if (access.writes) {
      segments_.erase(begin, end);
      segments_[access.begin] = {.end = access.end, .written = stage, .read = -1};
      return;
    }
    int64_t from = access.begin;  // from here on nothing has been read or written
    for (auto it = begin; it != end; ++it) {
      if (from < it->first) segments_[from] = {.end = it->first, .written = -1, .read = stage};
      it->second.read = std::max(it->second.read, stage);
      from = it->second.end;
    }
    if (from < access.end) segments_[from] = {.end = access.end, .written = -1, .read = stage};
  }

 private:
  struct Segment {
    int64_t end = 0;
    int32_t written = -1, read = -1;  // stages
  };

  std::map<int64_t, Segment>::const_iterator overlapping(const Access& access) const {
    auto it = segments_.upper_bound(access.begin);
    if (it != segments_.begin() && std::prev(it)->second.end > access.begin) --it;
    return it;
  }
  // No segment reaches over `at` then.
  void split(int64_t at) {
    const auto after = segments_.lower_bound(at);
    if (after == segments_.begin()) return;
    const auto it = std::prev(after);
    if (it->second.end <= at) return;
    Segment rest = it->second;
    it->second.end = at;
    segments_.emplace_hint(after, at, rest);
  }

  std::map<int64_t, Segment> segments_;  // by where they begin
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
    for (const auto& [memory, access] : accesses)
      first = std::max(first, before_[memory].earliest(access));
    const int32_t phases = step.kernel->phases();
    if (stages_.size() < static_cast<size_t>(first + phases))
      stages_.resize(static_cast<size_t>(first + phases));
    for (int32_t p = 0; p < phases; ++p)
      stages_[static_cast<size_t>(first + p)].push_back({index, p});
    // What a step reads is noted first: a later one may not write over it before its last stage,
    // which is also that of what it writes.
    for (const bool writes : {false, true}) {
      for (const auto& [memory, access] : accesses) {
        if (access.writes == writes) before_[memory].add(access, first + phases - 1);
      }
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
        result.push_back({{at.kind, 0}, {at.offset, at.offset + bytes, writes}});
      else
        result.push_back({{at.kind, at.offset}, {0, 1, writes}});
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
  std::map<Memory, Segments> before_;
  std::vector<std::vector<StepPhase>> stages_;
};

}  // namespace

std::vector<std::vector<StepPhase>> plan_stages(const Program& program) {
  return StagePlanner(program).run();
}

}  // namespace sinter

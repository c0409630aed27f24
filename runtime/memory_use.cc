// The arena is told apart by what lies in it at the step where most is alive.
#include "runtime/memory_use.h"

#include <algorithm>
#include <map>

#include "runtime/micro_batches.h"

namespace sinter {
namespace {

using UseKind = MemoryUse::Kind;
using UsePlace = BufferPlacement::Kind;

std::string layer_of_step(const Graph& graph, int32_t node) {
  const auto& origin = graph.node(node).origin;
  return origin == nullptr ? "" : origin->layer;
}

// A value in the arena, from the step that makes it to the last one that reads it.
struct Tenant {
  ValueId value;
  int64_t bytes = 0;
  int32_t first = 0, last = 0;
};

class ArenaWalk {
 public:
  explicit ArenaWalk(const Program& program) : program_(program) {
    const auto end = static_cast<int32_t>(program.steps.size());
    for (int32_t s = 0; s < end; ++s) visit(s);
    for (const Copy& copy : program.copies) {
      read(copy.from, end);
      if (copy.to.kind == UsePlace::kArena)
        tenants_.push_back({.value = {}, .bytes = copy.bytes, .first = end, .last = end});
    }
  }

  /// The step where most is alive; the number of steps for the copies behind the last one.
  int32_t worst_step() const {
    std::vector<int64_t> change(program_.steps.size() + 2);
    for (const Tenant& t : tenants_) {
      change[static_cast<size_t>(t.first)] += t.bytes;
      change[static_cast<size_t>(t.last) + 1] -= t.bytes;
    }
    int64_t alive = 0, most = -1;
    int32_t worst = 0;
    for (size_t s = 0; s <= program_.steps.size(); ++s) {
      alive += change[s];
      const int64_t needed = alive + scratch_bytes(static_cast<int32_t>(s));
      if (needed > most) {
        most = needed;
        worst = static_cast<int32_t>(s);
      }
    }
    return worst;
  }

  int64_t scratch_bytes(int32_t s) const {
    if (static_cast<size_t>(s) >= program_.steps.size()) return 0;
    return program_.steps[static_cast<size_t>(s)].kernel->scratch_bytes();
  }

  std::vector<Tenant> alive_at(int32_t s) const {
    std::vector<Tenant> alive;
    std::ranges::copy_if(tenants_, std::back_inserter(alive),
                         [&](const Tenant& t) { return t.first <= s && s <= t.last; });
    return alive;
  }

 private:
  void visit(int32_t s) {
    const Step& step = program_.steps[static_cast<size_t>(s)];
    const Node& node = program_.graph.node(step.node);
    for (size_t i = 0; i < node.inputs.size(); ++i) read(step.buffers[i], s);
    for (size_t r = 0; r < node.types.size(); ++r) {
      const BufferPlacement& place = step.buffers[node.inputs.size() + r];
      if (place.kind != UsePlace::kArena) continue;
      const auto [at, is_new] = at_offset_.try_emplace(place.offset, tenants_.size());
      // A result in the place of an input: the input ends before.
      if (!is_new && tenants_[at->second].last == s) --tenants_[at->second].last;
      at->second = tenants_.size();
      tenants_.push_back({.value = {step.node, static_cast<int32_t>(r)},
                          .bytes = node.types[r].bytes(),
                          .first = s,
                          .last = s});
    }
  }

  void read(const BufferPlacement& place, int32_t s) {
    if (place.kind != UsePlace::kArena) return;
    if (const auto at = at_offset_.find(place.offset); at != at_offset_.end())
      tenants_[at->second].last = s;
  }

  const Program& program_;
  std::vector<Tenant> tenants_;
  std::map<int64_t, size_t> at_offset_;  // which tenant came there last
};

class Uses {
 public:
  explicit Uses(const Program& program) : program_(program), graph_(program.graph) {}

  void add(UseKind kind, std::string layer, int64_t bytes, ValueId value = {}) {
    if (bytes > 0) uses_.push_back({kind, std::move(layer), value, bytes});
  }

  void add_arena(int64_t times, bool with_values) {
    const ArenaWalk walk(program_);
    const int32_t worst = walk.worst_step();
    int64_t rest = program_.arena_bytes;
    for (const Tenant& t : walk.alive_at(worst)) {
      const std::string layer = t.value.valid() ? layer_of_step(graph_, t.value.node) : "";
      add(UseKind::kValue, layer, times * t.bytes, with_values ? t.value : ValueId());
      rest -= t.bytes;
    }
    if (const int64_t scratch = walk.scratch_bytes(worst); scratch > 0) {
      const Step& step = program_.steps[static_cast<size_t>(worst)];
      add(UseKind::kWorkspace, layer_of_step(graph_, step.node), times * scratch);
      rest -= scratch;
    }
    add(UseKind::kWorkspace, "", times * rest);
  }

  /// `bytes` under the layer whose kernel asks for most.
  void add_workspace(int64_t bytes) {
    std::string layer;
    int64_t most = 0;
    for (const Step& step : program_.steps) {
      if (step.kernel->workspace_bytes() <= most) continue;
      most = step.kernel->workspace_bytes();
      layer = layer_of_step(graph_, step.node);
    }
    add(UseKind::kWorkspace, layer, bytes);
  }

  /// What steps prepare, and the results of the prologue, each as far as the next one.
  int64_t add_prepared() {
    int64_t total = program_.derived_bytes;
    std::map<int64_t, std::string> layers;
    for (const Step& step : program_.steps) {
      const std::string layer = layer_of_step(graph_, step.node);
      add(UseKind::kPrepared, layer, step.kernel->prepared_bytes());
      total += step.kernel->prepared_bytes();
      const size_t inputs = graph_.node(step.node).inputs.size();
      for (size_t k = inputs; k < step.buffers.size(); ++k) {
        if (step.buffers[k].kind == UsePlace::kDerived)
          layers.try_emplace(step.buffers[k].offset, layer);
      }
    }
    for (auto at = layers.begin(); at != layers.end(); ++at) {
      const auto next = std::next(at);
      const int64_t end = next == layers.end() ? program_.derived_bytes : next->first;
      add(UseKind::kPrepared, at->second, end - at->first);
    }
    return total;
  }

  void add_constants() {
    for (int32_t i = 0; i < graph_.size(); ++i) {
      const Node& node = graph_.node(i);
      if (node.is(KernelOp::kConstant))
        add(UseKind::kConstant, layer_of_step(graph_, i), node.types[0].bytes());
    }
  }

  std::vector<MemoryUse> take() { return std::move(uses_); }

 private:
  const Program& program_;
  const Graph& graph_;
  std::vector<MemoryUse> uses_;
};

}  // namespace

std::vector<MemoryUse> memory_use(const Program& program, int threads) {
  const int64_t workers = std::min(threads, most_workers(program));
  const MicroBatchKernel* parts = micro_batches_of(program);
  Uses uses(parts == nullptr ? program : parts->program());
  uses.add_constants();
  if (parts == nullptr) {
    int64_t workspace = 0;
    for (const Step& step : program.steps)
      workspace = std::max(workspace, step.kernel->workspace_bytes());
    uses.add_prepared();
    uses.add_arena(1, true);
    uses.add_workspace(workers * workspace);
  } else {
    const int64_t prepared = uses.add_prepared();
    uses.add(UseKind::kPrepared, "", parts->prepared_bytes() - prepared);
    uses.add_arena(workers, false);
    uses.add_workspace(workers * (parts->workspace_bytes() - parts->program().arena_bytes));
  }
  uses.add(UseKind::kQueues, "", Executable::queue_bytes(program, static_cast<int>(workers)));
  return uses.take();
}

}  // namespace sinter

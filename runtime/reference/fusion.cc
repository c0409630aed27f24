// fusion: the region's nodes one after the other, in scratch memory. Slow and plainly right.
#include <algorithm>
#include <cstring>

#include "runtime/aligned.h"
#include "runtime/reference/kernels.h"

namespace sinter::reference {
namespace {

struct RegionStep {
  std::shared_ptr<Kernel> kernel;
  std::vector<int32_t> slots;  // inputs and results, as indices into the value table
  int64_t scratch = 0;         // offset
};

struct Region {
  std::vector<RegionStep> steps;
  std::vector<int64_t> offsets;                      // of values kept in scratch, -1 for inputs
  std::vector<std::pair<int32_t, int64_t>> outputs;  // slot, bytes
  std::vector<int32_t> inputs;                       // slots
  int64_t table_bytes = 0;
  int64_t bytes = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_fusion(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const auto body = n.attributes.get<std::shared_ptr<const Graph>>("body");
  auto region = std::make_shared<Region>();
  std::vector<int32_t> first_slot;
  int32_t slots = 0;
  size_t longest = 0;
  for (const Node& inner : body->nodes()) {
    longest = std::max(longest, inner.inputs.size() + inner.types.size() + 1);
    first_slot.push_back(slots);
    slots += static_cast<int32_t>(inner.types.size());
  }
  region->offsets.assign(static_cast<size_t>(slots), -1);
  region->table_bytes =
      aligned(static_cast<int64_t>((static_cast<size_t>(slots) + longest) * sizeof(void*)));
  int64_t bytes = region->table_bytes;
  const auto slot = [&](ValueId id) {
    return first_slot[static_cast<size_t>(id.node)] + id.result;
  };
  for (int32_t i = 0; i < body->size(); ++i) {
    const Node& inner = body->node(i);
    if (inner.is(KernelOp::kInput)) {
      region->inputs.push_back(slot({i, 0}));
      continue;
    }
    RegionStep step;
    step.kernel = make_kernel(*body, i);
    for (ValueId id : inner.inputs) step.slots.push_back(slot(id));
    for (int32_t r = 0; r < static_cast<int32_t>(inner.types.size()); ++r) {
      step.slots.push_back(slot({i, r}));
      region->offsets[static_cast<size_t>(slot({i, r}))] = bytes;
      bytes += aligned(inner.types[static_cast<size_t>(r)].bytes());
    }
    step.scratch = bytes;
    bytes += aligned(step.kernel->scratch_bytes());
    region->steps.push_back(std::move(step));
  }
  for (const Graph::Output& o : body->outputs())
    region->outputs.emplace_back(slot(o.value), body->type(o.value).bytes());
  region->bytes = bytes;
  const size_t arity = n.inputs.size();
  return std::make_unique<LoopKernel>(
      [region, arity, slots](void* const* buffers) {
        auto* scratch = static_cast<std::byte*>(buffers[arity + region->outputs.size()]);
        // The table of value pointers and the buffer list of the current step live at the start of
        // the scratch memory.
        auto** table = reinterpret_cast<void**>(scratch);
        void** current = table + slots;
        for (size_t s = 0; s < region->offsets.size(); ++s) {
          if (region->offsets[s] >= 0) table[s] = scratch + region->offsets[s];
        }
        for (size_t i = 0; i < arity; ++i) table[region->inputs[i]] = buffers[i];
        for (const RegionStep& step : region->steps) {
          size_t k = 0;
          for (int32_t s : step.slots) current[k++] = table[s];
          current[k] = scratch + step.scratch;
          step.kernel->run_all(current);
        }
        for (size_t o = 0; o < region->outputs.size(); ++o) {
          std::memcpy(buffers[arity + o], table[region->outputs[o].first],
                      static_cast<size_t>(region->outputs[o].second));
        }
      },
      region->bytes + 64);
}

}  // namespace sinter::reference

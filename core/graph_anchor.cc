// Slots in chunks that never move, so that looking one up takes no lock.
#include "core/graph_anchor.h"

#include <array>
#include <atomic>
#include <new>
#include <vector>

#include "core/error.h"
#include "core/fork.h"
#include "core/symbol.h"

namespace sinter {
namespace {

struct Slot {
  std::atomic<Graph*> graph{nullptr};
  std::atomic<uint32_t> generation{0};
};

constexpr uint32_t kChunk = 256, kChunks = 1 << 16;

struct Slots {
  ForkMutex mutex;
  std::vector<uint32_t> free;  // with room for all, so that giving back cannot fail
  uint32_t used = 0;
  std::array<std::atomic<Slot*>, kChunks> chunks = {};
};

// Never destroyed: graphs may outlive every static object.
Slots& slots() {
  static auto* all = new Slots;
  return *all;
}

Slot& slot(uint32_t index) {
  return slots().chunks[index / kChunk].load(std::memory_order_acquire)[index % kChunk];
}

}  // namespace

Graph* find_graph(GraphId id) {
  if (!id.valid()) return nullptr;
  const Slot& at = slot(id.slot);
  return at.generation.load(std::memory_order_acquire) == id.generation
             ? at.graph.load(std::memory_order_relaxed)
             : nullptr;
}

void GraphAnchor::take(Graph* graph) {
  Slots& all = slots();
  const std::lock_guard lock(all.mutex);
  uint32_t index = all.used;
  if (!all.free.empty()) {
    index = all.free.back();
    all.free.pop_back();
  } else {
    if (index == kChunk * kChunks) throw std::bad_alloc();
    if (index % kChunk == 0) {
      all.free.reserve(index + kChunk);
      all.chunks[index / kChunk].store(new Slot[kChunk]);
    }
    ++all.used;
  }
  Slot& mine = slot(index);
  mine.graph.store(graph, std::memory_order_relaxed);
  id_ = {index, mine.generation.load(std::memory_order_relaxed) + 1};
  mine.generation.store(id_.generation, std::memory_order_release);
}

void GraphAnchor::release() {
  Slots& all = slots();
  const std::lock_guard lock(all.mutex);
  Slot& mine = slot(id_.slot);
  // Even generations belong to nobody.
  mine.generation.store(id_.generation + 1, std::memory_order_release);
  mine.graph.store(nullptr, std::memory_order_relaxed);
  all.free.push_back(id_.slot);
  id_ = {};
}

void Symbol::raise_no_graph() const {
  throw Error(valid()
                  ? "a symbol was used after its graph was gone: symbols belong to the one graph "
                    "that they were made in, so functions of symbols must not keep them"
                  : "an empty symbol was used");
}

}  // namespace sinter

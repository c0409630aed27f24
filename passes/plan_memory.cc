// Static memory planning as interval packing: large buffers first, each into the smallest gap that
// its lifetime leaves.
#include "passes/plan_memory.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace sinter {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kLimit = std::numeric_limits<int64_t>::max() - kAlignment;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

bool overlap_in_time(const BufferRequest& a, const BufferRequest& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

struct Extent {
  int64_t begin = 0;
  int64_t end = 0;
};

// The start of the smallest gap between `taken` (sorted by begin) that holds `bytes`, else the end
// of them all.
int64_t best_fit(const std::vector<Extent>& taken, int64_t bytes) {
  int64_t best = -1;
  int64_t best_size = std::numeric_limits<int64_t>::max();
  int64_t free_from = 0;
  for (const Extent& e : taken) {
    const int64_t gap = e.begin - free_from;
    if (gap >= bytes && gap < best_size) {
      best = free_from;
      best_size = gap;
    }
    free_from = std::max(free_from, e.end);
  }
  return best >= 0 ? best : free_from;
}

}  // namespace

ArenaPlan plan_memory(std::span<const BufferRequest> requests) {
  int64_t sum = 0;
  for (const BufferRequest& r : requests) {
    SINTER_CHECK(r.bytes >= 0 && r.first_step <= r.last_step, "a buffer without a lifetime");
    if (r.bytes > kLimit - sum || aligned(r.bytes) > kLimit - sum) {
      throw ShapeError("the values of this graph need more memory than can be addressed");
    }
    sum += aligned(r.bytes);
  }
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (requests[a].bytes != requests[b].bytes) return requests[a].bytes > requests[b].bytes;
    return requests[a].first_step < requests[b].first_step;
  });
  ArenaPlan plan;
  plan.offsets.assign(requests.size(), 0);
  std::vector<size_t> placed;
  for (size_t i : order) {
    const BufferRequest& request = requests[i];
    if (request.bytes == 0) continue;
    std::vector<Extent> taken;
    for (size_t k : placed) {
      if (!overlap_in_time(request, requests[k])) continue;
      taken.push_back({plan.offsets[k], plan.offsets[k] + aligned(requests[k].bytes)});
    }
    std::sort(taken.begin(), taken.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    plan.offsets[i] = best_fit(taken, aligned(request.bytes));
    plan.bytes = std::max(plan.bytes, plan.offsets[i] + aligned(request.bytes));
    placed.push_back(i);
  }
  return plan;
}

}  // namespace sinter

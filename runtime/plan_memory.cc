// Greedy by size: the largest buffers are placed first, each in the smallest gap that its lifetime
// leaves free (Pisarchyk, Lee: "Efficient memory management for deep neural net inference", 2020,
// section 5.2).
#include "runtime/plan_memory.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace sinter {

ArenaPlan plan_memory(std::span<const BufferRequest> requests) {
  constexpr int64_t kAlignment = 64;
  ArenaPlan plan;
  plan.offsets.assign(requests.size(), 0);
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return requests[a].bytes > requests[b].bytes; });
  std::vector<size_t> placed;  // in order of offset
  for (size_t index : order) {
    const BufferRequest& request = requests[index];
    if (request.bytes < 0 || request.bytes > std::numeric_limits<int64_t>::max() / 4)
      throw ShapeError("a buffer is too large");
    const int64_t bytes =
        std::max<int64_t>(kAlignment, (request.bytes + kAlignment - 1) / kAlignment * kAlignment);
    int64_t best = -1, best_gap = std::numeric_limits<int64_t>::max(), free_from = 0;
    for (size_t other : placed) {
      const BufferRequest& o = requests[other];
      if (o.last_step < request.first_step || request.last_step < o.first_step) continue;
      const int64_t gap = plan.offsets[other] - free_from;
      if (gap >= bytes && gap < best_gap) {
        best_gap = gap;
        best = free_from;
      }
      const int64_t other_bytes =
          std::max<int64_t>(kAlignment, (o.bytes + kAlignment - 1) / kAlignment * kAlignment);
      free_from = std::max(free_from, plan.offsets[other] + other_bytes);
    }
    if (best < 0) best = free_from;
    if (best > std::numeric_limits<int64_t>::max() / 4)
      throw ShapeError("the memory plan is too large");
    plan.offsets[index] = best;
    plan.bytes = std::max(plan.bytes, best + bytes);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), index,
                         [&](size_t a, size_t b) { return plan.offsets[a] < plan.offsets[b]; }),
        index);
  }
  return plan;
}

}  // namespace sinter

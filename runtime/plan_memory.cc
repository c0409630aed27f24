// Greedy by size: the largest buffers are placed first, each in the smallest gap that its lifetime
// leaves free (Pisarchyk, Lee: "Efficient memory management for deep neural net inference", 2020,
// section 5.2). That looks at every pair of buffers, so thousands of them are placed in the order
// of time instead, as an allocator would: each in the smallest block that is free just then.
#include "runtime/plan_memory.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <queue>
#include <set>

#include "core/error.h"

namespace sinter {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kLargest = std::numeric_limits<int64_t>::max() / 4;
constexpr size_t kMostBySize = 4096;  // 8 million pairs

int64_t aligned_bytes(const BufferRequest& request) {
  if (request.bytes < 0 || request.bytes > kLargest) throw ShapeError("a buffer is too large");
  return std::max(kAlignment, (request.bytes + kAlignment - 1) / kAlignment * kAlignment);
}

ArenaPlan plan_by_size(std::span<const BufferRequest> requests) {
  ArenaPlan plan;
  plan.offsets.assign(requests.size(), 0);
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return requests[a].bytes > requests[b].bytes; });
  std::vector<size_t> placed;  // in order of offset
  for (size_t index : order) {
    const BufferRequest& request = requests[index];
    const int64_t bytes = aligned_bytes(request);
    int64_t best = -1, best_gap = std::numeric_limits<int64_t>::max(), free_from = 0;
    for (size_t other : placed) {
      const BufferRequest& o = requests[other];
      if (o.last_step < request.first_step || request.last_step < o.first_step) continue;
      const int64_t gap = plan.offsets[other] - free_from;
      if (gap >= bytes && gap < best_gap) {
        best_gap = gap;
        best = free_from;
      }
      free_from = std::max(free_from, plan.offsets[other] + aligned_bytes(o));
    }
    if (best < 0) best = free_from;
    if (best > kLargest) throw ShapeError("the memory plan is too large");
    plan.offsets[index] = best;
    plan.bytes = std::max(plan.bytes, best + bytes);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), index,
                         [&](size_t a, size_t b) { return plan.offsets[a] < plan.offsets[b]; }),
        index);
  }
  return plan;
}

// Free blocks below the end of the arena, which grows where none is large enough.
class Blocks {
 public:
  int64_t take(int64_t bytes) {
    auto found = by_size_.lower_bound({bytes, 0});
    if (found == by_size_.end()) {
      // The arena grows by what its last block is short of.
      const auto last = by_offset_.empty() ? by_offset_.end() : std::prev(by_offset_.end());
      const bool at_end = last != by_offset_.end() && last->first + last->second == end_;
      const int64_t offset = at_end ? last->first : end_;
      if (offset > kLargest) throw ShapeError("the memory plan is too large");
      if (at_end) erase(last);
      end_ = offset + bytes;
      return offset;
    }
    const auto block = by_offset_.find(found->second);
    const auto [offset, size] = *block;
    erase(block);
    if (size > bytes) insert(offset + bytes, size - bytes);
    return offset;
  }

  void give_back(int64_t offset, int64_t bytes) {
    const auto after = by_offset_.lower_bound(offset);
    if (after != by_offset_.end() && offset + bytes == after->first) {
      bytes += after->second;
      erase(after);
    }
    const auto next = by_offset_.lower_bound(offset);
    if (next != by_offset_.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second == offset) {
        offset = before->first;
        bytes += before->second;
        erase(before);
      }
    }
    insert(offset, bytes);
  }

  int64_t end() const { return end_; }

 private:
  void insert(int64_t offset, int64_t bytes) {
    by_offset_.emplace(offset, bytes);
    by_size_.emplace(bytes, offset);
  }
  void erase(std::map<int64_t, int64_t>::iterator block) {
    by_size_.erase({block->second, block->first});
    by_offset_.erase(block);
  }

  std::map<int64_t, int64_t> by_offset_;
  std::set<std::pair<int64_t, int64_t>> by_size_;  // bytes, offset
  int64_t end_ = 0;
};

ArenaPlan plan_by_time(std::span<const BufferRequest> requests) {
  ArenaPlan plan;
  plan.offsets.assign(requests.size(), 0);
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return requests[a].first_step != requests[b].first_step
               ? requests[a].first_step < requests[b].first_step
               : requests[a].bytes > requests[b].bytes;
  });
  Blocks blocks;
  using Ending = std::pair<int32_t, size_t>;  // the last step, the buffer
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> alive;
  for (size_t index : order) {
    while (!alive.empty() && alive.top().first < requests[index].first_step) {
      const size_t ended = alive.top().second;
      alive.pop();
      blocks.give_back(plan.offsets[ended], aligned_bytes(requests[ended]));
    }
    plan.offsets[index] = blocks.take(aligned_bytes(requests[index]));
    alive.emplace(requests[index].last_step, index);
  }
  plan.bytes = blocks.end();
  return plan;
}

}  // namespace

ArenaPlan plan_memory(std::span<const BufferRequest> requests) {
  return requests.size() <= kMostBySize ? plan_by_size(requests) : plan_by_time(requests);
}

}  // namespace sinter

// Pieces of memory, and whether others overlap them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace sinter {

/// Of pieces that do not overlap each other.
class MemoryRanges {
 public:
  void clear() { ranges_.clear(); }
  bool empty() const { return ranges_.empty(); }
  void add(const void* begin, int64_t bytes) {
    if (bytes > 0) ranges_.push_back(range(begin, bytes));
  }
  /// After the last add(), before the first question.
  void sort() { std::ranges::sort(ranges_); }
  bool overlap(const void* begin, int64_t bytes) const {
    const auto [first, end] = range(begin, bytes);
    const auto behind = std::ranges::lower_bound(ranges_, end, {}, &Range::first);
    return behind != ranges_.begin() && std::prev(behind)->second > first;
  }

 private:
  using Range = std::pair<uintptr_t, uintptr_t>;
  static Range range(const void* begin, int64_t bytes) {
    const auto first = reinterpret_cast<uintptr_t>(begin);
    return {first, first + static_cast<uintptr_t>(bytes)};
  }

  std::vector<Range> ranges_;
};

}  // namespace sinter

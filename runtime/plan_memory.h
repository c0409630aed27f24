// The memory plan: an algorithm over sizes and lifetimes that gives each buffer a place in one
// arena. Knows no graph and no backend.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sinter {

struct BufferRequest {
  int64_t bytes = 0;
  int32_t first_step = 0;  // written from here on
  int32_t last_step = 0;   // read until here, inclusive
};

struct ArenaPlan {
  std::vector<int64_t> offsets;  // one for each request, multiples of 64
  int64_t bytes = 0;
};

/// Buffers whose lifetimes overlap never overlap in memory. Greedy by size with best fit, of
/// thousands of buffers in the order of time (n log n); raises ShapeError when the sum overflows.
ArenaPlan plan_memory(std::span<const BufferRequest> requests);

}  // namespace sinter

// Counts the calls of operator new in this test program.
#pragma once

#include <cstdint>

namespace sinter {

/// Allocations so far, or -1 in sanitizer builds, whose own operator new is left in place.
int64_t allocation_count();

}  // namespace sinter

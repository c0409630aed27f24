// Counts the calls of operator new in this test program, and what they have given.
#pragma once

#include <cstdint>

namespace sinter {

/// Allocations so far, or -1 in sanitizer builds, whose own operator new is left in place.
int64_t allocation_count();
/// Bytes that operator new has given and nobody has given back, or -1.
int64_t allocated_bytes();

}  // namespace sinter

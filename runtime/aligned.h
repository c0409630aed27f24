// Memory in whole cache lines.
#pragma once

#include <cstdint>

namespace sinter {

/// So many bytes, rounded up to whole lines of 64.
constexpr int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace sinter

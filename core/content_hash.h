// Hashes of what attributes hold, for tables of equal nodes.
#pragma once

#include <cstdint>

namespace sinter {

class Attributes;

/// Equal attributes (operator==) have equal hashes; others differ, almost surely. Not the same in
/// every process.
uint64_t content_hash(const Attributes& attributes);

}  // namespace sinter

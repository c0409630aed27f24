// Random bits as IR: Philox4x32-10 on vector lanes, as core/philox.h defines it.
#pragma once

#include <array>

#include "runtime/llvm/emit.h"

namespace sinter::codegen {

/// Seed and step of a random node, split into what the rounds need; made once a kernel.
struct PhiloxKey {
  Value key0 = nullptr, key1 = nullptr, step_low = nullptr, step_high = nullptr;
};
PhiloxKey load_philox_key(Emitter& e, Value state, int64_t stream);

/// The four words of the blocks `block` (lanes x i64).
std::array<Value, 4> emit_philox(Emitter& e, const PhiloxKey& key, Value block);

/// A word as the result of a random node: bits (int32) or a uniform number in [0, 1).
Value random_value(Emitter& e, Value word, DType dtype);

/// The words of any elements (lanes x i64): four words are made and one is picked, so this is for
/// edges.
Value emit_philox_elements(Emitter& e, const PhiloxKey& key, Value elements);

}  // namespace sinter::codegen

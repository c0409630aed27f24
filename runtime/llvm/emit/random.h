// Random bits as IR: Philox4x32-10 on vector lanes, as core/philox.h defines it.
#pragma once

#include <array>

#include "runtime/llvm/emit/emitter.h"

namespace sinter::codegen {

/// Seed and step of a random node, as the rounds need them; made once a kernel.
struct PhiloxKey {
  Value step_low = nullptr, step_high = nullptr;  // i64, of which the lower half counts
  Value rounds = nullptr;  // two keys a round, on the stack: more than registers would hold
};
PhiloxKey load_philox_key(Emitter& e, Value state, int64_t stream);

/// The four words of the blocks `first` (i64), `first` + 1, ..., one a lane (lanes x i32).
Values emit_philox_words(Emitter& e, const PhiloxKey& key, Value first, int lanes);
/// The words of any elements (lanes x i64): four words are made and one is picked, so this is for
/// edges.
Value emit_philox_elements(Emitter& e, const PhiloxKey& key, Value elements);
/// A word as the result of a random node: bits (int32) or a uniform number in [0, 1).
Value random_value(Emitter& e, Value word, DType dtype);

/// Elements that emit_bits16 makes: eight a 64-bit lane of so many vectors.
int bits16_elements(const Emitter& e, int vectors);
/// The 16-bit numbers of the blocks `first` (i64), `first` + 1, ... in the order of the elements:
/// twice as many vectors of i16.
Values emit_bits16(Emitter& e, const PhiloxKey& key, Value first, int vectors);
/// The 16-bit numbers of any elements (lanes x i64), as i32.
Value emit_bits16_elements(Emitter& e, const PhiloxKey& key, Value elements);

}  // namespace sinter::codegen

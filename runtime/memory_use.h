// What runs of a program allocate, known before any of it is there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/executable.h"

namespace sinter {

/// Some of the memory of a program, and what it is for.
struct MemoryUse {
  enum class Kind : uint8_t {
    kValue,      // a value that is alive where most are, in the arena
    kWorkspace,  // what kernels need while they run, and what lies between the values of the arena
    kPrepared,   // what follows from variables that runs do not change: packed weights
    kConstant,
    kQueues,  // tables of buffers, queues of pieces
  };
  Kind kind = Kind::kValue;
  std::string layer;   // of the node it is for; may be empty
  ValueId value = {};  // of program.graph; invalid but for values, and for those of micro-batches
  int64_t bytes = 0;
};

/// All that an executable of `program` allocates for one run at a time, on at most `threads`
/// threads. Variables, inputs and outputs are the caller's.
std::vector<MemoryUse> memory_use(const Program& program, int threads);

}  // namespace sinter

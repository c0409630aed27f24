// The error of empty callables.
#include "core/callable.h"

#include <atomic>

#include "core/error.h"

namespace sinter {

uint64_t next_callable() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

void raise_empty_callable() { throw Error("an empty function was called"); }

}  // namespace sinter

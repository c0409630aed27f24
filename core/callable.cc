// The error of empty callables.
#include "core/callable.h"

#include "core/error.h"

namespace sinter {

void raise_empty_callable() { throw Error("an empty function was called"); }

}  // namespace sinter

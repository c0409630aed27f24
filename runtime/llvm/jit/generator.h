// What a plugin's symbol holds.
#pragma once

#include "runtime/llvm/jit/plugin.h"

namespace sinter::codegen {

Plugin plugin_functions();

}  // namespace sinter::codegen

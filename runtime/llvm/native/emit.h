// A native module as LLVM IR, and as what is made of that.
#pragma once

#include <string>

#include "runtime/llvm/native/module.h"

namespace sinter::codegen {

/// An object file, assembly or IR. Functions of the module's name are seen from outside, all others
/// and the constants are its own.
std::string emit_native(const NativeModule& module, NativeOutput output);

}  // namespace sinter::codegen

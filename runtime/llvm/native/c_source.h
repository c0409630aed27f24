// A module as C11 that gcc, clang and others compile: the same kernels, block by block. Where the
// compiler has vectors (gcc, clang) they are the module's own; otherwise loops over lanes.
#pragma once

#include <llvm/IR/Module.h>

#include <string>

namespace sinter::codegen {

/// Functions that the module shows to others are static here and called `<name>_code`: those with
/// the types of the header are written by who knows them. Raises InternalError for what emitters do
/// not make.
std::string c_source(llvm::Module& module);

}  // namespace sinter::codegen

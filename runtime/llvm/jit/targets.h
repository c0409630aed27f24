// Which kinds of processors a plugin knows: libsinter_codegen.so that of this machine, and
// libsinter_cross.so all that code is exported for. Both are the same otherwise.
#pragma once

namespace sinter::codegen {

/// Makes LLVM know them; called once.
void initialize_targets();

}  // namespace sinter::codegen

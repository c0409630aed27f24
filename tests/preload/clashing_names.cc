// With LD_PRELOAD: a library with the names of LLVM and oneDNN, as other frameworks load it. Whoever
// calls one of them is told so and ends.
#include <cstdio>
#include <cstdlib>

#define SINTER_CLASHING(number, name)                                        \
  extern "C" __attribute__((visibility("default"))) void clash_##number()    \
      __asm__(name);                                                         \
  extern "C" void clash_##number() {                                         \
    std::fputs("bound to another library's " name "\n", stderr);             \
    std::abort();                                                            \
  }

// llvm::LLVMContext::LLVMContext(), llvm::sys::getHostCPUName(), llvm::sys::getProcessTriple() ...
SINTER_CLASHING(0, "_ZN4llvm11LLVMContextC1Ev")
SINTER_CLASHING(1, "_ZN4llvm11LLVMContextC2Ev")
SINTER_CLASHING(2, "_ZN4llvm11LLVMContextD1Ev")
SINTER_CLASHING(3, "_ZN4llvm3sys14getHostCPUNameEv")
SINTER_CLASHING(4, "_ZN4llvm3sys18getHostCPUFeaturesEv")
SINTER_CLASHING(5, "_ZN4llvm3sys16getProcessTripleB5cxx11Ev")
SINTER_CLASHING(6, "_ZN4llvm12PassRegistry15getPassRegistryEv")
SINTER_CLASHING(7, "_ZN4llvm6ModuleC1ENS_9StringRefERNS_11LLVMContextE")
SINTER_CLASHING(8, "_ZN4llvm15SmallVectorBaseIjE8grow_podEPvmm")
SINTER_CLASHING(9, "LLVMInitializeX86Target")
SINTER_CLASHING(10, "LLVMInitializeX86TargetInfo")
SINTER_CLASHING(11, "_ZN4llvm24DisableABIBreakingChecksE")
SINTER_CLASHING(20, "dnnl_version")
SINTER_CLASHING(21, "dnnl_engine_create")
SINTER_CLASHING(22, "dnnl_stream_create")
SINTER_CLASHING(23, "dnnl_memory_create")
SINTER_CLASHING(24, "dnnl_memory_desc_init_by_strides")
SINTER_CLASHING(25, "dnnl_primitive_create")
SINTER_CLASHING(26, "dnnl_primitive_execute")
SINTER_CLASHING(27, "dnnl_primitive_desc_query")
SINTER_CLASHING(28, "dnnl_set_primitive_cache_capacity")
SINTER_CLASHING(29, "dnnl_primitive_attr_create")

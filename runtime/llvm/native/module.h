// What is exported as native code, as plain data: constants, and functions that call kernels on them
// one after the other. No LLVM; native/emit.h makes machine code of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// What a kernel is given for one of its buffers.
struct NativeAddress {
  enum class Base : uint8_t { kNull, kArgument, kWorkspace, kConstant };
  Base base = Base::kNull;
  int64_t index = 0;   // of the argument or constant
  int64_t offset = 0;  // bytes
  int64_t step = 0;    // bytes from one micro-batch to the next
};

/// A kernel on its buffers: all phases and pieces, in order.
struct NativeCall {
  size_t kernel = 0;
  std::vector<NativeAddress> buffers;
};

struct NativeCopy {
  NativeAddress from, to;
  int64_t bytes = 0;
};

/// `int NAME(argument, ..., void* workspace)`, and behind it `parallel_for, pool` where more than one
/// thread may work on it.
struct NativeFunction {
  std::string name;
  int arguments = 0;
  bool has_state = false;  // the first argument, 64-byte aligned
  int64_t micro_batches = 1;
  std::vector<NativeCall> calls;
  std::vector<NativeCopy> copies;  // after the calls of a micro-batch
  int64_t workspace_bytes = 0;
  int workers = 1;  // at most
  // The last buffer of each call: for the first worker here, for the others so much further on.
  int64_t worker_step = 0;
};

/// The functions for one CPU.
struct NativeVariant {
  Cpu cpu;
  std::vector<const KernelPlan*> kernels;
  std::vector<NativeFunction> functions;
};

/// What a function without arguments tells.
struct NativeText {
  std::string function, text;
};
struct NativeSize {
  std::string function;
  int64_t value = 0;
};

/// `int function(void* state, uint64_t seed)`: writes constants to where variables lie. A seed that
/// is not 0 begins other random numbers.
struct NativeInitializer {
  std::string function;
  struct Part {
    size_t constant = 0;
    int64_t offset = 0;
  };
  std::vector<Part> parts;
  int64_t random_state = -1;  // where {seed, step} lies, int64; negative: nothing draws numbers
};

struct NativeModule {
  std::string name;
  /// Each has the same functions. Several: those that a CPU can run, the best first, and the last
  /// for every CPU; the system's loader chooses.
  std::vector<NativeVariant> variants;
  std::vector<Tensor> constants;
  std::vector<NativeText> texts;
  std::vector<NativeSize> sizes;
  std::vector<NativeInitializer> initializers;
};

/// What native::emit gives.
enum class NativeOutput : uint8_t { kObject, kAssembly, kIr, kC };

}  // namespace sinter::codegen

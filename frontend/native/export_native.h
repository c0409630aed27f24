// Models as native code with a C interface: what runs them needs neither Sinter nor LLVM.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/source_location.h"

namespace sinter {

class Model;

/// What export_native() writes beside the header.
struct ExportOptions {
  /// "object" (NAME.o), "static" (NAME.a), "shared" (NAME.so, linked by the system's C compiler),
  /// "assembly" (NAME.s), "llvm-ir" (NAME.ll), "c" (NAME.c, for any compiler of C11 and any
  /// little-endian machine; `cpu` says how wide its vectors are), or "wasm" (NAME.wasm, linked by
  /// wasm-ld, and NAME.mjs, a module of JavaScript that loads it).
  std::string emit = "object";
  /// The numbers of rows that there is a function for: NAME_predict for the first of them,
  /// NAME_predict_<rows> for each of the others.
  std::vector<int64_t> batches = {1};
  /// "native", the processor at hand, or one that must be there when the code runs: a level of the
  /// x86-64 ABI ("x86-64", "x86-64-v3": AVX2 and FMA, "x86-64-v4": AVX-512), or one of LLVM's names
  /// (clang's -mcpu) with features behind it ("znver4", "generic-rv64,+v"). Of another target,
  /// "native" is what all of its machines have.
  std::string cpu = "native";
  /// "" for machines like this one, or "aarch64-linux-gnu", "riscv64-linux-gnu", "arm-none-eabi" (a
  /// Cortex-M7, hard float), "wasm32" (with SIMD), "x86_64-linux-gnu", or another triple of these
  /// architectures, of which none was ever run.
  std::string target = "";
  /// Code for x86-64-v4, x86-64-v3 and x86-64 in one file; the system's loader chooses (glibc).
  /// `cpu` stays "native" then.
  bool multiversion = false;
  /// How many threads may work on a call. Above 1 the functions take a `parallel_for` of the
  /// caller's (see the header); results are the same, bit for bit, for any number of threads.
  int64_t threads = 1;
  /// Adds the training step: state, initialisation and step functions, for the first of `batches`
  /// rows. Needs compile(). NAME_predict then takes the weights from the state, too.
  bool training = false;
  /// What the names in C begin with; otherwise the name of the file.
  std::string name = "";
};

/// What was written.
struct NativeFiles {
  std::string code, header;  // paths
  int64_t code_bytes = 0, workspace_bytes = 0;
};

/// Writes `path` with the ending of what is emitted, the C header beside it (`path`.h, which
/// documents the functions), and a wrapper for C++20 (`path`.hpp). The functions are
///
///     size_t NAME_workspace_size(void);
///     int NAME_predict(const float* x, float* y, void* workspace);
///
/// with a pointer for each input and output in the model's order, rows one after the other. They
/// allocate nothing, hold no state of their own and may run in any number of threads at once, each
/// with a workspace (64-byte aligned) of its own. Results are those of predict() on the backend
/// llvm, bit for bit where the CPU is the same. Raises Error for a model that is not built, a name
/// that C cannot have, a batch below 1, a missing code generator or linker; NameError for an
/// unknown `emit`, `cpu` or `target`; FileError.
NativeFiles export_native(const Model& model, const std::string& path,
                          const ExportOptions& options = {},
                          SourceLocation where = SourceLocation::current());

}  // namespace sinter

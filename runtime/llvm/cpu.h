// The processor that code is made for, and how wide its vectors are. No LLVM: a program whose
// kernels are all in the cache must find their keys without it. Processors of other kinds are
// described by native/cross_cpu.h.
#pragma once

#include <string>

#include "core/dtype.h"

namespace sinter::codegen {

struct Cpu {
  std::string name;      // "native" for the processor at hand, or a level: "x86-64-v3"
  std::string features;  // what tells it from other processors: part of the cache's keys
  int vector_bytes = 16;
  bool has_fma = false;
  bool has_round = false;            // floor, ceil and nearest in one instruction (SSE4.1)
  bool multiplies_bfloat16 = false;  // sums of pairs of products (AVX512-BF16)
  bool has_avx512 = false;           // what it does to vectors of 64 bytes in one instruction
  int vector_registers = 16;
  int pointer_bytes = 8;
  // Of a processor that is not of this machine's kind; "" where it is.
  std::string triple = "", abi = "";  // as LLVM names them

  /// Lanes of a full vector of elements of `bytes` (never more than those of 4-byte elements).
  int lanes(int64_t bytes) const {
    return static_cast<int>(vector_bytes / (bytes < 4 ? 4 : bytes));
  }
};

/// The processor this runs on, or the one SINTER_CPU names (x86-64, x86-64-v3, x86-64-v4); found
/// once.
const Cpu& host_cpu();

/// The same by the value of SINTER_CPU ("" for the processor at hand); raises Error for a name that
/// is none of these.
Cpu find_cpu(const std::string& asked);

}  // namespace sinter::codegen

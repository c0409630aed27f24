// The processor that code is made for: name and features as LLVM knows them, and how wide its
// vectors are.
#pragma once

#include <string>

#include "core/dtype.h"

namespace sinter::codegen {

struct Cpu {
  std::string name;      // "znver4"
  std::string features;  // "+avx512f,..."
  int vector_bytes = 16;
  bool has_fma = false;
  bool has_round = false;  // floor, ceil and nearest in one instruction (SSE4.1)

  /// Lanes of a full vector of elements of `bytes` (never more than those of 4-byte elements).
  int lanes(int64_t bytes) const {
    return static_cast<int>(vector_bytes / (bytes < 4 ? 4 : bytes));
  }
};

/// The processor this runs on, or the one SINTER_CPU names (x86-64, x86-64-v3, x86-64-v4); found
/// once.
const Cpu& host_cpu();

}  // namespace sinter::codegen

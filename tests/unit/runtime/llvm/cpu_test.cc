// What is read from CPUID agrees with the compiler's own reading of it.
#include "runtime/llvm/cpu.h"

#include <gtest/gtest.h>

namespace sinter::codegen {
namespace {

#if defined(__x86_64__)

TEST(Cpu, HasWhatTheCompilerSays) {
  const Cpu cpu = find_cpu("");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  EXPECT_EQ(cpu.vector_bytes, avx512 ? 64 : __builtin_cpu_supports("avx2") ? 32 : 16);
  EXPECT_EQ(cpu.has_fma, __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(cpu.has_round, __builtin_cpu_supports("sse4.1") != 0);
  EXPECT_EQ(cpu.multiplies_bfloat16, avx512 && __builtin_cpu_supports("avx512bf16"));
}

#endif

}  // namespace
}  // namespace sinter::codegen

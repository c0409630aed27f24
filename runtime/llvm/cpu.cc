#include "runtime/llvm/cpu.h"

#include <fmt/format.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdlib>

#include "core/error.h"

namespace sinter::codegen {
namespace {

#if defined(__x86_64__)

Cpu native() {
  Cpu cpu;
  cpu.name = "native";
  // Model and feature words; their presence alone does not say that the system saves wide
  // registers, which __builtin_cpu_supports() does.
  for (const auto& [leaf, sub] : {std::pair(1u, 0u), std::pair(7u, 0u), std::pair(7u, 1u)}) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    __get_cpuid_count(leaf, sub, &a, &b, &c, &d);
    if (leaf == 1) b = 0;  // the number of the core this runs on
    cpu.features += fmt::format("{:08x}{:08x}{:08x}{:08x} ", a, b, c, d);
  }
  const bool avx2 = __builtin_cpu_supports("avx2");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  cpu.vector_bytes = avx512 ? 64 : avx2 ? 32 : 16;
  cpu.has_fma = __builtin_cpu_supports("fma");
  cpu.has_round = __builtin_cpu_supports("sse4.1");
  cpu.multiplies_bfloat16 = avx512 && __builtin_cpu_supports("avx512bf16");
  cpu.features += fmt::format("vectors of {} bytes", cpu.vector_bytes);
  return cpu;
}

#else

Cpu native() {
  Cpu cpu;
  cpu.name = "native";
  return cpu;
}

#endif

}  // namespace

Cpu find_cpu(const std::string& asked) {
  if (asked.empty()) return native();
  Cpu cpu;
  cpu.name = asked;
  if (asked == "x86-64") return cpu;
  cpu.has_fma = cpu.has_round = true;
  cpu.vector_bytes = 32;
  if (asked == "x86-64-v3") return cpu;
  cpu.vector_bytes = 64;
  if (asked == "x86-64-v4") return cpu;
  throw Error(fmt::format("SINTER_CPU must be x86-64, x86-64-v3 or x86-64-v4, found '{}'", asked));
}

const Cpu& host_cpu() {
  static const Cpu cpu = [] {
    const char* asked = std::getenv("SINTER_CPU");
    return find_cpu(asked == nullptr ? "" : asked);
  }();
  return cpu;
}

}  // namespace sinter::codegen

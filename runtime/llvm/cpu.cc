#include "runtime/llvm/cpu.h"

#include <fmt/format.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdint>
#include <cstdlib>

#include "core/error.h"

namespace sinter::codegen {
namespace {

#if defined(__x86_64__)

struct Words {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

// Which registers the system saves.
uint64_t saved_registers() {
  uint32_t low = 0, high = 0;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

// Each CPUID leaves a virtual machine, for 10 microseconds and more; __builtin_cpu_supports() would
// ask a dozen times at every start.
Cpu native() {
  Cpu cpu;
  cpu.name = "native";
  // Model and feature words.
  Words words[3];  // of leaves 1, 7 and 7.1
  const unsigned last = __get_cpuid_max(0, nullptr);
  if (last >= 1) __cpuid(1, words[0].a, words[0].b, words[0].c, words[0].d);
  words[0].b = 0;  // the number of the core this runs on
  for (unsigned sub = 0; sub < 2 && last >= 7; ++sub) {
    Words& w = words[1 + sub];
    __cpuid_count(7, sub, w.a, w.b, w.c, w.d);
  }
  for (const Words& w : words)
    cpu.features += fmt::format("{:08x}{:08x}{:08x}{:08x} ", w.a, w.b, w.c, w.d);
  // That a CPU has wide registers does not say that the system saves them.
  const auto has = [](unsigned word, unsigned bits) { return (word & bits) == bits; };
  const uint64_t saved = has(words[0].c, bit_OSXSAVE) ? saved_registers() : 0;
  const bool avx = (saved & 0x06) == 0x06 && has(words[0].c, bit_AVX);
  const bool avx2 = avx && has(words[1].b, bit_AVX2);
  const bool avx512 = avx2 && (saved & 0xe6) == 0xe6 &&
                      has(words[1].b, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL);
  cpu.vector_bytes = avx512 ? 64 : avx2 ? 32 : 16;
  cpu.vector_registers = avx512 ? 32 : 16;
  cpu.has_avx512 = avx512;
  cpu.has_fma = avx && has(words[0].c, bit_FMA);
  cpu.has_round = has(words[0].c, bit_SSE4_1);
  cpu.multiplies_bfloat16 = avx512 && has(words[2].a, bit_AVX512BF16);
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
  cpu.vector_registers = 32;
  cpu.has_avx512 = true;
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

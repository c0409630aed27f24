// Peak loops are written as one assembly statement each, so that by construction no accumulator is
// in memory; stream loops are intrinsics. Each function names its instruction set, so the binary
// runs on any x86-64 and asks the CPU.
#include "frontend/profile/roofline_loops.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sinter::roofline {

#if defined(__x86_64__)
namespace {

// Fifteen accumulators (registers 1 to 15) hide the latency of two multiply-adds a cycle. Register
// 0 is the other operand. All are zero, so nothing overflows or becomes denormal.
#define SINTER_15(f)                                                                             \
  f("1") f("2") f("3") f("4") f("5") f("6") f("7") f("8") f("9") f("10") f("11") f("12") f("13") \
      f("14") f("15")
#define SINTER_CLEAR(n) "pxor %%xmm" n ", %%xmm" n "\n"
#define SINTER_PEAK_LOOP(name, features, body)                                                     \
  __attribute__((target(features))) void name(int64_t rounds) {                                    \
    asm volatile(                                                                                  \
        "pxor %%xmm0, %%xmm0\n" SINTER_15(SINTER_CLEAR) "1:\n" SINTER_15(body) "dec %0\n jnz 1b\n" \
        : "+r"(rounds)                                                                             \
        :                                                                                          \
        : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",    \
          "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");                                   \
  }

#define SINTER_FMA_F32_512(n) "vfmadd231ps %%zmm0, %%zmm0, %%zmm" n "\n"
#define SINTER_FMA_F64_512(n) "vfmadd231pd %%zmm0, %%zmm0, %%zmm" n "\n"
#define SINTER_DOT_BF16_512(n) "vdpbf16ps %%zmm0, %%zmm0, %%zmm" n "\n"
#define SINTER_DOT_INT8_512(n) "vpdpbusd %%zmm0, %%zmm0, %%zmm" n "\n"
#define SINTER_FMA_F32_256(n) "vfmadd231ps %%ymm0, %%ymm0, %%ymm" n "\n"
#define SINTER_FMA_F64_256(n) "vfmadd231pd %%ymm0, %%ymm0, %%ymm" n "\n"
// Without fused instructions, half of the work multiplies and half adds.
#define SINTER_MUL_ADD_F32(n) "mulps %%xmm0, %%xmm" n "\n addps %%xmm0, %%xmm" n "\n"
#define SINTER_MUL_ADD_F64(n) "mulpd %%xmm0, %%xmm" n "\n addpd %%xmm0, %%xmm" n "\n"

SINTER_PEAK_LOOP(fma_f32_512, "avx512f", SINTER_FMA_F32_512)
SINTER_PEAK_LOOP(fma_f64_512, "avx512f", SINTER_FMA_F64_512)
SINTER_PEAK_LOOP(dot_bf16_512, "avx512bf16", SINTER_DOT_BF16_512)
SINTER_PEAK_LOOP(dot_int8_512, "avx512vnni", SINTER_DOT_INT8_512)
SINTER_PEAK_LOOP(fma_f32_256, "avx2,fma", SINTER_FMA_F32_256)
SINTER_PEAK_LOOP(fma_f64_256, "avx2,fma", SINTER_FMA_F64_256)
SINTER_PEAK_LOOP(mul_add_f32, "sse2", SINTER_MUL_ADD_F32)
SINTER_PEAK_LOOP(mul_add_f64, "sse2", SINTER_MUL_ADD_F64)

// mm is the prefix of the intrinsics of one vector width (_mm512, say).
#define SINTER_STREAM_LOOPS(suffix, features, vector, mm)                     \
  __attribute__((target(features))) void read_##suffix(const StreamData& d) { \
    constexpr int64_t kLanes = sizeof(vector) / 4;                            \
    vector s0 = mm##_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;                 \
    for (int64_t i = 0; i < d.count; i += 4 * kLanes) {                       \
      s0 = mm##_add_ps(s0, mm##_load_ps(d.b + i));                            \
      s1 = mm##_add_ps(s1, mm##_load_ps(d.b + i + kLanes));                   \
      s2 = mm##_add_ps(s2, mm##_load_ps(d.b + i + 2 * kLanes));               \
      s3 = mm##_add_ps(s3, mm##_load_ps(d.b + i + 3 * kLanes));               \
    }                                                                         \
    const vector sum = mm##_add_ps(mm##_add_ps(s0, s1), mm##_add_ps(s2, s3)); \
    asm volatile("" : : "x"(sum));                                            \
  }                                                                           \
  SINTER_STORE_LOOPS(suffix, features, vector, mm, store)                     \
  SINTER_STORE_LOOPS(suffix, features, vector, mm, stream)

#define SINTER_STORE_LOOPS(suffix, features, vector, mm, store)                                    \
  __attribute__((target(features))) void copy_##store##_##suffix(const StreamData& d) {            \
    constexpr int64_t kLanes = sizeof(vector) / 4;                                                 \
    for (int64_t i = 0; i < d.count; i += 4 * kLanes) {                                            \
      const vector v0 = mm##_load_ps(d.b + i), v1 = mm##_load_ps(d.b + i + kLanes);                \
      const vector v2 = mm##_load_ps(d.b + i + 2 * kLanes),                                        \
                   v3 = mm##_load_ps(d.b + i + 3 * kLanes);                                        \
      mm##_##store##_ps(d.a + i, v0);                                                              \
      mm##_##store##_ps(d.a + i + kLanes, v1);                                                     \
      mm##_##store##_ps(d.a + i + 2 * kLanes, v2);                                                 \
      mm##_##store##_ps(d.a + i + 3 * kLanes, v3);                                                 \
    }                                                                                              \
  }                                                                                                \
  __attribute__((target(features))) void triad_##store##_##suffix(const StreamData& d) {           \
    constexpr int64_t kLanes = sizeof(vector) / 4;                                                 \
    const vector s = mm##_set1_ps(3.0f);                                                           \
    for (int64_t i = 0; i < d.count; i += 2 * kLanes) {                                            \
      const vector v0 = mm##_add_ps(mm##_load_ps(d.b + i), mm##_mul_ps(s, mm##_load_ps(d.c + i))); \
      const vector v1 = mm##_add_ps(mm##_load_ps(d.b + i + kLanes),                                \
                                    mm##_mul_ps(s, mm##_load_ps(d.c + i + kLanes)));               \
      mm##_##store##_ps(d.a + i, v0);                                                              \
      mm##_##store##_ps(d.a + i + kLanes, v1);                                                     \
    }                                                                                              \
  }

SINTER_STREAM_LOOPS(512, "avx512f", __m512, _mm512)
SINTER_STREAM_LOOPS(256, "avx2,fma", __m256, _mm256)
SINTER_STREAM_LOOPS(128, "sse2", __m128, _mm)

#define SINTER_STREAM_TABLE(suffix)                                                           \
  {                                                                                           \
    {"read", 1, false, read_##suffix}, {"copy", 2, false, copy_store_##suffix},               \
        {"triad", 3, false, triad_store_##suffix}, {"copy", 2, true, copy_stream_##suffix}, { \
      "triad", 3, true, triad_stream_##suffix                                                 \
    }                                                                                         \
  }

}  // namespace

std::vector<Vectors> available_vectors() {
  std::vector<Vectors> result = {Vectors::kSse2};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    result.push_back(Vectors::kAvx2);
  if (__builtin_cpu_supports("avx512f")) result.push_back(Vectors::kAvx512);
  return result;
}

std::vector<PeakLoop> peak_loops(Vectors vectors) {
  // Operations: 12 instructions of so many lanes, each a product and a sum.
  switch (vectors) {
    case Vectors::kSse2:
      return {{"float32", "mulps, addps xmm", 15 * 4 * 2, mul_add_f32},
              {"float64", "mulpd, addpd xmm", 15 * 2 * 2, mul_add_f64}};
    case Vectors::kAvx2:
      return {{"float32", "vfmadd231ps ymm", 15 * 8 * 2, fma_f32_256},
              {"float64", "vfmadd231pd ymm", 15 * 4 * 2, fma_f64_256}};
    case Vectors::kAvx512: break;
  }
  std::vector<PeakLoop> loops = {{"float32", "vfmadd231ps zmm", 15 * 16 * 2, fma_f32_512},
                                 {"float64", "vfmadd231pd zmm", 15 * 8 * 2, fma_f64_512}};
  if (__builtin_cpu_supports("avx512bf16"))
    loops.push_back({"bfloat16", "vdpbf16ps zmm", 15 * 32 * 2, dot_bf16_512});
  if (__builtin_cpu_supports("avx512vnni"))
    loops.push_back({"int8", "vpdpbusd zmm", 15 * 64 * 2, dot_int8_512});
  return loops;
}

std::vector<StreamLoop> stream_loops(Vectors vectors) {
  switch (vectors) {
    case Vectors::kSse2: return SINTER_STREAM_TABLE(128);
    case Vectors::kAvx2: return SINTER_STREAM_TABLE(256);
    case Vectors::kAvx512: break;
  }
  return SINTER_STREAM_TABLE(512);
}
#else
std::vector<Vectors> available_vectors() { return {}; }
std::vector<PeakLoop> peak_loops(Vectors) { return {}; }
std::vector<StreamLoop> stream_loops(Vectors) { return {}; }
#endif

std::string to_string(Vectors vectors) {
  switch (vectors) {
    case Vectors::kSse2: return "sse2";
    case Vectors::kAvx2: return "avx2";
    case Vectors::kAvx512: break;
  }
  return "avx512";
}

}  // namespace sinter::roofline

// The loops that sinter roofline times: arithmetic on registers alone, and streams over memory, for
// each vector width of the CPU.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sinter::roofline {

/// Independent multiply-adds on registers, `rounds` times `operations` of them.
struct PeakLoop {
  std::string dtype;
  std::string instruction;
  int64_t operations = 0;  // multiplications and additions a round
  void (*run)(int64_t rounds) = nullptr;
};

/// What one thread streams over: `count` floats (a multiple of kStreamFloats) at 64-byte
/// boundaries.
struct StreamData {
  float* a = nullptr;
  float* b = nullptr;
  float* c = nullptr;
  int64_t count = 0;
};

/// read b; copy a = b; triad a = b + s c.
struct StreamLoop {
  std::string name;
  int arrays = 1;  // that one pass touches: 4 * arrays * count bytes
  bool non_temporal = false;
  void (*run)(const StreamData& data) = nullptr;
};

inline constexpr int64_t kStreamFloats = 64;

enum class Vectors { kSse2, kAvx2, kAvx512 };

/// What this CPU has, narrowest first; nothing on other architectures than x86-64.
std::vector<Vectors> available_vectors();
std::string to_string(Vectors vectors);  // "sse2", "avx2", "avx512"
/// The loops written for these vectors. Among the peaks of avx512, those the CPU lacks are left
/// out.
std::vector<PeakLoop> peak_loops(Vectors vectors);
std::vector<StreamLoop> stream_loops(Vectors vectors);

}  // namespace sinter::roofline

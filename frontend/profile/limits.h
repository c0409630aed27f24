// What this machine can do at most, asked as a profile asks: for some arithmetic on some bytes.
#pragma once

#include <cstdint>
#include <string>

namespace sinter {

/// What a kernel has to do.
struct KernelWork {
  int64_t flops = 0, bytes = 0;
  std::string dtype = "float32";  // of its products, as roofline has them
};

/// What a kernel did a second, beside what it could have done.
struct KernelRate {
  double gflops = 0, gb_per_s = 0;
  /// What bounds it: "arithmetic", or where its values may lie: "L1", "L2", "L3", "DRAM". Empty
  /// where this machine cannot be measured.
  std::string limit;
  double share = 0;  // of the limit
  bool by_arithmetic() const { return limit == "arithmetic"; }
  /// "41.3 GFLOP/s" or "3.20 GB/s": that of the limit.
  std::string to_string() const;
};

/// Of work that took so many seconds on each of so many threads. The limit is the peak of
/// arithmetic, or the bandwidth of the smallest memory that holds all of the bytes, whichever takes
/// longer: nobody can be faster, and who finds his data further away cannot reach it. Limits are
/// measured on first use, in 20 to 400 ms each (frontend/profile/roofline_measure.h).
KernelRate rate_of(const KernelWork& work, double seconds, int threads);

}  // namespace sinter

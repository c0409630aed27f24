// What a fuzzer decides, decision by decision: from a seed, or from bytes that a coverage-guided
// fuzzer gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace sinter::fuzz_files {

class Choices {
 public:
  explicit Choices(uint64_t seed) : engine_(seed) {}
  /// When the bytes have been used up, every choice is the first one.
  explicit Choices(std::span<const uint8_t> bytes) : bytes_(bytes), from_bytes_(true) {}

  uint64_t bits() {
    if (!from_bytes_) return engine_();
    uint64_t result = 0;
    for (int i = 0; i < 4 && !bytes_.empty(); ++i) {
      result = result << 8 | bytes_[0];
      bytes_ = bytes_.subspan(1);
    }
    return result;
  }
  size_t below(size_t count) { return count == 0 ? 0 : bits() % count; }
  bool one_in(size_t count) { return below(count) == 0; }
  template <typename T>
  const T& of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

  /// A number near what bounds, sizes and counters break at, or near `like`.
  int64_t number(int64_t like) {
    constexpr int64_t kMin = INT64_MIN, kMax = INT64_MAX;
    static constexpr int64_t kNumbers[] = {0,
                                           1,
                                           2,
                                           3,
                                           4,
                                           5,
                                           7,
                                           8,
                                           16,
                                           17,
                                           64,
                                           100,
                                           255,
                                           256,
                                           1000,
                                           1024,
                                           65535,
                                           INT32_MAX,
                                           -1,
                                           -2,
                                           -3,
                                           -100,
                                           INT32_MIN,
                                           kMax,
                                           kMin,
                                           kMax - 1,
                                           kMax / 2,
                                           kMax / 4,
                                           kMin / 2,
                                           int64_t{1} << 31,
                                           int64_t{1} << 32,
                                           int64_t{1} << 40,
                                           int64_t{1} << 48,
                                           int64_t{1} << 62};
    switch (below(4)) {
      case 0: return kNumbers[below(std::size(kNumbers))];
      case 1: return static_cast<int64_t>(below(8));
      case 2: return static_cast<int64_t>(static_cast<uint64_t>(like) + below(5) - 2);
      default: return static_cast<int64_t>(static_cast<uint64_t>(like) ^ uint64_t{1} << below(64));
    }
  }

 private:
  std::mt19937_64 engine_;
  std::span<const uint8_t> bytes_;
  bool from_bytes_ = false;
};

}  // namespace sinter::fuzz_files

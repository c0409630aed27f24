// The loops that sinter roofline times do what their names say, for each vector width of this CPU.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "frontend/profile/roofline_loops.h"
#include "frontend/profile/roofline_measure.h"

namespace sinter::roofline {
namespace {

struct Free {
  void operator()(float* p) const { std::free(p); }
};

TEST(Roofline, StreamLoopsMoveWhatTheyCount) {
  constexpr int64_t kCount = 3 * kStreamFloats;
  const auto array = [] {
    return std::unique_ptr<float, Free>(
        static_cast<float*>(std::aligned_alloc(64, (kCount + 16) * sizeof(float))));
  };
  for (Vectors vectors : available_vectors()) {
    for (const StreamLoop& loop : stream_loops(vectors)) {
      SCOPED_TRACE(to_string(vectors) + " " + loop.name);
      const auto a = array(), b = array(), c = array();
      for (int64_t i = 0; i < kCount + 16; ++i) {
        a.get()[i] = -1;
        b.get()[i] = static_cast<float>(i);
        c.get()[i] = static_cast<float>(1000 + i);
      }
      loop.run({a.get(), b.get(), c.get(), kCount});
      for (int64_t i = 0; i < kCount + 16; ++i) {
        const auto x = static_cast<float>(i);
        const float copied = loop.arrays == 2 ? x : x + 3 * (1000 + x);
        EXPECT_EQ(a.get()[i], loop.arrays == 1 || i >= kCount ? -1 : copied) << i;
      }
    }
  }
}

TEST(Roofline, PeakLoopsRunOnEachWidth) {
  for (Vectors vectors : available_vectors()) {
    std::set<std::string> dtypes;
    for (const PeakLoop& loop : peak_loops(vectors)) {
      dtypes.insert(loop.dtype);
      EXPECT_GT(measure_peak(loop, 1, 0).operations_per_second, 0) << loop.instruction;
    }
    EXPECT_TRUE(dtypes.contains("float32") && dtypes.contains("float64")) << to_string(vectors);
  }
}

// Two cores cannot answer each other within the time of one access to a cache of their own.
TEST(Roofline, ALineTravelsBetweenTwoCores) {
  const std::optional<double> round_trip = measure_line_round_trip(0);
  EXPECT_EQ(round_trip.has_value(), std::thread::hardware_concurrency() > 1);
  if (round_trip) EXPECT_GT(*round_trip, 2e-9);
}

TEST(Roofline, LevelsGrow) {
  int64_t before = 0;
  for (const Level& level : memory_levels()) {
    EXPECT_GT(level.bytes, before) << level.name;
    before = level.bytes;
  }
  EXPECT_EQ(memory_levels().back().name, "DRAM");
}

}  // namespace
}  // namespace sinter::roofline

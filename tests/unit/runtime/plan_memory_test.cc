// The memory plan on random lifetimes: no two buffers share bytes while both live, and the arena is
// never below what must live at once.
#include "runtime/plan_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "core/error.h"

namespace sinter {
namespace {

int64_t aligned(int64_t bytes) { return std::max<int64_t>(bytes + 63, 64) / 64 * 64; }

std::vector<BufferRequest> random_requests(std::mt19937& engine, int count, int steps) {
  std::vector<BufferRequest> requests;
  for (int i = 0; i < count; ++i) {
    const auto first = static_cast<int32_t>(engine() % static_cast<unsigned>(steps));
    const auto length = static_cast<int32_t>(engine() % 6);
    const int64_t bytes = engine() % 7 == 0 ? 1
                                            : 64 * static_cast<int64_t>(1 + engine() % 40) -
                                                  static_cast<int64_t>(engine() % 3);
    requests.push_back({bytes, first, first + length});
  }
  return requests;
}

int64_t most_at_once(const std::vector<BufferRequest>& requests, bool in_blocks) {
  int64_t most = 0;
  for (const BufferRequest& at : requests) {
    int64_t sum = 0;
    for (const BufferRequest& r : requests) {
      if (r.first_step <= at.first_step && at.first_step <= r.last_step)
        sum += in_blocks ? aligned(r.bytes) : r.bytes;
    }
    most = std::max(most, sum);
  }
  return most;
}

TEST(PlanMemory, BuffersThatLiveTogetherLieApart) {
  std::mt19937 engine(3);
  for (int trial = 0; trial < 200; ++trial) {
    const auto requests = random_requests(engine, 1 + static_cast<int>(engine() % 60), 30);
    const ArenaPlan plan = plan_memory(requests);
    ASSERT_EQ(plan.offsets.size(), requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      ASSERT_EQ(plan.offsets[i] % 64, 0);
      ASSERT_GE(plan.offsets[i], 0);
      ASSERT_LE(plan.offsets[i] + requests[i].bytes, plan.bytes);
      for (size_t k = 0; k < i; ++k) {
        const bool together = requests[i].first_step <= requests[k].last_step &&
                              requests[k].first_step <= requests[i].last_step;
        const bool apart = plan.offsets[i] + requests[i].bytes <= plan.offsets[k] ||
                           plan.offsets[k] + requests[k].bytes <= plan.offsets[i];
        ASSERT_TRUE(!together || apart) << "buffers " << i << " and " << k;
      }
    }
    EXPECT_GE(plan.bytes, most_at_once(requests, false));
    // Greedy packing stays near the bound on graphs like ours.
    EXPECT_LE(plan.bytes, 2 * most_at_once(requests, true));
  }
}

TEST(PlanMemory, ThousandsOfBuffers) {
  std::mt19937 engine(4);
  constexpr int kSteps = 10000;
  std::vector<BufferRequest> requests = random_requests(engine, 12000, kSteps);
  // As activations of a training step: made on the way there, read on the way back.
  for (int i = 0; i < 500; ++i) requests.push_back({1000, i, kSteps - i});
  const ArenaPlan plan = plan_memory(requests);
  // Step by step: the buffers that live, by offset.
  std::vector<std::vector<size_t>> begin(2 * kSteps), end(2 * kSteps);
  for (size_t i = 0; i < requests.size(); ++i) {
    begin[static_cast<size_t>(requests[i].first_step)].push_back(i);
    end[static_cast<size_t>(requests[i].last_step) + 1].push_back(i);
  }
  std::map<int64_t, size_t> alive;
  int64_t sum = 0, most = 0;
  for (size_t step = 0; step < begin.size(); ++step) {
    for (size_t i : end[step]) {
      alive.erase(plan.offsets[i]);
      sum -= aligned(requests[i].bytes);
    }
    for (size_t i : begin[step]) {
      ASSERT_EQ(plan.offsets[i] % 64, 0);
      const auto [it, added] = alive.emplace(plan.offsets[i], i);
      ASSERT_TRUE(added) << i;
      if (it != alive.begin()) {
        const auto before = std::prev(it);
        ASSERT_LE(before->first + requests[before->second].bytes, it->first);
      }
      if (std::next(it) != alive.end()) {
        ASSERT_LE(it->first + requests[i].bytes, std::next(it)->first);
      }
      ASSERT_LE(it->first + requests[i].bytes, plan.bytes);
      sum += aligned(requests[i].bytes);
    }
    most = std::max(most, sum);
  }
  EXPECT_GE(plan.bytes, most);
  EXPECT_LE(plan.bytes, 2 * most);
}

TEST(PlanMemory, AChainNeedsTwoBuffers) {
  std::vector<BufferRequest> chain;
  for (int32_t i = 0; i < 20; ++i) chain.push_back({1000, i, i + 1});
  EXPECT_EQ(plan_memory(chain).bytes, 2 * 1024);
}

TEST(PlanMemory, ReusesTheSmallestGapThatFits) {
  // Two gaps of 512 and 128 bytes between buffers that live on; the small one goes into the small
  // gap.
  const std::vector<BufferRequest> requests = {{4096, 0, 9}, {512, 0, 1},  {4096, 0, 9},
                                               {128, 0, 1},  {4096, 0, 9}, {100, 5, 6}};
  const ArenaPlan plan = plan_memory(requests);
  EXPECT_EQ(plan.bytes, plan_memory(std::span(requests).first(5)).bytes);
}

TEST(PlanMemory, EmptyAndImpossible) {
  EXPECT_EQ(plan_memory({}).bytes, 0);
  const std::vector<BufferRequest> huge(8, {std::numeric_limits<int64_t>::max() / 2, 0, 1});
  EXPECT_THROW(plan_memory(huge), ShapeError);
}

}  // namespace
}  // namespace sinter

// Memory of tensors of every kind of size: zero when given, nobody else's, given again later.
#include "core/tensor_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <thread>
#include <vector>

namespace sinter {
namespace {

constexpr size_t kKiB = 1024, kMiB = 1024 * kKiB;

class Block {
 public:
  Block(size_t bytes, uint8_t mark) : memory_(allocate_tensor_memory(bytes)), mark_(mark) {
    bytes_ = {static_cast<uint8_t*>(memory_.get()), bytes};
    is_zero_ = std::ranges::all_of(bytes_, [](uint8_t b) { return b == 0; });
    std::ranges::fill(bytes_, mark);
  }
  bool was_zero() const { return is_zero_; }
  bool is_untouched() const {
    return std::ranges::all_of(bytes_, [&](uint8_t b) { return b == mark_; });
  }
  uintptr_t address() const { return reinterpret_cast<uintptr_t>(memory_.get()); }

 private:
  std::shared_ptr<void> memory_;
  std::span<uint8_t> bytes_;
  uint8_t mark_;
  bool is_zero_;
};

TEST(TensorMemory, IsZeroAndAlignedForEverySize) {
  EXPECT_NE(allocate_tensor_memory(0), nullptr);
  for (const size_t around : {64 * kKiB, 2 * kMiB, 4 * kMiB}) {
    for (const size_t bytes : {around - 1, around, around + 1}) {
      const Block block(bytes, 1);
      EXPECT_TRUE(block.was_zero()) << bytes;
      EXPECT_EQ(block.address() % 64, 0U) << bytes;
    }
  }
}

// More than one region's worth of tensors that share huge pages, in random order.
void churn(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Block> blocks;
  size_t held = 0;
  for (int i = 0; i < 400; ++i) {
    if (blocks.size() < 30 && random() % 3 != 0) {
      const size_t bytes = 64 * kKiB + random() % (2 * kMiB);
      blocks.emplace_back(bytes, static_cast<uint8_t>(1 + random() % 255));
      ASSERT_TRUE(blocks.back().was_zero()) << i;
      held += bytes;
    } else if (!blocks.empty()) {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      ASSERT_TRUE(blocks.back().is_untouched()) << i;
      blocks.pop_back();
    }
  }
  for (const Block& block : blocks) ASSERT_TRUE(block.is_untouched());
  ASSERT_GT(held, 32 * kMiB);
}

TEST(TensorMemory, BelongsToOneTensorAtATime) { churn(1); }

TEST(TensorMemory, IsSafeToAskForFromSeveralThreads) {
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) threads.emplace_back([t] { churn(2 + t); });
  for (std::thread& thread : threads) thread.join();
}

// What was freed is used again before new memory is asked for.
TEST(TensorMemory, ReusesWhatWasFreed) {
  std::vector<Block> others;
  for (int i = 0; i < 4; ++i) others.emplace_back(kMiB, 7);  // beyond what lies on plain pages
  auto first = std::make_unique<Block>(kMiB, 9);
  const Block guard(kMiB, 8);
  const uintptr_t address = first->address();
  first.reset();
  const Block second(kMiB - 100, 3);
  EXPECT_EQ(second.address(), address);
  EXPECT_TRUE(second.was_zero());
  EXPECT_TRUE(guard.is_untouched());
}

}  // namespace
}  // namespace sinter

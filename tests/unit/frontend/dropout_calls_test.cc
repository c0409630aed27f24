// A layer's calls in one graph have random numbers of their own each, however many they are.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <unordered_set>

#include "core/graph.h"

namespace sinter {
namespace {

TEST(DropoutCalls, HaveStreamsThatDifferInTheBitsThatAreUsed) {
  Graph graph("g");
  CallContext context(graph, true);
  const int64_t first = context.next_stream("drop");
  std::unordered_set<uint32_t> seen = {static_cast<uint32_t>(first)};
  // The first calls are recorded in masks of trained models: they stay.
  for (int64_t call = 1; call < 4096; ++call) {
    const int64_t stream = context.next_stream("drop");
    ASSERT_EQ(stream, first ^ (call << 20));
    seen.insert(static_cast<uint32_t>(stream));
  }
  for (int64_t call = 4096; call < 100000; ++call)
    seen.insert(static_cast<uint32_t>(context.next_stream("drop")));
  EXPECT_EQ(seen.size(), 100000U);
}

}  // namespace
}  // namespace sinter

// Partition against a plain search for cycles, on random graphs.
#include "passes/partition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sinter {
namespace {

using Needs = std::vector<std::vector<int32_t>>;

Needs random_graph(int nodes, std::mt19937& engine) {
  Needs needs(static_cast<size_t>(nodes));
  for (int i = 1; i < nodes; ++i) {
    const int count = static_cast<int>(engine() % 3);
    for (int k = 0; k < count; ++k)
      needs[static_cast<size_t>(i)].push_back(
          static_cast<int32_t>(engine() % static_cast<unsigned>(i)));
  }
  return needs;
}

// Is the graph of groups acyclic? By removing what has no needs left.
bool is_acyclic(const Needs& needs, const Partition& partition) {
  std::vector<char> done(needs.size(), 0);
  for (size_t round = 0; round <= needs.size(); ++round) {
    for (size_t g = 0; g < needs.size(); ++g) {
      bool ready = true;
      for (int32_t m : partition.members(static_cast<int32_t>(g))) {
        for (int32_t d : needs[static_cast<size_t>(m)]) {
          const int32_t other = partition.find(d);
          ready = ready && (other == static_cast<int32_t>(g) || done[static_cast<size_t>(other)]);
        }
      }
      if (ready) done[g] = 1;
    }
  }
  return std::count(done.begin(), done.end(), 0) == 0;
}

TEST(Partition, MergesExactlyWhatStaysAcyclic) {
  std::mt19937 engine(7);
  for (int trial = 0; trial < 60; ++trial) {
    const Needs needs = random_graph(14, engine);
    Partition partition(needs);
    for (int k = 0; k < 25; ++k) {
      const int32_t a = partition.find(static_cast<int32_t>(engine() % 14)),
                    b = partition.find(static_cast<int32_t>(engine() % 14));
      if (a == b) continue;
      Partition tried = partition;
      tried.merge(a, b);
      ASSERT_EQ(partition.would_cycle(a, b), !is_acyclic(needs, tried));
      if (!partition.would_cycle(a, b)) partition.merge(a, b);
    }
    const std::vector<int32_t> order = partition.order();
    std::vector<size_t> place(needs.size());
    for (size_t i = 0; i < order.size(); ++i) place[static_cast<size_t>(order[i])] = i;
    for (size_t i = 0; i < needs.size(); ++i) {
      const int32_t g = partition.find(static_cast<int32_t>(i));
      for (int32_t d : needs[i]) {
        if (partition.find(d) != g)
          EXPECT_LT(place[static_cast<size_t>(partition.find(d))], place[static_cast<size_t>(g)]);
      }
    }
  }
}

TEST(Partition, OrdersThatWouldCloseACycleAreDropped) {
  Partition partition({{}, {0}, {1}, {}});
  partition.add_order(3, 0);
  partition.add_order(2, 0);  // 0 is needed by 2
  partition.add_order(1, 0);
  EXPECT_EQ(partition.order(), (std::vector<int32_t>{3, 0, 1, 2}));
  EXPECT_TRUE(partition.would_cycle(3, 2));
}

}  // namespace
}  // namespace sinter

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

std::vector<int32_t> groups_of(const Partition& partition, size_t nodes) {
  std::vector<int32_t> groups;
  for (size_t i = 0; i < nodes; ++i) groups.push_back(partition.find(static_cast<int32_t>(i)));
  return groups;
}

// Is the graph of groups acyclic? By removing what has no needs left.
bool is_acyclic(const Needs& needs, const std::vector<int32_t>& groups) {
  std::vector<char> done(needs.size(), 0);
  for (bool changed = true; changed;) {
    changed = false;
    std::vector<char> ready(needs.size(), 1);
    for (size_t i = 0; i < needs.size(); ++i) {
      for (int32_t d : needs[i]) {
        const int32_t other = groups[static_cast<size_t>(d)];
        if (other != groups[i] && !done[static_cast<size_t>(other)])
          ready[static_cast<size_t>(groups[i])] = 0;
      }
    }
    for (int32_t g : groups) {
      changed = changed || (ready[static_cast<size_t>(g)] && !done[static_cast<size_t>(g)]);
      done[static_cast<size_t>(g)] = ready[static_cast<size_t>(g)];
    }
  }
  return std::ranges::all_of(groups, [&](int32_t g) { return done[static_cast<size_t>(g)] == 1; });
}

TEST(Partition, MergesExactlyWhatStaysAcyclic) {
  std::mt19937 engine(7);
  for (int trial = 0; trial < 120; ++trial) {
    const auto nodes = static_cast<unsigned>(trial < 100 ? 14 : 60);
    Needs needs = random_graph(static_cast<int>(nodes), engine);
    Partition partition(needs);
    for (unsigned k = 0; k < 2 * nodes; ++k) {
      const auto one = static_cast<int32_t>(engine() % nodes),
                 two = static_cast<int32_t>(engine() % nodes);
      const int32_t a = partition.find(one), b = partition.find(two);
      if (a == b) continue;
      if (engine() % 4 == 0) {
        Needs more = needs;
        more[static_cast<size_t>(two)].push_back(one);
        partition.add_order(one, two);
        if (is_acyclic(more, groups_of(partition, nodes))) needs = more;
        continue;
      }
      std::vector<int32_t> tried = groups_of(partition, nodes);
      std::ranges::replace(tried, b, a);
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

// The same place in the list takes many groups one after the other.
TEST(Partition, NumbersNeverRunOut) {
  constexpr int32_t kNodes = 400;
  Needs needs(kNodes);
  for (int32_t i = 2; i < kNodes; ++i) needs[static_cast<size_t>(i)] = {i % 2};
  Partition partition(needs);
  for (int32_t i = kNodes - 1; i >= 4; --i) {
    partition.add_order(i, i - 2);
    ASSERT_FALSE(partition.would_cycle(i, i - 1));
  }
  for (int32_t i = 5; i < kNodes; i += 2) {
    ASSERT_FALSE(partition.would_cycle(partition.find(3), i));
    partition.merge(partition.find(3), i);
  }
  EXPECT_EQ(partition.members(partition.find(3)).size(), kNodes / 2 - 1);
  EXPECT_TRUE(partition.would_cycle(4, 8));
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

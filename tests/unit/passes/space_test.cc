// The dimensions that groups of members agree on.
#include "passes/space.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

TEST(Space, CutsAreDimensions) {
  EXPECT_EQ((Space{96}.dims()), Ints({1, 96}));
  EXPECT_EQ((Space{96, {24}}.dims()), Ints({4, 24}));
  EXPECT_EQ((Space{96, {96}}.dims()), Ints({1, 96}));
  EXPECT_EQ((Space{96, {4, 24}}.dims()), Ints({4, 6, 4}));
  const View channels = View::dense({32}).broadcast({8, 32, 28, 28}, Ints{1}).merged();
  EXPECT_EQ(space_of(channels).dims(), Ints({8, 32, 784}));
}

TEST(Space, TwoMeetWhereTheirCutsNest) {
  const Space rows{960, {32}}, planes{960, {192}};
  EXPECT_EQ(meet(rows, planes)->dims(), Ints({5, 6, 32}));
  EXPECT_EQ(meet(rows, Space{960})->dims(), Ints({30, 32}));
  EXPECT_FALSE(meet(rows, Space{960, {48}}).has_value());  // 48 is no number of rows of 32
  EXPECT_FALSE(meet(rows, Space{961}).has_value());
  // One of them alone may have short rows; together they would not be worth it.
  EXPECT_FALSE(meet(Space{960, {4}}, Space{960, {24}}).has_value());
  EXPECT_EQ(meet(Space{960, {4}}, Space{960, {4}})->dims(), Ints({240, 4}));
}

TEST(Space, RowsStayWhole) {
  const Space reduced{960, {192}, {}, 192};
  EXPECT_EQ(meet(reduced, Space{960, {192}})->row, 192);
  EXPECT_EQ(meet(reduced, Space{960, {480}}).has_value(), false);  // 480 is no number of rows
  EXPECT_EQ(meet(reduced, Space{960, {960}})->dims(), Ints({1, 5, 192}));
  EXPECT_FALSE(meet(reduced, Space{960, {32}}).has_value());
  EXPECT_FALSE(meet(reduced, Space{960, {96}, {}, 96}).has_value());
}

TEST(Space, WhatIsNumberedStaysWhole) {
  const Space numbered{960, {32}, {{32, 960}}};
  EXPECT_TRUE(meet(numbered, Space{960, {32}}).has_value());
  EXPECT_FALSE(meet(numbered, Space{960, {96}}).has_value());
  EXPECT_TRUE(meet(numbered, Space{960, {16}}).has_value());
}

TEST(Space, LiesInShapesThatKnowItsCuts) {
  EXPECT_TRUE((Space{960, {32}}.lies_in({5, 6, 32})));
  EXPECT_TRUE((Space{960, {32, 960}}.lies_in({1, 5, 6, 32})));
  EXPECT_FALSE((Space{960, {32, 960}}.lies_in({5, 6, 32})));
  EXPECT_FALSE((Space{960, {64}}.lies_in({5, 6, 32})));
  EXPECT_FALSE((Space{960, {192}, {}, 192}.lies_in({5, 6, 32})));  // a row is one dimension
  EXPECT_FALSE((Space{960, {32}, {{32, 960}}}.lies_in({5, 6, 32})));
  EXPECT_TRUE((Space{960, {32}, {{32, 192}}}.lies_in({5, 6, 32})));
}

TEST(Space, RowsOfASpace) {
  const Space s = rows_of(Space{30, {5}, {{1, 5}}}, 32);
  EXPECT_EQ(s.dims(), Ints({6, 5, 32}));
  EXPECT_EQ(s.row, 32);
  EXPECT_FALSE(meet(s, Space{960, {64}}).has_value());
}

}  // namespace
}  // namespace sinter

// Members that a header does not show: values as any other.
#include "core/hidden.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace sinter {
namespace {

TEST(Hidden, IsEmptyUntilItIsWrittenTo) {
  Hidden<std::vector<int>> a;
  EXPECT_TRUE(a->empty());
  a.change().push_back(1);
  EXPECT_EQ(*a, std::vector<int>{1});
  EXPECT_TRUE(Hidden<std::vector<int>>()->empty());  // another one does not see it
}

TEST(Hidden, CopiesAreTheirOwn) {
  Hidden<std::vector<int>> a;
  a.change() = {1, 2};
  Hidden<std::vector<int>> b = a;
  b.change().push_back(3);
  EXPECT_EQ(a->size(), 2u);
  a = b;
  EXPECT_EQ(a->size(), 3u);
  b.change().clear();
  EXPECT_EQ(a->size(), 3u);
}

TEST(Hidden, WhatWasMovedFromIsEmptyAndUsable) {
  Hidden<std::vector<int>> a;
  a.change() = {1, 2};
  const int* const memory = a->data();
  Hidden<std::vector<int>> b = std::move(a);
  EXPECT_EQ(b->data(), memory);
  EXPECT_TRUE(a->empty());  // NOLINT: what is tested
  a.change().push_back(5);
  EXPECT_EQ(a->size(), 1u);
  EXPECT_EQ(b->size(), 2u);
}

}  // namespace
}  // namespace sinter

// What errors say: all of it, in a readable length, and the name that was meant.
#include "core/error.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sinter {
namespace {

TEST(Errors, LongTextsLoseTheirMiddle) {
  const std::string name(5 << 20, 'n');
  const Error error("layer '" + name + "' has no weights");
  const std::string what = error.what();
  EXPECT_LE(what.size(), 4000u);
  EXPECT_TRUE(what.starts_with("layer 'nnn")) << what.substr(0, 100);
  EXPECT_TRUE(what.ends_with("nnn' has no weights"));
  EXPECT_NE(what.find(" bytes)... "), std::string::npos);
  try {
    raise_internal("x > 0", name);
  } catch (const InternalError& internal) {
    EXPECT_LE(std::string(internal.what()).size(), 4000u);
  }
  EXPECT_EQ(std::string(ShapeError("short").what()), "short");
}

TEST(Errors, ZeroBytesAreShown) {
  using namespace std::string_literals;
  EXPECT_STREQ(Error("name 'a\0b\0' is taken"s).what(), "name 'a\\0b\\0' is taken");
}

TEST(Errors, TheNearestNameIsOfFewEdits) {
  const std::vector<std::string> known = {"L1", "L2", "dense", "l1", "l2", "relu", "relu6", "tanh"};
  EXPECT_EQ(nearest_name("rellu", known), "relu");
  EXPECT_EQ(nearest_name("RELU", known), "relu");
  EXPECT_EQ(nearest_name("lr", {"l1", "learning_rate", "lar"}), "learning_rate");
  EXPECT_EQ(nearest_name("Desne", known), "dense");  // neighbours swapped, in another case
  EXPECT_EQ(nearest_name("l3", known), "l1");        // the same case goes first
  EXPECT_EQ(nearest_name("L3", known), "L1");
  EXPECT_EQ(nearest_name("convolution", known), "");
  EXPECT_EQ(nearest_name("x", known), "");
  EXPECT_EQ(nearest_name("", known), "");
}

}  // namespace
}  // namespace sinter

// Callables: empty ones, copies, and what they are made of.
#include "core/callable.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/source_location.h"

namespace sinter {
namespace {

using Add = Callable<int(int, int)>;

int add(int a, int b) { return a + b; }

TEST(Callable, CallsWhateverCanBeCalled) {
  EXPECT_EQ(Add(add)(2, 3), 5);
  EXPECT_EQ(Add([k = 10](int a, int b) { return a + b + k; })(2, 3), 15);
  EXPECT_EQ(Add(std::function<int(int, int)>(add))(2, 3), 5);
  const std::function<int(int, int)> standard = Add(add);
  EXPECT_EQ(standard(2, 3), 5);
  std::string told;
  const Callable<void(const std::string&)> tell = [&](const std::string& text) {
    told = text;
    return 7;  // thrown away
  };
  tell("x");
  EXPECT_EQ(told, "x");
  const Callable<std::unique_ptr<int>(std::unique_ptr<int>)> pass = [](std::unique_ptr<int> p) {
    return p;
  };
  EXPECT_EQ(*pass(std::make_unique<int>(4)), 4);
}

TEST(Callable, EmptyOnesSaySo) {
  int (*none)(int, int) = nullptr;
  for (const Add& empty : {Add(), Add(nullptr), Add(none), Add(std::function<int(int, int)>())}) {
    EXPECT_FALSE(empty);
    EXPECT_TRUE(empty == nullptr);
    EXPECT_THROW(empty(1, 2), Error);
  }
  EXPECT_TRUE(Add(add));
}

// As std::function: a copy has a state of its own.
TEST(Callable, CopiesCopyWhatIsCalled) {
  Callable<int()> count = [n = 0]() mutable { return ++n; };
  EXPECT_EQ(count(), 1);
  Callable<int()> copy = count;
  EXPECT_EQ(copy(), 2);
  EXPECT_EQ(copy(), 3);
  EXPECT_EQ(count(), 2);
  Callable<int()> moved = std::move(copy);
  EXPECT_EQ(moved(), 4);
  EXPECT_FALSE(copy);  // NOLINT: moved from
  moved = count;
  moved = moved;  // NOLINT: on purpose
  EXPECT_EQ(moved(), 3);
  moved = nullptr;
  EXPECT_FALSE(moved);
}

TEST(Callable, TakesOnlyWhatFits) {
  EXPECT_FALSE((std::is_convertible_v<int, Add>));
  EXPECT_FALSE((std::is_convertible_v<std::string (*)(int, int), Add>));
  EXPECT_FALSE((std::is_convertible_v<int (*)(int), Add>));
}

int line_of(SourceLocation where = SourceLocation::current()) { return where.line(); }

TEST(SourceLocation, IsTheCallers) {
  EXPECT_EQ(line_of(), __LINE__);
  EXPECT_TRUE(std::string(SourceLocation::current().file_name()).ends_with("callable_test.cc"));
  EXPECT_EQ(SourceLocation().line(), 0);
}

}  // namespace
}  // namespace sinter

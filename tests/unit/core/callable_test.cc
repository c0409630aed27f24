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

TEST(Callable, TellsWhetherTwoAreOne) {
  const auto subtract = [](int a, int b) { return a - b; };
  const Add plain(add), other([](int a, int b) { return a + b; });
  EXPECT_EQ(plain.compare(Add(add)), Sameness::kSame);
  EXPECT_EQ(plain.compare(Add([](int a, int b) { return add(b, a); })), Sameness::kDifferent);
  EXPECT_EQ(plain.compare({}), Sameness::kDifferent);
  EXPECT_EQ(Add().compare(Add()), Sameness::kSame);
  EXPECT_EQ(Add(subtract).compare(Add(subtract)), Sameness::kSame);
  EXPECT_EQ(Add(subtract).compare(other), Sameness::kDifferent);
  // Captures: equal ones are the same, but bytes that differ may stand between them.
  const auto plus = [](int64_t k) {
    return [k](int a, int b) { return a + b + static_cast<int>(k); };
  };
  EXPECT_EQ(Add(plus(1)).compare(Add(plus(1))), Sameness::kSame);
  EXPECT_EQ(Add(plus(1)).compare(Add(plus(2))), Sameness::kUnknown);
  const auto scaled = [](double k) {
    return [k](int a, int b) { return static_cast<int>(k * (a + b)); };
  };
  EXPECT_EQ(Add(scaled(1)).compare(Add(scaled(1))), Sameness::kSame);
  EXPECT_EQ(Add(scaled(0.0)).compare(Add(scaled(-0.0))), Sameness::kUnknown);
  // Nobody can look into a std::function; a copy of the Callable is the same.
  const std::function<int(int, int)> standard = add;
  const Add of_standard(standard), copy = of_standard;
  EXPECT_EQ(of_standard.compare(Add(standard)), Sameness::kUnknown);
  EXPECT_EQ(of_standard.compare(copy), Sameness::kSame);
  // Objects that can be compared say it themselves.
  struct Offset {
    std::string text;
    int operator()(int a, int b) const { return a + b + static_cast<int>(text.size()); }
    bool operator==(const Offset& other) const { return text == other.text; }
  };
  EXPECT_EQ(Add(Offset{"a"}).compare(Add(Offset{"a"})), Sameness::kSame);
  EXPECT_EQ(Add(Offset{"a"}).compare(Add(Offset{"b"})), Sameness::kDifferent);
}

TEST(SourceLocation, IsTheCallers) {
  EXPECT_EQ(line_of(), __LINE__);
  EXPECT_TRUE(std::string(SourceLocation::current().file_name()).ends_with("callable_test.cc"));
  EXPECT_EQ(SourceLocation().line(), 0);
}

}  // namespace
}  // namespace sinter

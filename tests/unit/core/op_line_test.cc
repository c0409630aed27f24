// Lines in force when statements end in another order, or in another thread, than they began.
#include "core/op_line.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <exception>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace sinter {
namespace {

uint32_t innermost() { return static_cast<uint32_t>(OpLine::innermost().line()); }

// A line of a coroutine: in force from the first resume() on, until the second.
class Statement {
 public:
  struct promise_type {
    Statement get_return_object() {
      return Statement(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  explicit Statement(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~Statement() {
    if (handle_) handle_.destroy();
  }
  void resume() { handle_.resume(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

Statement statement(SourceLocation where) {
  const OpLine line(where);
  line.enter();
  co_await std::suspend_always();
}

void in_another_thread(const auto& action) { std::thread(action).join(); }

TEST(OpLine, IsInForceUntilItsStatementEnds) {
  EXPECT_EQ(innermost(), 0u);
  const SourceLocation where = SourceLocation::current();
  auto first = std::make_unique<OpLine>(where);
  EXPECT_EQ(innermost(), 0u);
  first->enter();
  EXPECT_EQ(innermost(), where.line());
  const auto nothing = std::make_unique<OpLine>(SourceLocation());
  nothing->enter();
  EXPECT_EQ(innermost(), where.line());
  const SourceLocation here = SourceLocation::current();
  const auto second = std::make_unique<OpLine>(here);
  second->enter();
  first.reset();
  EXPECT_EQ(innermost(), here.line());
  in_another_thread([] { EXPECT_EQ(innermost(), 0u); });
}

TEST(OpLine, OfACoroutineMayEndInAnotherThread) {
  const SourceLocation where = SourceLocation::current(), here = SourceLocation::current();
  {
    const OpLine before(where);
    before.enter();
    Statement moves = statement(here);
    moves.resume();
    EXPECT_EQ(innermost(), here.line());
    const OpLine after(where);
    after.enter();
    in_another_thread([&] {
      moves.resume();
      EXPECT_EQ(innermost(), 0u);
    });
    EXPECT_EQ(innermost(), where.line());
  }
  EXPECT_EQ(innermost(), 0u);
  std::vector<Statement> many;
  for (int i = 0; i < 3; ++i) {
    many.push_back(statement(here));
    many.back().resume();
  }
  in_another_thread([&] {
    for (Statement& s : many) s.resume();
  });
  EXPECT_EQ(innermost(), 0u);
}

// Another one may lie where the first one was.
TEST(OpLine, OfACoroutineMayEndAfterItsThread) {
  const SourceLocation where = SourceLocation::current();
  for (int i = 0; i < 3; ++i) {
    Statement here = statement(where), there = statement(where);
    in_another_thread([&] {
      here.resume();
      there.resume();
      EXPECT_EQ(innermost(), where.line());
    });
    here.resume();
    EXPECT_EQ(innermost(), 0u);
    in_another_thread([&] {
      const OpLine line(where);
      line.enter();
      there.resume();
      EXPECT_EQ(innermost(), where.line());
    });
  }
}

// Both at once: a thread goes on while another one ends its lines.
TEST(OpLine, OfACoroutineMayEndAtAnyMoment) {
  const SourceLocation where = SourceLocation::current();
  for (int round = 0; round < 20; ++round) {
    std::vector<Statement> all;
    for (int i = 0; i < 50; ++i) {
      all.push_back(statement(where));
      all.back().resume();
    }
    std::thread other([&] {
      for (Statement& s : all) s.resume();
    });
    for (int i = 0; i < 50; ++i) {
      const OpLine line(where);
      line.enter();
      EXPECT_EQ(innermost(), where.line());
    }
    other.join();
    EXPECT_EQ(innermost(), 0u);
  }
}

}  // namespace
}  // namespace sinter

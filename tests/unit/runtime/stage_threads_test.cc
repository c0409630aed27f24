// Threads between the stages of a run: a helper that has waited long for the end of one takes part
// in the next.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "ops/ops.h"
#include "runtime/executable.h"
#include "runtime/plan_stages.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

using Body = std::function<void(int piece)>;

class TestKernel : public Kernel {
 public:
  explicit TestKernel(Body body) : body_(std::move(body)) {}
  int pieces(int) const override { return 2; }
  void run(int, int piece, void* const*) const override { body_(piece); }

 private:
  Body body_;
};

// Two steps, one after the other: the second reads what the first writes.
Program program_of(const Body& first, const Body& second) {
  register_ops();
  Graph g("two");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{4}});
  const Symbol a = exp(x), b = exp(a);
  g.add_output("y", b.id());
  using Kind = BufferPlacement::Kind;
  Program program{.graph = g, .steps = {}, .stages = {}, .copies = {}, .constants = {}};
  program.arena_bytes = 64;
  program.steps.push_back({.node = a.id().node,
                           .backend = "test",
                           .reason = "",
                           .kernel = std::make_shared<TestKernel>(first),
                           .microseconds = {},
                           .buffers = {{Kind::kInput, 0}, {Kind::kArena, 0}}});
  program.steps.push_back({.node = b.id().node,
                           .backend = "test",
                           .reason = "",
                           .kernel = std::make_shared<TestKernel>(second),
                           .microseconds = {},
                           .buffers = {{Kind::kArena, 0}, {Kind::kOutput, 0}}});
  program.stages = plan_stages(program);
  return program;
}

TEST(StageThreads, AHelperThatSleptThroughAStageIsBackInTheNext) {
  constexpr auto kLong = std::chrono::milliseconds(20);  // far more than a helper spins
  std::atomic<int> started{0};
  std::atomic<bool> met{true};
  // Whoever is not the calling thread is done at once in the first stage, and then waits for it.
  const auto caller = std::this_thread::get_id();
  const Body first = [&](int) {
    if (std::this_thread::get_id() == caller) std::this_thread::sleep_for(kLong);
  };
  // Both pieces of the second wait until the other one has begun, so two threads must be there.
  const Body second = [&](int) {
    started.fetch_add(1);
    const auto since = std::chrono::steady_clock::now();
    while (started.load() < 2) {
      std::this_thread::yield();
      if (std::chrono::steady_clock::now() - since > std::chrono::seconds(20)) {
        met = false;
        return;
      }
    }
  };
  set_threads(2);
  Executable executable(program_of(first, second));
  const Tensor x(DType::kFloat32, Shape{4});
  for (int run = 0; run < 5; ++run) {
    started = 0;
    executable.run(std::vector<Tensor>{x});
    EXPECT_TRUE(met);
  }
  set_threads(1);
}

}  // namespace
}  // namespace sinter

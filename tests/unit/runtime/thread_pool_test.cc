// The thread pool: counts, and errors for impossible ones.
#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "core/error.h"

namespace sinter {
namespace {

TEST(ThreadPool, RefusesImpossibleCounts) {
  EXPECT_THROW(set_threads(0), Error);
  EXPECT_THROW(set_threads(kMaxThreads + 1), Error);
}

TEST(ThreadPool, LeaseIsExclusive) {
  set_threads(2);
  {
    const PoolLease first(1);
    EXPECT_EQ(first.workers(), 2);
    std::thread([] { EXPECT_EQ(PoolLease(1).workers(), 1); }).join();
  }
  EXPECT_EQ(PoolLease(1).workers(), 2);
  set_threads(1);
}

// In a process of its own: here threads have been asked for.
TEST(ThreadPoolDeathTest, ThreadsStartOnceThereIsEnoughToDo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto workers = [](double microseconds) { return PoolLease(microseconds).workers(); };
  const auto starts_late = [&] {
    ::setenv("SINTER_THREADS", "2", 1);
    return workers(1) == 1 && workers(1) == 1 && workers(1e6) == 2 && workers(1) == 2;
  };
  const auto starts_when_asked = [&] {
    set_threads(2);
    return workers(1) == 2;
  };
  EXPECT_EXIT(std::exit(starts_late() ? 0 : 1), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::exit(starts_when_asked() ? 0 : 1), ::testing::ExitedWithCode(0), "");
}

TEST(ThreadPool, WorkersComeAndQuiesceWaitsForThem) {
  set_threads(3);
  struct Context {
    std::atomic<int> arrived{0}, inside{0};
  };
  for (int round = 0; round < 50; ++round) {
    auto context = std::make_unique<Context>();
    {
      PoolLease lease(1);
      lease.launch({[](void* c, int worker, unsigned) {
                      auto& x = *static_cast<Context*>(c);
                      x.inside.fetch_add(1);
                      x.arrived.fetch_add(1);
                      if (worker == 0) {
                        for (int i = 0; i < 100000 && x.arrived.load() < 3; ++i)
                          std::this_thread::yield();
                      }
                      x.inside.fetch_sub(1);
                    },
                    context.get()},
                   static_cast<unsigned>(round));
    }
    quiesce(context.get());
    EXPECT_EQ(context->inside.load(), 0);
    EXPECT_GE(context->arrived.load(), 1);
  }
  set_threads(1);
}

}  // namespace
}  // namespace sinter

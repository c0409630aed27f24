// The thread pool: counts, and errors for impossible ones.
#include "runtime/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <string>
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
    const PoolLease first(1, kMaxThreads);
    EXPECT_EQ(first.workers(), 2);
    std::thread([] { EXPECT_EQ(PoolLease(1, kMaxThreads).workers(), 1); }).join();
  }
  EXPECT_EQ(PoolLease(1, kMaxThreads).workers(), 2);
  EXPECT_EQ(PoolLease(1, 1).workers(), 1) << "where there is work for one";
  set_threads(1);
}

// In a process of its own: here threads have been asked for.
TEST(ThreadPoolDeathTest, ThreadsStartOnceThereIsEnoughToDo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto workers = [](double microseconds) {
    return PoolLease(microseconds, kMaxThreads).workers();
  };
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
      PoolLease lease(1, kMaxThreads);
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

// How a forked child ends: its exit code, or 1000 and the signal.
int child_ends(const std::function<int()>& use) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // a child that hangs fails
    std::_Exit(use());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// A job that counts who comes.
int workers_that_come(int wanted) {
  struct Context {
    std::atomic<int> arrived{0};
    int wanted;
  } context;
  context.wanted = wanted;
  {
    PoolLease lease(1e6, kMaxThreads);
    if (lease.workers() == 1) return 1;
    lease.launch({[](void* c, int worker, unsigned) {
                    auto& x = *static_cast<Context*>(c);
                    x.arrived.fetch_add(1);
                    while (worker == 0 && x.arrived.load() < x.wanted) std::this_thread::yield();
                  },
                  &context},
                 0);
  }
  quiesce(&context);
  return context.arrived.load();
}

#if !defined(__SANITIZE_THREAD__)  // it allows a child of several threads none of its own

TEST(ThreadPool, ForkedChildrenHaveThreadsOfTheirOwn) {
  set_threads(3);
  EXPECT_EQ(workers_that_come(3), 3);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(child_ends([] { return workers_that_come(3); }), 3);
  // And their children.
  EXPECT_EQ(child_ends([] { return child_ends([] { return workers_that_come(3); }); }), 3);
  EXPECT_EQ(workers_that_come(3), 3);
  set_threads(1);
}

// While another thread holds the pool, and has workers inside a job.
TEST(ThreadPool, ForkedChildrenWaitForNobodyWhoIsNotThere) {
  set_threads(2);
  struct Busy {
    std::atomic<bool> started{false}, stop{false};
  } busy;
  std::thread other([&] {
    PoolLease lease(1e6, kMaxThreads);
    lease.launch({[](void* c, int worker, unsigned) {
                    auto& x = *static_cast<Busy*>(c);
                    // Not in the middle of its start: the sanitizer's allocator, unlike glibc's,
                    // leaves the child the locks that another thread held.
                    if (worker > 0) x.started.store(true);
                    while (!x.stop.load()) std::this_thread::yield();
                  },
                  &busy},
                 0);
  });
  while (!busy.started.load()) std::this_thread::yield();
  EXPECT_EQ(child_ends([&] {
              quiesce(&busy);
              return workers_that_come(2);
            }),
            2);
#if !defined(__SANITIZE_ADDRESS__)  // its leak check would look for threads that are not there
  EXPECT_EQ(child_ends([&]() -> int { std::exit(7); }), 7);
#endif
  busy.stop.store(true);
  other.join();
  quiesce(&busy);
  set_threads(1);
}

#endif

TEST(ThreadPool, TheVariableHoldsANumber) {
  const char* before = std::getenv("SINTER_THREADS");
  const std::string kept = before == nullptr ? "" : before;
  for (const char* text :
       {"abc", "0", "-1", "65", "2x", " 2", "1e1", "nan", "99999999999999999999"}) {
    ::setenv("SINTER_THREADS", text, 1);
    EXPECT_THROW(check_thread_setting(), Error) << text;
  }
  for (const char* text : {"", "1", "64"}) {
    ::setenv("SINTER_THREADS", text, 1);
    EXPECT_NO_THROW(check_thread_setting()) << text;
  }
  ::setenv("SINTER_THREADS", kept.c_str(), 1);
}

}  // namespace
}  // namespace sinter

// What forks wait for comes and goes while other threads fork.
#include "core/fork.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace sinter {
namespace {

// A fork that found a half made object, or one half ended, would end the process: its functions are
// pure virtual then.
TEST(Fork, FindsWholeObjectsWhileThreadsMakeAndEndThem) {
  std::atomic<bool> stop{false};
  std::atomic<int64_t> made{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        ForkMutex mutex;
        LongMutex long_mutex;
        const std::lock_guard lock(mutex);
        const std::lock_guard long_lock(long_mutex);
        ++made;
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ASSERT_GT(child, 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(made, 0);
}

}  // namespace
}  // namespace sinter

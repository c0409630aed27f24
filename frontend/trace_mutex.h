// A mutex over what the user's code is traced under: layers, losses, functions.
#pragma once

#include <atomic>
#include <thread>

#include "core/fork.h"

namespace sinter {

/// Recursive, since what is traced may use the model or function it is traced for.
class TraceMutex {
 public:
  /// Does this thread hold it?
  bool is_mine() const { return owner_.load() == std::this_thread::get_id(); }
  void lock() {
    if (!is_mine()) {
      mutex_.lock();
      owner_.store(std::this_thread::get_id());
    }
    ++depth_;
  }
  void unlock() {
    if (--depth_ > 0) return;
    owner_.store({});
    mutex_.unlock();
  }

 private:
  ForkMutex mutex_;
  std::atomic<std::thread::id> owner_;
  int depth_ = 0;
};

}  // namespace sinter

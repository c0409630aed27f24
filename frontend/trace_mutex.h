// A mutex over what the user's code is traced under: layers, losses, functions.
#pragma once

#include <atomic>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "core/fork.h"

namespace sinter {

/// Recursive, since what is traced may use the model or function it is traced for. A fork waits for
/// it, but a second at most: what is traced and compiled may take longer. The child then finds it
/// free, and that it was cut off.
class TraceMutex final : public AtFork {
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
  /// True once, in a child that was forked while another thread held it: what it guards may be in
  /// the middle of anything, and nobody will end that. Who asks holds it.
  bool was_cut_off() { return std::exchange(cut_off_, false); }

  bool try_hold() override { return whole_ = mutex_.try_lock(); }
  void let_go() override { mutex_.unlock(); }
  void renew() override {
    if (whole_ || is_mine()) return;
    new (&mutex_) std::mutex;
    owner_.store({});
    depth_ = 0;
    cut_off_ = true;
  }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_;
  int depth_ = 0;
  bool whole_ = true;  // at the last fork
  bool cut_off_ = false;
  SeenByForks seen_{*this};
};

}  // namespace sinter

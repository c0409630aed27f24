#include "core/fork.h"

#include <pthread.h>

#include <chrono>
#include <new>
#include <thread>

namespace sinter {

class ForkHandlers {
 public:
  static ForkHandlers& instance() {
    // Never destroyed: there are mutexes in objects that outlive every static one.
    static auto* handlers = new ForkHandlers;
    return *handlers;
  }

  void add(SeenByForks& one) {
    const std::lock_guard lock(mutex_);
    one.next_ = first_;
    one.before_ = &first_;
    if (first_ != nullptr) first_->before_ = &one.next_;
    first_ = &one;
  }

  void remove(SeenByForks& one) {
    const std::lock_guard lock(mutex_);
    *one.before_ = one.next_;
    if (one.next_ != nullptr) one.next_->before_ = one.before_;
  }

 private:
  ForkHandlers() {
    ::pthread_atfork([] { instance().before(); }, [] { instance().after(false); },
                     [] { instance().after(true); });
  }

  // All or none at a time, whatever order threads lock them in: no deadlock. After a second the
  // fork goes on without those that are still held, by a thread that compiles a large model or by
  // the one that forks.
  void before() {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point end = Clock::now() + std::chrono::seconds(1);
    for (;; std::this_thread::sleep_for(std::chrono::microseconds(50))) {
      mutex_.lock();
      bool all = true;
      for (SeenByForks* one = first_; one != nullptr; one = one->next_) {
        one->held_ = one->object_.try_hold();
        all = all && one->held_;
      }
      if (all || Clock::now() > end) return;
      let_go();
      mutex_.unlock();
    }
  }

  void after(bool is_child) {
    let_go();
    if (is_child) {
      for (SeenByForks* one = first_; one != nullptr; one = one->next_) one->object_.renew();
    }
    mutex_.unlock();
  }

  void let_go() {
    for (SeenByForks* one = first_; one != nullptr; one = one->next_) {
      if (one->held_) one->object_.let_go();
      one->held_ = false;
    }
  }

  std::mutex mutex_;  // over the list; held during a fork
  SeenByForks* first_ = nullptr;
};

SeenByForks::SeenByForks(AtFork& object) : object_(object) { ForkHandlers::instance().add(*this); }
SeenByForks::~SeenByForks() { ForkHandlers::instance().remove(*this); }

namespace {

// Differs between the threads of a process; the thread that forks keeps its own in the child.
const void* this_thread() {
  thread_local const char mark = 0;
  return &mark;
}

}  // namespace

void LongMutex::lock() {
  if (owner_.load(std::memory_order_relaxed) != this_thread()) {
    mutex_.lock();
    owner_.store(this_thread(), std::memory_order_relaxed);
  }
  ++depth_;
}

void LongMutex::unlock() {
  if (--depth_ > 0) return;
  owner_.store(nullptr, std::memory_order_relaxed);
  mutex_.unlock();
}

void LongMutex::renew() {
  const void* owner = owner_.load(std::memory_order_relaxed);
  if (owner == this_thread()) return;
  new (&mutex_) std::mutex;
  owner_.store(nullptr, std::memory_order_relaxed);
  depth_ = 0;
}

}  // namespace sinter

// fork(): the child has the memory of the whole process, but only the thread that forked. What
// other threads held just then nobody would ever let go.
#pragma once

#include <atomic>
#include <mutex>

namespace sinter {

/// Something of which a fork must find no thread in the middle. A fork waits until it has hold of
/// all of them, a second at most. It finds those that have a SeenByForks.
class AtFork {
 public:
  AtFork() = default;
  AtFork(const AtFork&) = delete;
  AtFork& operator=(const AtFork&) = delete;

  /// Before the fork, in the thread that forks: false while another thread is in the middle.
  virtual bool try_hold() = 0;
  /// After it, in the parent and in the child.
  virtual void let_go() = 0;
  /// Then, in the child alone.
  virtual void renew() {}

 protected:
  ~AtFork() = default;
};

/// As long as it lives, forks find the object that it is a member of. It must be the last member of
/// a final class: other threads fork while the object is made and while it ends, and call its
/// functions as soon as they find it.
class SeenByForks {
 public:
  explicit SeenByForks(AtFork& object);
  ~SeenByForks();
  SeenByForks(const SeenByForks&) = delete;
  SeenByForks& operator=(const SeenByForks&) = delete;

 private:
  friend class ForkHandlers;
  AtFork& object_;
  SeenByForks* next_ = nullptr;
  SeenByForks** before_ = nullptr;
  bool held_ = false;
};

/// A mutex that children find free and what it guards whole.
class ForkMutex final : public AtFork {
 public:
  void lock() { mutex_.lock(); }
  bool try_lock() { return mutex_.try_lock(); }
  void unlock() { mutex_.unlock(); }

  bool try_hold() override { return mutex_.try_lock(); }
  void let_go() override { mutex_.unlock(); }

 private:
  std::mutex mutex_;
  SeenByForks seen_{*this};
};

/// A mutex that its thread may lock again, for what takes long: a fork does not wait for it. In the
/// child it is free, unless the thread that forked holds it.
class LongMutex final : public AtFork {
 public:
  void lock();
  void unlock();

  bool try_hold() override { return true; }
  void let_go() override {}
  void renew() override;

 private:
  std::mutex mutex_;
  std::atomic<const void*> owner_{nullptr};
  int depth_ = 0;
  SeenByForks seen_{*this};
};

}  // namespace sinter

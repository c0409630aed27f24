#include "frontend/weights_lock.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace sinter {
namespace {

// Whoever gives locks to variables; never destroyed, as the other locks of a process.
ForkMutex& giving() {
  static auto* mutex = new ForkMutex;
  return *mutex;
}

}  // namespace

// Training lets the lock go for moments only, so a fork takes its turn and waits a little.
bool WeightsLock::try_hold() {
  using Clock = std::chrono::steady_clock;
  if (!turn_.try_lock()) return false;
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(2);
  do {
    if (mutex_.try_lock()) return true;
    std::this_thread::yield();
  } while (Clock::now() < end);
  turn_.unlock();
  return false;
}

void WeightsLock::let_go() {
  mutex_.unlock();
  turn_.unlock();
}

WeightsLocks locks_of(std::span<const VariablePtr> variables) {
  WeightsLocks result;
  {
    const std::lock_guard lock(giving());
    std::shared_ptr<WeightsLock> fresh;
    for (const VariablePtr& v : variables) {
      if (v->lock == nullptr) {
        if (fresh == nullptr) fresh = std::make_shared<WeightsLock>();
        v->lock = fresh;
      }
      if (result.empty() || result.back() != v->lock) result.push_back(v->lock);
    }
  }
  std::ranges::sort(result);
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

void WeightsGuard::lock() {
  for (const auto& lock : locks_) lock->lock();
}

WeightsGuard::~WeightsGuard() {
  for (const auto& lock : locks_) lock->unlock();
}

VariableGuard::VariableGuard(const Variable& variable) {
  giving().lock();
  lock_ = variable.lock;
  if (lock_ == nullptr) return;
  giving().unlock();
  lock_->lock();
}

VariableGuard::~VariableGuard() {
  if (lock_ != nullptr)
    lock_->unlock();
  else
    giving().unlock();
}

}  // namespace sinter

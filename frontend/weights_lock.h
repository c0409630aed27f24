// Who reads or writes weights as a whole while another thread may train: steps of training, saving,
// getting and setting weights. Predictions take no lock (frontend/model.h says what that means).
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "core/fork.h"
#include "frontend/variable.h"

namespace sinter {

/// A mutex that serves in the order of asking: training lets it go for moments only, which who
/// sleeps would miss. Children of a fork find it free, between two steps.
class WeightsLock final : public AtFork {
 public:
  void lock() {
    const std::lock_guard turn(turn_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }

  bool try_hold() override;
  void let_go() override;

 private:
  std::mutex turn_;  // held by the next one
  std::mutex mutex_;
  SeenByForks seen_{*this};
};

/// Each once, and in the same order for every thread.
using WeightsLocks = std::vector<std::shared_ptr<WeightsLock>>;

/// The locks of these variables. Variables that have none share a new one: those of a model have
/// one lock, unless it shares layers with another.
WeightsLocks locks_of(std::span<const VariablePtr> variables);

/// Holds the locks as long as it lives.
class WeightsGuard {
 public:
  explicit WeightsGuard(WeightsLocks&& locks) : own_(std::move(locks)), locks_(own_) { lock(); }
  /// `locks` must outlive this.
  explicit WeightsGuard(const WeightsLocks& locks) : locks_(locks) { lock(); }
  explicit WeightsGuard(std::span<const VariablePtr> variables)
      : WeightsGuard(locks_of(variables)) {}
  ~WeightsGuard();
  WeightsGuard(const WeightsGuard&) = delete;
  WeightsGuard& operator=(const WeightsGuard&) = delete;

 private:
  void lock();

  WeightsLocks own_;
  const WeightsLocks& locks_;
};

/// Holds the lock of one variable. One that has none gets none meanwhile.
class VariableGuard {
 public:
  explicit VariableGuard(const Variable& variable);
  ~VariableGuard();
  VariableGuard(const VariableGuard&) = delete;
  VariableGuard& operator=(const VariableGuard&) = delete;

 private:
  std::shared_ptr<WeightsLock> lock_;
};

}  // namespace sinter

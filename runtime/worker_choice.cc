#include "runtime/worker_choice.h"

#include <algorithm>

namespace sinter {
namespace {

// The other way must be so much faster: what is equal stays as it is.
constexpr double kGain = 0.95;

void lower(std::atomic<int64_t>& least, int64_t value) {
  int64_t seen = least.load(std::memory_order_relaxed);
  while (value < seen && !least.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace

bool WorkerChoice::alone() const {
  const bool in_trial =
      runs_.load(std::memory_order_relaxed) >= apart_.load(std::memory_order_relaxed);
  return alone_.load(std::memory_order_relaxed) != in_trial;
}

void WorkerChoice::add(bool was_alone, int64_t nanoseconds) {
  const bool usual = alone_.load(std::memory_order_relaxed);
  const int apart = apart_.load(std::memory_order_relaxed);
  const int run = runs_.fetch_add(1, std::memory_order_relaxed);
  if (nanoseconds > kLongest && was_alone == usual) {
    runs_.store(0, std::memory_order_relaxed);
    return;
  }
  // The usual way is judged by as many runs as the other one, those before the trial.
  if (was_alone == usual && run >= apart - (kTrial - kUncounted)) lower(least_, nanoseconds);
  if (was_alone != usual && run >= apart + kUncounted) lower(least_of_trial_, nanoseconds);
  // Later ones count, too: what ended the trial may have been counted by a thread that slept since it
  // read `apart`, through a whole other trial.
  if (run < apart + kTrial - 1) return;
  const auto before = static_cast<double>(least_.exchange(INT64_MAX));
  const auto tried = static_cast<double>(least_of_trial_.exchange(INT64_MAX));
  const bool changes = tried < kGain * before;
  if (changes) alone_.store(!usual, std::memory_order_relaxed);
  apart_.store(changes ? kFirstApart : std::min(2 * apart, kMostApart), std::memory_order_relaxed);
  runs_.store(0, std::memory_order_relaxed);
}

}  // namespace sinter

// Whether runs take all threads or only the calling one: whichever has been faster of late.
#pragma once

#include <atomic>
#include <cstdint>

namespace sinter {

/// For the runs of one executable. What a second thread is worth depends on how far its cache is: a
/// line comes from the next core in 50 ns, from another core complex in 300, and the host of a
/// virtual machine moves its cores between both for minutes. So it is tried: now and then a few
/// runs go the other way, less and less often while that changes nothing, and the faster way stays.
/// Results do not depend on it. Runs of more than kLongest are not tried: there threads meet too
/// rarely for it to matter. Any number of threads may call at once.
class WorkerChoice {
 public:
  static constexpr int64_t kLongest = 2'000'000;  // nanoseconds
  /// Runs that go the other way, and how many of the first of them are not counted: workers wake up
  /// and caches fill.
  static constexpr int kTrial = 8, kUncounted = 3;
  /// Runs between two trials, at first (and after a change) and at most: twice as many after each
  /// trial that changes nothing. So 8 of the first 72 runs are trials, and one in a thousand later.
  static constexpr int kFirstApart = 64, kMostApart = 8192;

  /// Should the run that begins stay on the calling thread?
  bool alone() const;
  /// A run that went the way that alone() said took so long.
  void add(bool was_alone, int64_t nanoseconds);

 private:
  std::atomic<bool> alone_{false};
  std::atomic<int> apart_{kFirstApart};
  std::atomic<int> runs_{0};  // since the last trial ended
  std::atomic<int64_t> least_{INT64_MAX}, least_of_trial_{INT64_MAX};
};

}  // namespace sinter

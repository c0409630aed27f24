// The one thread pool. Workers spin about 100 microseconds after a run, so that a stream of small
// runs finds them awake, then park.
#pragma once

#include "core/source_location.h"

namespace sinter {

/// Number of threads that runs use, the calling one included. Default: SINTER_THREADS, else the
/// cores this process may use (affinity and cgroup); those start once runs have had enough to do.
/// Raises Error when n < 1 or n > kMaxThreads. Takes effect at the next run.
void set_threads(int n, SourceLocation where = SourceLocation::current());
int threads();
/// Raises Error when SINTER_THREADS is set and holds no number that it may.
void check_thread_setting();
inline constexpr int kMaxThreads = 64;

/// Work that several threads share. `body(context, worker, ticket)` is called by the calling thread
/// as worker 0, and by the others when they come. launch() returns when worker 0 is done: others
/// may come late or linger, so `body` must take work only under the `ticket` of this launch and
/// must find `context` alive until quiesce(). That way a thread that lost its core never holds up a
/// run.
struct ParallelJob {
  void (*body)(void* context, int worker, unsigned ticket) = nullptr;
  void* context = nullptr;
};

/// Reserves the pool for one run, which would take so many microseconds alone and has work for at
/// most so many workers at once. Fails when another thread's run is using it, when threads() is 1,
/// or when all runs so far had less to do than starting threads takes: then run alone. Where the
/// system starts fewer threads than asked for, runs use those there are, with one warning.
///
/// A forked child starts a pool of its own: of the parent's it has no thread.
class PoolLease {
 public:
  PoolLease(double microseconds, int most_workers);
  ~PoolLease();
  PoolLease(const PoolLease&) = delete;
  /// Number of workers, 1 when the pool could not be had.
  int workers() const { return workers_; }
  /// Runs the job; only with workers() > 1.
  void launch(ParallelJob job, unsigned ticket);

 private:
  int workers_ = 1;
};

/// Waits until no worker is inside a job with this context. Called before the context is destroyed.
void quiesce(void* context);

/// A short pause in a spin loop.
void spin_pause();

}  // namespace sinter

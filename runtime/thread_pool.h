// The one thread pool. Workers spin about 100 microseconds after a run, so that a stream of small runs finds them awake, then park.
#pragma once

#include <cstdint>
#include <functional>

namespace sinter {

/// Number of threads that runs use, the calling one included. Default: SINTER_THREADS, else the cores this process may use
/// (affinity and cgroup). Raises Error when n < 1. Takes effect at the next run.
void set_threads(int n);
int threads();

/// Calls `body(worker, workers)` on `workers` threads at once, the calling thread being worker 0, and returns when all are done.
/// When the pool is busy with another run, or threads() is 1, body(0, 1) runs on the calling thread alone.
void parallel_run(void (*body)(void* context, int worker, int workers), void* context);

/// Barrier between the workers of one parallel_run; spins briefly, then yields.
class Barrier {
 public:
  void reset(int workers);
  void wait(int worker);

 private:
  struct alignas(64) Flag;
  int workers_ = 1;
  alignas(64) uint32_t arrived_[64 * 16] = {};  // one cache line a worker
  alignas(64) uint32_t released_ = 0;
};

}  // namespace sinter

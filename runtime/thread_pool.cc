// Worker threads that spin for a moment between runs and then park on a futex (std::atomic::wait).
#include "runtime/thread_pool.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/float_environment.h"
#include "core/line.h"
#include "core/warning.h"

namespace sinter {
namespace {

// Cores by affinity, and by the quota of the control group (v2 or v1), rounded up.
int available_cores() {
  int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cores = std::min(cores, CPU_COUNT(&set));
  const auto limit = [&](double quota, double period) {
    if (quota > 0 && period > 0)
      cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(quota / period))));
  };
  std::string quota;
  double period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period) {
    if (quota != "max") limit(std::atof(quota.c_str()), period);
  } else {
    double q = 0, p = 0;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> q;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> p;
    limit(q, p);
  }
  return std::clamp(cores, 1, kMaxThreads);
}

// SINTER_THREADS, 0 where it is not set.
int threads_setting() {
  const char* text = std::getenv("SINTER_THREADS");
  if (text == nullptr || *text == '\0') return 0;
  const std::string_view digits(text);
  int n = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error != std::errc() || end != digits.data() + digits.size() || n < 1 || n > kMaxThreads)
    throw Error(fmt::format("SINTER_THREADS must be 1 to {}, found '{}'", kMaxThreads, text));
  return n;
}

std::atomic<int> wanted_threads{0};

// What starting and ending threads adds to a process: a program that loads a model and predicts one
// row takes so much longer with SINTER_THREADS=2 than with 1, for 4 microseconds of work.
constexpr double kStartMicroseconds = 300;
std::atomic<double> work_so_far{0};  // in microseconds, until it is enough

bool is_start_worthwhile(double microseconds) {
  if (work_so_far.load(std::memory_order_relaxed) >= kStartMicroseconds) return true;
  return work_so_far.fetch_add(microseconds, std::memory_order_relaxed) + microseconds >=
         kStartMicroseconds;
}

std::atomic<bool> start_refused{false};  // the system starts no more threads

class Pool {
 public:
  /// Never destroyed, only stopped: threads of the user's may run beside the end of the program.
  static Pool& instance() {
    Pool* pool = current_.load(std::memory_order_acquire);
    return pool != nullptr ? *pool : make();
  }

  bool try_lease() {
    if (!lease_.try_lock()) return false;
    if (!stopping_.load()) return true;
    lease_.unlock();
    return false;
  }
  void end_lease() { lease_.unlock(); }

  /// Starts threads until there are `count`, the calling one included; gives how many there are.
  int ensure(int count) {
    while (static_cast<int>(workers_.size()) < count - 1 && !start_refused.load()) {
      workers_.push_back(std::make_unique<Worker>());
      Worker* w = workers_.back().get();
      const int id = static_cast<int>(workers_.size());
      try {
        w->thread = std::thread([this, w, id] { loop(*w, id); });
      } catch (const std::system_error& error) {
        workers_.pop_back();
        start_refused.store(true);
        warn_once("threads", fmt::format("no thread can be started ({}); runs use {} instead of {}",
                                         error.code().message(), id, count));
        break;
      }
      worker_count_.store(static_cast<int>(workers_.size()), std::memory_order_release);
      slots_[workers_.size() - 1].store(w, std::memory_order_release);
    }
    return std::min(count, static_cast<int>(workers_.size()) + 1);
  }

  void launch(ParallelJob job, unsigned ticket, int count) {
    // Fields first, then the generation: a worker that reads them while they change sees another
    // generation and reads again.
    generation_.fetch_add(1, std::memory_order_acq_rel);  // odd: being written
    body_.store(job.body, std::memory_order_relaxed);
    context_.store(job.context, std::memory_order_relaxed);
    ticket_.store(ticket, std::memory_order_relaxed);
    active_.store(count, std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_seq_cst);  // even: complete
    if (parked_.load(std::memory_order_seq_cst) > 0) generation_.notify_all();
    job.body(job.context, 0, ticket);
  }

  void quiesce(void* context) {
    // Nobody may start on this context anymore, and those inside must leave.
    {
      const std::lock_guard lock(lease_);
      if (context_.load() == context) {
        generation_.fetch_add(1);
        context_.store(nullptr);
        active_.store(0);
        generation_.fetch_add(1);
      }
    }
    for (int i = 0; i < worker_count_.load(std::memory_order_acquire); ++i) {
      const Worker* w = slots_[static_cast<size_t>(i)].load(std::memory_order_acquire);
      while (w != nullptr && w->inside.load(std::memory_order_seq_cst) == context)
        std::this_thread::yield();
    }
  }

 private:
  static Pool& make() {
    static std::once_flag once;
    std::call_once(once, [] {
      // The threads of this one do not exist in the child; what they hold is left as it is.
      ::pthread_atfork(nullptr, nullptr, [] {
        Pool* parents = current_.load();
        if (parents == nullptr) return;
        auto* own = new Pool;
        own->parents_ = parents;
        current_.store(own);
      });
    });
    static const struct StopAtExit {
      ~StopAtExit() {
        if (Pool* pool = current_.load()) pool->stop();
      }
    } stop_at_exit;
    Pool* none = nullptr;
    auto* made = new Pool;
    if (!current_.compare_exchange_strong(none, made)) delete made;
    return *current_.load();
  }

  void stop() {
    {
      const std::lock_guard lock(lease_);
      stopping_.store(true);
      generation_.fetch_add(1);
      generation_.notify_all();
    }
    for (auto& w : workers_) w->thread.join();
  }

  struct alignas(64) Worker {
    std::thread thread;
    std::atomic<void*> inside{nullptr};
  };

  void loop(Worker& self, int id) {
    const DefaultFloatEnvironment environment;  // not that of the thread which started this one
    uint32_t seen = 0;
    while (true) {
      const uint32_t now = await(seen);
      if (stopping_.load()) return;
      const auto body = body_.load(std::memory_order_relaxed);
      void* const context = context_.load(std::memory_order_relaxed);
      const unsigned ticket = ticket_.load(std::memory_order_relaxed);
      const int active = active_.load(std::memory_order_relaxed);
      self.inside.store(context, std::memory_order_seq_cst);
      // Only a generation that is still current was read whole, and only its context is still
      // alive.
      if (generation_.load(std::memory_order_seq_cst) == now && id < active && context != nullptr) {
        body(context, id, ticket);
        seen = now;
      } else if (id >= active) {
        seen = now;
      }
      self.inside.store(nullptr, std::memory_order_release);
    }
  }

  // The next complete (even) generation other than `seen`: spins for about 100 microseconds, then
  // parks.
  uint32_t await(uint32_t seen) {
    const auto start = std::chrono::steady_clock::now();
    for (int round = 0;; ++round) {
      const uint32_t now = generation_.load(std::memory_order_acquire);
      if (now != seen && now % 2 == 0) return now;
      if (stopping_.load(std::memory_order_relaxed)) return now;
      spin_pause();
      if (round % 64 == 63 && now == seen &&
          std::chrono::steady_clock::now() - start > std::chrono::microseconds(100)) {
        parked_.fetch_add(1, std::memory_order_seq_cst);
        generation_.wait(seen, std::memory_order_seq_cst);
        parked_.fetch_sub(1, std::memory_order_seq_cst);
      }
    }
  }

  static inline std::atomic<Pool*> current_{nullptr};

  Pool* parents_ = nullptr;  // in a forked child
  std::mutex lease_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<Worker*> slots_[kMaxThreads] = {};
  std::atomic<int> worker_count_{0};
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<uint32_t> generation_{0};
  std::atomic<int> parked_{0};
  alignas(64) std::atomic<void (*)(void*, int, unsigned)> body_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<unsigned> ticket_{0};
  std::atomic<int> active_{0};
};

}  // namespace

void spin_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void set_threads(int n, SourceLocation where) {
  if (n < 1 || n > kMaxThreads) {
    throw Error(
        with_line(where, fmt::format("set_threads: the number of threads must be 1 to {}, found {}",
                                     kMaxThreads, n)));
  }
  wanted_threads.store(n);
  start_refused.store(false);
  work_so_far.store(kStartMicroseconds);  // they are asked for
}

int threads() {
  int n = wanted_threads.load(std::memory_order_relaxed);
  if (n == 0) {
    n = threads_setting();
    if (n == 0) n = available_cores();
    wanted_threads.store(n);
  }
  return n;
}

void check_thread_setting() { (void)threads_setting(); }

PoolLease::PoolLease(double microseconds, int most_workers) {
  if (!is_start_worthwhile(microseconds)) return;
  const int n = std::min(threads(), most_workers);
  if (n == 1) return;
  Pool& pool = Pool::instance();
  if (!pool.try_lease()) return;
  try {
    workers_ = std::min(pool.ensure(n), n);
  } catch (...) {
    pool.end_lease();
    throw;
  }
  if (workers_ == 1) pool.end_lease();
}

PoolLease::~PoolLease() {
  if (workers_ > 1) Pool::instance().end_lease();
}

void PoolLease::launch(ParallelJob job, unsigned ticket) {
  Pool::instance().launch(job, ticket, workers_);
}

void quiesce(void* context) { Pool::instance().quiesce(context); }

}  // namespace sinter

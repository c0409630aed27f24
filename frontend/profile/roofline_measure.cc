#include "frontend/profile/roofline_measure.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <system_error>
#include <thread>

#include "core/error.h"

namespace sinter::roofline {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::vector<int> allowed_cores() {
  std::vector<int> cores;
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &set)) cores.push_back(i);
    }
  }
  return cores;
}

void stay_on(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  (void)::sched_setaffinity(0, sizeof set, &set);  // on failure the thread may wander
}

// Threads that start each repetition together. The result: the shortest time from the first start
// to the last end of a repetition. `repetition(thread, count)` does the work `count` times, where
// `count` makes it last about 1 to 2 ms.
double best_seconds(int threads, double seconds, const std::function<void(int)>& prepare,
                    const std::function<void(int, int64_t)>& repetition) {
  const std::vector<int> cores = allowed_cores();
  std::vector<Clock::time_point> begins(static_cast<size_t>(threads)), ends(begins);
  constexpr int kTries = 3;  // at least; a try that lost its core says nothing
  double best = 0;
  int64_t count = 1;
  int tries = 0;
  bool calibrated = false, over = false;
  Clock::time_point start;
  const auto judge = [&]() noexcept {
    const double took =
        seconds_between(*std::ranges::min_element(begins), *std::ranges::max_element(ends)) /
        static_cast<double>(count);
    best = tries == 0 ? took : std::min(best, took);
    if (++tries < kTries) return;
    if (!calibrated) {
      calibrated = best * static_cast<double>(count) >= 1e-3;
      if (!calibrated) count *= 2;
      tries = 0;
      start = Clock::now();
    } else {
      over = seconds_between(start, Clock::now()) >= seconds;
    }
  };
  std::barrier together(threads);
  std::barrier judged(threads, judge);
  const auto body = [&](int thread) {
    const auto t = static_cast<size_t>(thread);
    if (!cores.empty()) stay_on(cores[t % cores.size()]);
    prepare(thread);
    while (!over) {
      together.arrive_and_wait();
      begins[t] = Clock::now();
      repetition(thread, count);
      ends[t] = Clock::now();
      judged.arrive_and_wait();
    }
  };
  // Also a single loop has a thread of its own: the calling one keeps its cores.
  // They begin when all of them are there, or none does.
  std::vector<std::jthread> workers;
  std::promise<bool> complete;
  const std::shared_future<bool> go = complete.get_future().share();
  try {
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&body, go, i] {
        if (go.get()) body(i);
      });
    }
  } catch (const std::system_error& error) {
    complete.set_value(false);
    throw Error(fmt::format("no thread can be started ({})", error.code().message()));
  }
  complete.set_value(true);
  workers.clear();
  return best;
}

// Zeroed pages, huge ones where the system has them, so that address translation does not count.
class Pages {
 public:
  explicit Pages(int64_t bytes) {
    constexpr size_t kHuge = size_t{2} << 20;
    const size_t whole = (static_cast<size_t>(bytes) + kHuge - 1) / kHuge * kHuge;
    begin_.reset(static_cast<float*>(std::aligned_alloc(kHuge, whole)));
    if (begin_ == nullptr) throw std::bad_alloc();
    (void)::madvise(begin_.get(), whole, MADV_HUGEPAGE);
    std::fill_n(begin_.get(), whole / sizeof(float), 0.0f);
  }
  float* begin() const { return begin_.get(); }

 private:
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float, Free> begin_;
};

// "32K", "1024K", "32M" as the kernel writes them.
int64_t cache_bytes(int level) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", index);
    int found = 0;
    int64_t size = 0;
    char unit = 0;
    std::string type;
    if (!(std::ifstream(folder + "level") >> found) || found != level) continue;
    if (!(std::ifstream(folder + "type") >> type) || type == "Instruction") continue;
    if (std::ifstream(folder + "size") >> size >> unit)
      return unit == 'M' ? size << 20 : size << 10;
  }
  return 0;
}

}  // namespace

std::vector<Level> memory_levels() {
  const int64_t l1 = cache_bytes(1), l2 = cache_bytes(2), l3 = cache_bytes(3);
  std::vector<Level> levels;
  if (l1 > 0) levels.push_back({"L1", l1 * 3 / 4, false});
  if (l2 > 0) levels.push_back({"L2", l2 * 5 / 8, false});
  if (l3 > 0) levels.push_back({"L3", l3 * 3 / 8, true});
  // Far more than any cache, so that little of a pass is left in it for the next.
  levels.push_back({"DRAM", std::clamp(16 * l3, int64_t{256} << 20, int64_t{768} << 20), true});
  return levels;
}

Peak measure_peak(const PeakLoop& loop, int threads, double seconds) {
  constexpr int64_t kRounds = 1000;
  const double best = best_seconds(
      threads, seconds, [](int) {}, [&](int, int64_t count) { loop.run(count * kRounds); });
  return {loop.dtype, loop.instruction, threads,
          static_cast<double>(loop.operations * kRounds * threads) / best};
}

Bandwidth measure_bandwidth(const StreamLoop& loop, const Level& level, int threads,
                            double seconds) {
  const int64_t mine = level.shared ? level.bytes / threads : level.bytes;
  const int64_t floats =
      std::max<int64_t>(mine / (4 * loop.arrays) / kStreamFloats, 1) * kStreamFloats;
  // The arrays of a thread lie one after the other, an odd number of lines apart.
  const int64_t stride = floats + 16 * 5;
  std::vector<std::unique_ptr<Pages>> pages(static_cast<size_t>(threads));
  const auto prepare = [&](int thread) {
    pages[static_cast<size_t>(thread)] = std::make_unique<Pages>(4 * loop.arrays * stride);
  };
  const auto repetition = [&](int thread, int64_t count) {
    float* const begin = pages[static_cast<size_t>(thread)]->begin();
    const bool writes = loop.arrays > 1;
    const StreamData data{writes ? begin : nullptr, writes ? begin + stride : begin,
                          loop.arrays > 2 ? begin + 2 * stride : nullptr, floats};
    for (int64_t i = 0; i < count; ++i) loop.run(data);
  };
  const double best = best_seconds(threads, seconds, prepare, repetition);
  const int64_t bytes = 4 * loop.arrays * floats * threads;
  return {level, loop.name, loop.non_temporal, threads, static_cast<double>(bytes) / best};
}

std::optional<double> measure_line_round_trip(double seconds) {
  constexpr int kTrips = 500;  // a batch: 25 to 200 us, so few batches lose their core
  constexpr size_t kFewest = 31;
  constexpr int kOver = -1;
  const std::vector<int> cores = allowed_cores();
  if (cores.size() < 2) return std::nullopt;
  // Odd numbers call, the even numbers that follow them answer.
  struct alignas(64) Line {
    std::atomic<int> last{0};
  } line;
  const auto answer = [&] {
    stay_on(cores[1]);
    for (int seen = 0; seen != kOver; seen = line.last.load(std::memory_order_acquire)) {
      if (seen % 2 == 1) line.last.store(seen + 1, std::memory_order_release);
    }
  };
  std::vector<double> times;
  const auto call = [&] {
    stay_on(cores[0]);
    for (const auto start = Clock::now();
         times.size() < kFewest || seconds_between(start, Clock::now()) < seconds;) {
      const auto begin = Clock::now();
      for (int trip = 0; trip < kTrips; ++trip) {
        line.last.store(2 * trip + 1, std::memory_order_release);
        while (line.last.load(std::memory_order_acquire) != 2 * trip + 2) {
        }
      }
      times.push_back(seconds_between(begin, Clock::now()) / kTrips);
    }
    line.last.store(kOver, std::memory_order_release);
  };
  std::jthread answering, calling;
  try {
    answering = std::jthread(answer);
    calling = std::jthread(call);
  } catch (const std::system_error&) {
    line.last.store(kOver);
    return std::nullopt;
  }
  calling.join();
  const auto middle = times.begin() + static_cast<int64_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  return *middle;
}

std::string machine_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

std::string today() { return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr))); }

}  // namespace sinter::roofline

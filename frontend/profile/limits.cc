#include "frontend/profile/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "core/fork.h"
#include "frontend/profile/roofline_measure.h"

namespace sinter {
namespace {

using roofline::Level;

// The best of several tries of a millisecond or two; all threads must have their cores at once.
constexpr double kSecondsAlone = 0.02, kSecondsTogether = 0.1;

// Measured once a process.
class Limits {
 public:
  // Operations a second. Of several threads as many times that of one: measured together, beside
  // other processes, they seem far slower than they are when they have their cores.
  double peak(const std::string& dtype, int threads) {
    const double one = known(peaks_, {dtype, 1}, [&] {
      double best = 0;
      for (const roofline::PeakLoop& loop : roofline::peak_loops(vectors_)) {
        if (loop.dtype == dtype)
          best =
              std::max(best, roofline::measure_peak(loop, 1, kSecondsAlone).operations_per_second);
      }
      // A CPU without products of this type makes them of float32.
      return best > 0 || dtype == "float32" ? best : peak("float32", 1);
    });
    return one * threads;
  }

  // Bytes a second, of the loop that is best at it. Caches of a core likewise; what all cores share
  // is measured with all threads.
  double bandwidth(const Level& level, int threads) {
    const int together = level.shared ? threads : 1;
    const double best = known(bandwidths_, {level.name, together}, [&] {
      const double seconds = together > 1 ? kSecondsTogether : kSecondsAlone;
      double most = 0;
      for (const roofline::StreamLoop& loop : roofline::stream_loops(vectors_)) {
        if (!loop.non_temporal || level.name == "DRAM")
          most = std::max(
              most, roofline::measure_bandwidth(loop, level, together, seconds).bytes_per_second);
      }
      return most;
    });
    return level.shared ? best : best * threads;
  }

  // The smallest level that holds so many bytes. What is measured lies well inside it.
  const Level& holding(int64_t bytes, int threads) const {
    for (const Level& level : levels_) {
      if (3 * (level.shared ? bytes : bytes / threads) <= 4 * level.bytes) return level;
    }
    return levels_.back();
  }

  bool is_measurable() const { return measurable_; }
  ForkMutex& mutex() { return mutex_; }

 private:
  using Figures = std::map<std::pair<std::string, int>, double>;
  template <typename Measure>
  static double known(Figures& figures, const Figures::key_type& key, const Measure& measure) {
    const auto it = figures.find(key);
    if (it != figures.end()) return it->second;
    const double figure = measure();
    return figures[key] = figure;
  }

  ForkMutex mutex_;
  Figures peaks_, bandwidths_;
  const std::vector<roofline::Vectors> available_ = roofline::available_vectors();
  const bool measurable_ = !available_.empty();
  const roofline::Vectors vectors_ = measurable_ ? available_.back() : roofline::Vectors::kSse2;
  const std::vector<Level> levels_ = roofline::memory_levels();
};

Limits& limits() {
  static auto* instance = new Limits;
  return *instance;
}

// Three digits: "0.123", "12.3", "1230".
std::string three_digits(double value) {
  return value >= 99.95   ? fmt::format("{:.0f}", value)
         : value >= 9.995 ? fmt::format("{:.1f}", value)
                          : fmt::format("{:.2f}", value);
}

}  // namespace

std::string KernelRate::to_string() const {
  if (by_arithmetic() || (limit.empty() && gflops > 0)) return three_digits(gflops) + " GFLOP/s";
  return three_digits(gb_per_s) + " GB/s";
}

KernelRate rate_of(const KernelWork& work, double seconds, int threads) {
  KernelRate rate;
  if (seconds <= 0) return rate;
  rate.gflops = static_cast<double>(work.flops) / seconds / 1e9;
  rate.gb_per_s = static_cast<double>(work.bytes) / seconds / 1e9;
  Limits& l = limits();
  if (!l.is_measurable() || (work.flops == 0 && work.bytes == 0)) return rate;
  const std::lock_guard lock(l.mutex());
  const Level& level = l.holding(work.bytes, threads);
  const double arithmetic = static_cast<double>(work.flops) / l.peak(work.dtype, threads);
  const double memory = static_cast<double>(work.bytes) / l.bandwidth(level, threads);
  rate.limit = arithmetic > memory ? "arithmetic" : level.name;
  rate.share = std::max(arithmetic, memory) / seconds;
  return rate;
}

}  // namespace sinter

// sinter roofline: measures what this machine can do at most, so that other figures can be judged.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "core/error.h"
#include "frontend/cli/command.h"
#include "frontend/interop/json.h"
#include "frontend/profile/roofline_hand_over.h"
#include "frontend/profile/roofline_measure.h"
#include "runtime/thread_pool.h"

namespace sinter::cli {
namespace {

using roofline::Bandwidth;
using roofline::Peak;

struct Report {
  roofline::Vectors vectors;
  std::vector<int> threads;  // 1, and all
  std::vector<Peak> peaks;
  std::vector<Bandwidth> bandwidths;
  std::optional<double> line_round_trip;        // seconds; with more than one thread, as is
  std::optional<roofline::HandOver> hand_over;  // this
};

Report measure(const std::string& asked, int threads, double seconds) {
  const std::vector<roofline::Vectors> available = roofline::available_vectors();
  if (available.empty()) throw Error("roofline has loops for x86-64 only");
  std::optional<roofline::Vectors> vectors;
  for (roofline::Vectors v : available) {
    if (asked.empty() || roofline::to_string(v) == asked) vectors = v;
  }
  if (!vectors) throw Error(fmt::format("this CPU has no {}", asked));
  Report report{.vectors = *vectors,
                .threads = {1},
                .peaks = {},
                .bandwidths = {},
                .line_round_trip = {},
                .hand_over = {}};
  if (threads > 1) report.threads.push_back(threads);
  for (const roofline::PeakLoop& loop : roofline::peak_loops(*vectors)) {
    for (int count : report.threads)
      report.peaks.push_back(roofline::measure_peak(loop, count, seconds));
  }
  for (const roofline::Level& level : roofline::memory_levels()) {
    for (const roofline::StreamLoop& loop : roofline::stream_loops(*vectors)) {
      if (loop.non_temporal && level.name != "DRAM") continue;
      for (int count : report.threads)
        report.bandwidths.push_back(roofline::measure_bandwidth(loop, level, count, seconds));
    }
  }
  if (threads > 1) {
    report.line_round_trip = roofline::measure_line_round_trip(seconds);
    report.hand_over = roofline::measure_hand_over(threads, seconds);
  }
  return report;
}

// Four digits: beside other processes a small loop of two threads can be slow beyond belief, but
// never 0.
double four_digits(double value) {
  if (value == 0) return 0;
  const double digits = 3 - std::floor(std::log10(std::fabs(value)));
  // By a power of ten that is a whole number: 0.1 is none of binary.
  const double unit = std::pow(10, std::fabs(digits));
  return digits > 0 ? std::round(value * unit) / unit : std::round(value / unit) * unit;
}

std::string as_json(const Report& report) {
  std::vector<ConfigValue> peaks, bandwidths;
  for (const Peak& p : report.peaks) {
    peaks.push_back(Config{{"dtype", p.dtype},
                           {"instruction", p.instruction},
                           {"threads", p.threads},
                           {"gflops", four_digits(p.operations_per_second / 1e9)}});
  }
  for (const Bandwidth& b : report.bandwidths) {
    bandwidths.push_back(Config{{"level", b.level.name},
                                {"bytes", b.level.bytes},
                                {"shared", b.level.shared},
                                {"loop", b.loop},
                                {"non_temporal", b.non_temporal},
                                {"threads", b.threads},
                                {"gb_per_s", four_digits(b.bytes_per_second / 1e9)}});
  }
  Config line{{"machine", roofline::machine_name()},
              {"date", roofline::today()},
              {"vectors", roofline::to_string(report.vectors)},
              {"peak", peaks},
              {"bandwidth", bandwidths}};
  if (report.line_round_trip)
    line.set("line_round_trip_ns", four_digits(*report.line_round_trip * 1e9));
  if (const auto& h = report.hand_over)
    line.set("hand_over", Config{{"threads", h->threads},
                                 {"parked_us", four_digits(h->parked)},
                                 {"awake_us", four_digits(h->awake)},
                                 {"next_us", four_digits(h->next)}});
  return to_json_text(line) + "\n";
}

std::string cells(std::string_view first, std::string_view second,
                  const std::vector<double>& values) {
  std::string line = fmt::format("{:<22} {:<20}", first, second);
  for (double v : values) line += fmt::format(" {:>12.1f}", v / 1e9);
  return line + "\n";
}

std::string as_table(const Report& report) {
  std::string columns;
  for (int count : report.threads)
    columns += fmt::format(" {:>12}", fmt::format("{} thread{}", count, count == 1 ? "" : "s"));
  std::string text = fmt::format("{}, {}, {}\n\n{:<22} {:<20}{}\n", roofline::machine_name(),
                                 roofline::to_string(report.vectors), roofline::today(),
                                 "peak, GFLOP/s", "instruction", columns);
  const size_t step = report.threads.size();
  for (size_t i = 0; i < report.peaks.size(); i += step) {
    std::vector<double> values;
    for (size_t k = 0; k < step; ++k) values.push_back(report.peaks[i + k].operations_per_second);
    text += cells(report.peaks[i].dtype, report.peaks[i].instruction, values);
  }
  text += fmt::format("\n{:<22} {:<20}{}\n", "bandwidth, GB/s", "loop", columns);
  for (size_t i = 0; i < report.bandwidths.size(); i += step) {
    const Bandwidth& b = report.bandwidths[i];
    std::vector<double> values;
    for (size_t k = 0; k < step; ++k) values.push_back(report.bandwidths[i + k].bytes_per_second);
    text += cells(fmt::format("{}, {} KiB{}", b.level.name, b.level.bytes / 1024,
                              b.level.shared ? "" : " a core"),
                  b.loop + (b.non_temporal ? ", non-temporal" : ""), values);
  }
  if (report.line_round_trip)
    text += fmt::format("\n{:<43} {:>12.1f}\n", "a cache line to another core and back, ns",
                        *report.line_round_trip * 1e9);
  if (const auto& h = report.hand_over)
    text += fmt::format(
        "\nsharing a kernel between {} threads, us\n{:<43} {:>12.2f}\n{:<43} {:>12.2f}\n"
        "{:<43} {:>12.2f}\n",
        h->threads, "first of a run, threads parked", h->parked, "first of a run, threads awake",
        h->awake, "each further kernel", h->next);
  return text;
}

}  // namespace

Action add_roofline(CLI::App& app) {
  CLI::App* command = app.add_subcommand("roofline",
                                         "Measure this machine: peak arithmetic by dtype, "
                                         "bandwidth by level of memory, a cache line between two "
                                         "cores, handing work over");
  struct Options {
    bool json = false;
    double seconds = 0.2;
    int threads = 0;
    std::string vectors;
  };
  auto options = std::make_shared<Options>();
  command->add_flag("--json", options->json, "Print one line of JSON instead of a table");
  command->add_option("--seconds", options->seconds, "How long to measure each figure")
      ->type_name("S")
      ->check(number_within(0.0, 60.0))
      ->capture_default_str();
  command
      ->add_option("--threads", options->threads,
                   "Threads of the second column (default: the cores this process may use)")
      ->type_name("N")
      ->check(count_within(1, kMaxThreads));
  command
      ->add_option("--vectors", options->vectors,
                   "sse2, avx2 or avx512 (default: the widest this CPU has)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"sse2", "avx2", "avx512"}));
  return [options] {
    const int count = options->threads > 0 ? options->threads : threads();
    const Report report = measure(options->vectors, count, options->seconds);
    print(options->json ? as_json(report) : as_table(report));
  };
}

}  // namespace sinter::cli

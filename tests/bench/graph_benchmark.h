// Graphs of one output as benchmarks: GFLOP/s, GB/s, and the share of what this machine can do at
// most (the longer of its time for the arithmetic and its time for the memory, both measured as
// `sinter roofline` does).
//
// Names: <what>/<backend>/threads:<n>. SINTER_BENCH_DUMP=1 prints the kernels.
#pragma once

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "frontend/profile/roofline_measure.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"

namespace sinter {

using Build = std::function<Symbol(Graph&)>;

struct Case {
  std::string name;
  double flops = 0;  // products and sums of contractions; other arithmetic is not counted
  Build build;       // gives the one output
  bool strict_precision = false;
};

// Seconds that this machine needs at least. Every figure is measured once a process.
class Limit {
 public:
  static Limit& instance() {
    static Limit limit;
    return limit;
  }

  double seconds(double flops, double bytes, bool writes, int threads) {
    return std::max(flops / peak(threads), bytes / bandwidth(bytes, writes, threads));
  }

 private:
  static constexpr double kSeconds = 0.1;

  double peak(int threads) {
    double& value = peaks_[threads];
    if (value == 0) {
      const auto loops = roofline::peak_loops(roofline::available_vectors().back());
      value = roofline::measure_peak(loops.at(0), threads, kSeconds).operations_per_second;
    }
    return value;
  }

  // Of the innermost level that holds the bytes; where that is DRAM, the better of plain and
  // non-temporal stores.
  double bandwidth(double bytes, bool writes, int threads) {
    const auto levels = roofline::memory_levels();
    const auto holds = [&](const roofline::Level& level) {
      return bytes <= static_cast<double>(level.shared ? level.bytes : level.bytes * threads);
    };
    auto level = std::find_if(levels.begin(), levels.end(), holds);
    if (level == levels.end()) --level;
    double& value = bandwidths_[fmt::format("{} {} {}", level->name, writes, threads)];
    if (value > 0) return value;
    for (const roofline::StreamLoop& loop :
         roofline::stream_loops(roofline::available_vectors().back())) {
      if (loop.name == (writes ? "copy" : "read") && (!loop.non_temporal || level->name == "DRAM"))
        value = std::max(
            value, roofline::measure_bandwidth(loop, *level, threads, kSeconds).bytes_per_second);
    }
    return value;
  }

  std::map<int, double> peaks_;
  std::map<std::string, double> bandwidths_;
};

inline Tensor random_tensor(const ValueType& type) {
  static std::mt19937 engine(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Tensor result(type.dtype, type.shape);
  for (float& v : result.data<float>()) v = uniform(engine);
  return result;
}

inline void run_case(benchmark::State& state, const Case& what, const std::string& backend) {
  register_ops();
  const auto count = static_cast<int>(state.range(0));
  set_threads(count);
  Graph graph(what.name);
  const Symbol y = what.build(graph);
  graph.add_output("y", y.id());
  const auto executable = compile(
      graph, {.backend = backend, .strict_precision = what.strict_precision, .cache = false});
  if (std::getenv("SINTER_BENCH_DUMP") != nullptr)
    std::printf("%s", executable->to_string().c_str());
  std::vector<Tensor> inputs, variables;
  std::vector<const void*> in;
  double read = 0;
  for (int32_t node : executable->graph().variables()) {
    variables.push_back(random_tensor(executable->graph().node(node).types[0]));
    read += static_cast<double>(variables.back().bytes());
  }
  for (int32_t node : executable->graph().inputs()) {
    inputs.push_back(random_tensor(executable->graph().node(node).types[0]));
    read += static_cast<double>(inputs.back().bytes());
    in.push_back(inputs.back().raw());
  }
  executable->bind(std::move(variables));
  Tensor result(y.type().dtype, y.shape());
  const auto written = static_cast<double>(result.bytes());
  void* out[] = {result.raw()};
  executable->run(in, out);
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) executable->run(in, out);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() /
      static_cast<double>(state.iterations());
  // Kernels that shrink what they read are bound by reading.
  const double bytes = read + written;
  const double limit = Limit::instance().seconds(what.flops, bytes, written > read / 8, count);
  if (what.flops > 0) state.counters["GFLOP/s"] = what.flops / seconds / 1e9;
  state.counters["GB/s"] = bytes / seconds / 1e9;
  state.counters["limit_us"] = limit * 1e6;
  state.counters["share"] = limit / seconds;
}

inline Symbol floats(Graph& g, const char* name, Shape shape) {
  return g.input(name, {DType::kFloat32, std::move(shape)});
}

/// A benchmark of each case on each backend that compiles, with one thread and with all.
inline bool register_cases(const std::vector<Case>& cases) {
  const int all_threads = threads();
  for (const Case& what : cases) {
    for (const std::string& backend : backend_names()) {
      if (backend == "auto" || backend == "reference") continue;
      auto* entry = benchmark::RegisterBenchmark(
          (what.name + "/" + backend).c_str(),
          [what, backend](benchmark::State& state) { run_case(state, what, backend); });
      entry->ArgName("threads")->Arg(1)->UseRealTime()->Unit(benchmark::kMicrosecond);
      if (all_threads > 1) entry->Arg(all_threads);
    }
  }
  return true;
}

}  // namespace sinter

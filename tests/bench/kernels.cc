// Products, clusters and reductions, each as one executable: GFLOP/s, GB/s, and the share of what
// this machine can do at most (the longer of its time for the arithmetic and its time for the
// memory, both measured as `sinter roofline` does).
//
// Names: <what>/<backend>/threads:<n>. SINTER_BENCH_DUMP=1 prints the kernels.
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

#include "frontend/cli/roofline_measure.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

using Build = std::function<Symbol(Graph&)>;

struct Case {
  std::string name;
  double flops = 0;  // products and sums of contractions; other arithmetic is not counted
  Build build;       // gives the one output
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

Tensor random_tensor(const ValueType& type) {
  static std::mt19937 engine(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Tensor result(type.dtype, type.shape);
  for (float& v : result.data<float>()) v = uniform(engine);
  return result;
}

void run(benchmark::State& state, const Case& what, const std::string& backend) {
  register_ops();
  const auto count = static_cast<int>(state.range(0));
  set_threads(count);
  Graph graph(what.name);
  const Symbol y = what.build(graph);
  graph.add_output("y", y.id());
  const auto executable = compile(graph, {.backend = backend, .cache = false});
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

Symbol floats(Graph& g, const char* name, Shape shape) {
  return g.input(name, {DType::kFloat32, std::move(shape)});
}

// rows x depth times depth x columns in the forms training has; "packed": the right side is a
// variable of an inference graph.
Case product(const std::string& form, int64_t rows, int64_t depth, int64_t columns) {
  return {fmt::format("product {} {}x{}x{}", form, rows, depth, columns),
          2.0 * static_cast<double>(rows * depth * columns), [=](Graph& g) {
            if (form == "xT.dy")
              return matmul(floats(g, "x", {depth, rows}), floats(g, "dy", {depth, columns}), true);
            const Symbol x = floats(g, "x", {rows, depth});
            if (form == "dy.wT") return matmul(x, floats(g, "w", {columns, depth}), false, true);
            const ValueType w{DType::kFloat32, {depth, columns}};
            return matmul(x, form == "packed" ? g.variable("w", w) : g.input("w", w));
          }};
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* form : {"x.w", "xT.dy", "dy.wT", "packed"}) {
    for (int64_t width : {128, 256, 512, 1024, 2048})
      all.push_back(product(form, 128, width, width));
    all.push_back(product(form, 128, 784, 128));
    all.push_back(product(form, 128, 128, 10));
    for (int64_t width : {128, 1024}) all.push_back(product(form, 1, width, width));
  }
  constexpr int64_t kLarge = int64_t{1} << 24, kSmall = 1 << 16;
  for (int64_t n : {kSmall, kLarge}) {
    all.push_back(
        {fmt::format("relu {}", n), 0, [n](Graph& g) { return relu(floats(g, "x", {n})); }});
    all.push_back({fmt::format("add {}", n), 0,
                   [n](Graph& g) { return floats(g, "x", {n}) + floats(g, "y", {n}); }});
    all.push_back({fmt::format("gelu(ax+b)sigmoid {}", n), 0, [n](Graph& g) {
                     const Symbol x = floats(g, "x", {n});
                     return gelu(x * 1.5 + 0.25) * sigmoid(x);
                   }});
  }
  for (Shape shape : {Shape{128, 512}, Shape{4096, 512}}) {
    const std::string size = shape.to_string();
    const auto x = [shape](Graph& g) { return floats(g, "x", shape); };
    all.push_back({"bias+tanh " + size, 0,
                   [=](Graph& g) { return tanh(x(g) + floats(g, "b", {shape[1]})); }});
    all.push_back({"sum of rows " + size, 0, [=](Graph& g) { return sum(x(g), {1}); }});
    all.push_back({"sum of columns " + size, 0, [=](Graph& g) { return sum(x(g), {0}); }});
    all.push_back({"softmax " + size, 0, [=](Graph& g) { return softmax(x(g)); }});
    all.push_back({"standardise columns " + size, 0, [=](Graph& g) {
                     const Symbol v = x(g);
                     return (v - mean(v, {0})) * rsqrt(variance(v, {0}) + 1e-3);
                   }});
    all.push_back({"transpose " + size, 0, [=](Graph& g) { return transpose(x(g)); }});
  }
  for (Shape shape : {Shape{1024, 1024}, Shape{4096, 4096}, Shape{1009, 1013}, Shape{128, 10}})
    all.push_back({"transpose " + shape.to_string(), 0,
                   [=](Graph& g) { return transpose(floats(g, "x", shape)); }});
  all.push_back({"transpose heads [32,128,8,64]", 0, [](Graph& g) {
                   return transpose(floats(g, "x", {32, 128, 8, 64}), {0, 2, 3, 1});
                 }});
  return all;
}

const bool registered = [] {
  const int all_threads = threads();
  for (const Case& what : cases()) {
    for (const std::string& backend : backend_names()) {
      if (backend == "auto" || backend == "reference") continue;
      auto* entry = benchmark::RegisterBenchmark(
          (what.name + "/" + backend).c_str(),
          [what, backend](benchmark::State& state) { run(state, what, backend); });
      entry->ArgName("threads")->Arg(1)->UseRealTime()->Unit(benchmark::kMicrosecond);
      if (all_threads > 1) entry->Arg(all_threads);
    }
  }
  return true;
}();

}  // namespace
}  // namespace sinter

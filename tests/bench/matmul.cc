// Generated matmul kernels, and oneDNN's and libxsmm's beside them, on one thread: GFLOP/s, share
// of the float32 multiply-add peak measured here, GB/s of the right side; of float32 and of
// bfloat16. Arguments: form (0 x.W, 1 x^T.dy, 2 dy.W^T, 3 x.W with packed weights), rows, depth,
// columns.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "ops/ops.h"
#include "runtime/backend.h"
#include "runtime/compile.h"
#if SINTER_BENCH_XSMM
#include "tests/bench/xsmm_product.h"
#endif

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

#if defined(__x86_64__)
#define SINTER_BENCH_FMAS(r)                                                            \
  "vfmadd231ps %%" r "0, %%" r "0, %%" r "1\n vfmadd231ps %%" r "0, %%" r "0, %%" r     \
  "2\n vfmadd231ps %%" r "0, %%" r "0, %%" r "3\n vfmadd231ps %%" r "0, %%" r "0, %%" r \
  "4\n vfmadd231ps %%" r "0, %%" r "0, %%" r "5\n vfmadd231ps %%" r "0, %%" r "0, %%" r \
  "6\n vfmadd231ps %%" r "0, %%" r "0, %%" r "7\n vfmadd231ps %%" r "0, %%" r "0, %%" r \
  "8\n vfmadd231ps %%" r "0, %%" r "0, %%" r "9\n vfmadd231ps %%" r "0, %%" r "0, %%" r \
  "10\n vfmadd231ps %%" r "0, %%" r "0, %%" r "11\n vfmadd231ps %%" r "0, %%" r "0, %%" r "12\n"
#define SINTER_BENCH_CLOBBERS(r) \
  r "0", r "1", r "2", r "3", r "4", r "5", r "6", r "7", r "8", r "9", r "10", r "11", r "12"

__attribute__((target("avx512f"))) void fmas_512(int64_t rounds) {
  for (int64_t i = 0; i < rounds; ++i)
    asm volatile(SINTER_BENCH_FMAS("zmm")::: SINTER_BENCH_CLOBBERS("xmm"));
}
__attribute__((target("avx2,fma"))) void fmas_256(int64_t rounds) {
  for (int64_t i = 0; i < rounds; ++i)
    asm volatile(SINTER_BENCH_FMAS("ymm")::: SINTER_BENCH_CLOBBERS("xmm"));
}
#endif

// float32 operations a second of one core that does nothing but multiply-adds on registers; 0 where
// the CPU has none.
double peak_flops() {
  static const double peak = [] {
#if defined(__x86_64__)
    const bool wide = __builtin_cpu_supports("avx512f");
    if (!wide && !__builtin_cpu_supports("fma")) return 0.0;
    constexpr int64_t kRounds = 200'000;
    double best = 0;
    for (int repeat = 0; repeat < 30; ++repeat) {
      const auto start = std::chrono::steady_clock::now();
      wide ? fmas_512(kRounds) : fmas_256(kRounds);
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      best = std::max(best, static_cast<double>(kRounds) * 12 * 2 * (wide ? 16 : 8) / seconds);
    }
    return best;
#else
    return 0.0;
#endif
  }();
  return peak;
}

void product(benchmark::State& state, Backend& backend, DType dtype) {
  register_ops();
  const int64_t form = state.range(0), rows = state.range(1), depth = state.range(2),
                columns = state.range(3);
  Graph g("matmul");
  const Symbol lhs = g.input("lhs", {dtype, form == 1 ? Shape{depth, rows} : Shape{rows, depth}});
  const ValueType right{dtype, form == 2 ? Shape{columns, depth} : Shape{depth, columns}};
  const Symbol rhs = form == 3 ? g.variable("rhs", right) : g.input("rhs", right);
  const Symbol y = g.add1(
      "contract", {lhs, rhs},
      {{"lhs_contract", Ints{form == 1 ? 0 : 1}}, {"rhs_contract", Ints{form == 2 ? 1 : 0}}});
  g.add_output("y", y.id());
  const std::vector<int32_t> nodes{y.id().node};
  if (const std::string reason = backend.why_not(g, nodes[0]); !reason.empty())
    return state.SkipWithError(reason.c_str());
  const auto kernels =
      backend.compile(g, nodes, {.backend = std::string(backend.name()), .cache = false});
  const Kernel& kernel = *kernels[0];

  std::mt19937 engine(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Tensor a(dtype, lhs.shape()), b(dtype, rhs.shape()), c(DType::kFloat32, y.shape());
  for (Tensor* t : {&a, &b}) {
    for (int64_t i = 0; i < t->elements(); ++i) t->set(i, uniform(engine));
  }
  Tensor scratch(DType::kUint8, Shape{kernel.scratch_bytes() + 64}),
      prepared(DType::kUint8, Shape{kernel.prepared_bytes() + 64}),
      workspace(DType::kUint8, Shape{kernel.workspace_bytes() + 64});
  void* buffers[] = {a.raw(), b.raw(), c.raw(), scratch.raw(), prepared.raw(), workspace.raw()};
  if (kernel.prepared_bytes() > 0) kernel.prepare(buffers, prepared.raw());
  for (auto _ : state) kernel.run_all(buffers);
  const double flops = 2.0 * static_cast<double>(rows * depth * columns);
  using benchmark::Counter;
  state.counters["FLOP/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
  if (peak_flops() > 0)
    state.counters["peak"] = Counter(flops / peak_flops(), Counter::kIsIterationInvariantRate);
  state.counters["B/s"] =
      Counter(static_cast<double>(b.bytes()), Counter::kIsIterationInvariantRate);
  state.SetLabel(kernel.description());
}

#if SINTER_BENCH_XSMM
// Checked against sums in double: a column of figures that computes something else would be worse
// than none.
bool is_product(int64_t form, int64_t rows, int64_t depth, int64_t columns, const float* lhs,
                const float* rhs, const float* result) {
  for (int64_t sample = 0; sample < 50; ++sample) {
    const int64_t i = sample * 7919 % rows, j = sample * 104729 % columns;
    double sum = 0;
    for (int64_t k = 0; k < depth; ++k) {
      sum += static_cast<double>(form == 1 ? lhs[k * rows + i] : lhs[i * depth + k]) *
             static_cast<double>(form == 2 ? rhs[j * depth + k] : rhs[k * columns + j]);
    }
    if (std::abs(sum - static_cast<double>(result[i * columns + j])) >
        1e-5 * static_cast<double>(depth))
      return false;
  }
  return true;
}

void matmul_libxsmm(benchmark::State& state) {
  const int64_t form = state.range(0), rows = state.range(1), depth = state.range(2),
                columns = state.range(3);
  std::mt19937 engine(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Tensor a(DType::kFloat32, Shape{rows, depth}), b(DType::kFloat32, Shape{depth, columns}),
      c(DType::kFloat32, Shape{rows, columns});
  for (Tensor* t : {&a, &b}) {
    for (int64_t i = 0; i < t->elements(); ++i) t->set(i, uniform(engine));
  }
  const auto* lhs = static_cast<const float*>(a.raw());
  const auto* rhs = static_cast<const float*>(b.raw());
  auto* result = static_cast<float*>(c.raw());
  XsmmProduct product(static_cast<int>(form), rows, depth, columns, lhs, rhs, result);
  for (auto _ : state) product.run();
  if (!is_product(form, rows, depth, columns, lhs, rhs, result))
    return state.SkipWithError("libxsmm's result is wrong");
  const double flops = 2.0 * static_cast<double>(rows * depth * columns);
  using benchmark::Counter;
  state.counters["FLOP/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
  if (peak_flops() > 0)
    state.counters["peak"] = Counter(flops / peak_flops(), Counter::kIsIterationInvariantRate);
  state.SetLabel(product.description());
}
#endif

void cases(benchmark::internal::Benchmark* b) {
  for (int64_t form : {0, 1, 2, 3}) {
    b->Args({form, form == 1 ? 784 : 128, form == 1 ? 128 : 784, 128});
    b->Args({form, form == 1 ? 784 : 32, form == 1 ? 32 : 784, 512})
        ->Args({form, form == 1 ? 1024 : 8, form == 1 ? 8 : 1024, 1024})
        ->Args({form, form == 1 ? 512 : 32, form == 1 ? 32 : 512, 512});
    b->Args({form, 128, 128, 128})->Args({form, 128, 128, 10});
    for (int64_t width : {256, 512})
      b->Args({form, form == 1 ? width : 128, form == 1 ? 128 : width, width});
    b->Args({form, 512, 512, 512})->Args({form, 1024, 1024, 1024})->Args({form, 128, 1024, 1024});
    if (form != 1)
      b->Args({form, 1, 784, 128})->Args({form, 1, 128, 128})->Args({form, 1, 1024, 1024});
  }
}
// What training and prediction of wide models need: squares, a batch of 128, and 64 rows.
void large_cases(benchmark::internal::Benchmark* b) {
  for (int64_t form : {0, 1, 2, 3}) {
    for (int64_t width : {2048, 4096})
      b->Args({form, width, width, width})->Args({form, 128, width, width});
    for (int64_t width : {1024, 2048, 4096}) b->Args({form, 64, width, width});
    // Long sums: a gradient over many rows, few of them or few columns of the result.
    b->Args({form, 128, 4096, 10})->Args({form, 2, 8192, 64})->Args({form, 64, 16384, 64});
  }
}

void matmul(benchmark::State& state) { product(state, llvm_backend(), DType::kFloat32); }
BENCHMARK(matmul)->Apply(cases)->Apply(large_cases)->UseRealTime()->Unit(benchmark::kMicrosecond);

#if SINTER_WITH_ONEDNN
void matmul_onednn(benchmark::State& state) { product(state, onednn_backend(), DType::kFloat32); }
BENCHMARK(matmul_onednn)
    ->Apply(cases)
    ->Apply(large_cases)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
#endif

#if SINTER_BENCH_XSMM
BENCHMARK(matmul_libxsmm)
    ->Apply(cases)
    ->Apply(large_cases)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
#endif

void matmul_bfloat16(benchmark::State& state) { product(state, llvm_backend(), DType::kBFloat16); }
BENCHMARK(matmul_bfloat16)
    ->Apply(cases)
    ->Apply(large_cases)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sinter

// Value, first and second derivative of every elementwise op of one operand at every float there
// is, against float64: finite where it is finite there, and within the bounds of
// elementwise_bounds.cc.
//
// All 2^32 floats are 131,072 blocks. By default every 1,021st block is taken, and with
// SINTER_ALL_FLOATS all of them, in half a minute of a core an op and half an hour in all; by op it
// is one process each:
//
//   SINTER_ALL_FLOATS=1 contract_tests --gtest_filter='*EveryFloat.IsWithinTheBounds/swish*'
//
// Other backends than llvm are named by it: SINTER_ALL_FLOATS=onednn. The values of float64 are
// those of its kernels, too, which math_test.cc holds against libm and elementwise_test.cc against
// differences.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/op_record.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "tests/contract/elementwise_bounds.h"
#include "tests/contract/elementwise_cases.h"

#if SINTER_WITH_LLVM

// The comparison is most of the work where it is not vectorized.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__)
#define SINTER_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SINTER_WIDE
#endif

namespace sinter::contract {
namespace {

constexpr size_t kBlock = size_t{1} << 15;
constexpr uint64_t kBlocks = (uint64_t{1} << 32) / kBlock;

// Whether all results are within `part` of their bound, or plainly what they are to be. What is not
// is judged one by one.
SINTER_WIDE bool are_within(const float* got, const double* want, const Bound& bound, double part) {
  const double relative = bound.relative * part, absolute = bound.absolute * part;
  constexpr double kLargest = std::numeric_limits<float>::max();
  int64_t others = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const double g = got[i], w = want[i], error = std::fabs(g - w);
    const int64_t near = error <= relative * std::fabs(w) + absolute;
    const int64_t finite = std::fabs(g) <= kLargest;
    const int64_t same = g == static_cast<double>(static_cast<float>(w));
    const int64_t neither = static_cast<int64_t>(g != g) & static_cast<int64_t>(w != w);
    others += 1 - ((near & finite) | same | neither);
  }
  return others == 0;
}

struct Worst {
  double excess = 0, at = 0, got = 0, want = 0;
};

class EveryFloat : public testing::TestWithParam<size_t> {};

TEST_P(EveryFloat, IsWithinTheBounds) {
  register_ops();
  const Case& c = all_cases()[GetParam()];
  const char* setting = std::getenv("SINTER_ALL_FLOATS");
  const std::string backend =
      setting == nullptr || setting == std::string("1") ? "llvm" : std::string(setting);
  const Bounds bounds = bounds_of(c.name(), backend);

  CompileOptions options;
  options.pipeline = "training";
  options.backend = backend;
  const auto single = compile(graph_of(c, DType::kFloat32, kBlock), options);
  options.backend = "llvm";
  const auto wide = compile(graph_of(c, DType::kFloat64, kBlock), options);
  const size_t orders = Registry::global().get(c.op).no_gradient.empty() ? 3 : 1;
  Tensor x(DType::kFloat32, {kBlock}), wide_x(DType::kFloat64, {kBlock});
  std::vector<Tensor> got, want;
  std::vector<void*> got_at, want_at;
  for (size_t order = 0; order < orders; ++order) {
    got_at.push_back(got.emplace_back(x.clone()).raw());
    want_at.push_back(want.emplace_back(wide_x.clone()).raw());
  }
  const void* const x_at[] = {x.raw()};
  const void* const wide_x_at[] = {wide_x.raw()};

  // Spans, which are asked for what they are once.
  const std::span<float> at = x.data<float>();
  const std::span<double> wide_at = wide_x.data<double>();
  const std::span<const double> values = std::as_const(want[0]).data<double>();
  std::array<Worst, 3> worst;
  const auto judge = [&](size_t order, std::span<const float> g, std::span<const double> w) {
    for (size_t i = 0; i < kBlock; ++i) {
      // Of what is no finite number, or too large for float32, derivatives are not promised.
      if (order > 0 &&
          !(std::isfinite(at[i]) && std::fabs(values[i]) <= std::numeric_limits<float>::max()))
        continue;
      const double excess = excess_of(g[i], w[i], bounds[order]);
      if (excess > worst[order].excess) worst[order] = {excess, at[i], g[i], w[i]};
    }
  };
  for (uint64_t block = 0; block < kBlocks; block += setting == nullptr ? 1021 : 1) {
    for (size_t i = 0; i < kBlock; ++i) {
      const float v = std::bit_cast<float>(static_cast<uint32_t>(block * kBlock + i));
      at[i] = v;
      wide_at[i] = v;
    }
    single->run(x_at, got_at);
    wide->run(wide_x_at, want_at);
    for (size_t order = 0; order < orders; ++order) {
      const std::span<const float> g = std::as_const(got[order]).data<float>();
      const std::span<const double> w = std::as_const(want[order]).data<double>();
      if (!are_within(g.data(), w.data(), bounds[order], worst[order].excess)) judge(order, g, w);
    }
  }
  for (size_t order = 0; order < orders; ++order) {
    const Worst& w = worst[order];
    RecordProperty(fmt::format("of_bound_{}", order), fmt::format("{:.2f}", w.excess));
    EXPECT_LE(w.excess, 1) << c.name() << " on " << backend << ", order " << order << ", at "
                           << fmt::format("{:.9g}: {:.9g} for {:.9g}", w.at, w.got, w.want);
  }
}

// But for the cast to float32, which is no number of float64.
std::vector<size_t> of_one_operand() {
  std::vector<size_t> found;
  for (size_t i = 0; i < all_cases().size(); ++i) {
    if (all_cases()[i].operands == 1 && all_cases()[i].op != "cast") found.push_back(i);
  }
  return found;
}

INSTANTIATE_TEST_SUITE_P(Ops, EveryFloat, testing::ValuesIn(of_one_operand()),
                         [](const auto& info) {
                           return fmt::format("{}_{}", all_cases()[info.param].op, info.param);
                         });

}  // namespace
}  // namespace sinter::contract

#endif

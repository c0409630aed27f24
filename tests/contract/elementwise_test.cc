// Every elementwise op of the registry, value, first and second derivative, over all exponents of
// floats: a new op is covered by itself.
//
//  - In float64, derivatives are held against differences of the op's body, evaluated in long
//    double here: the formulas are right, at 0 and far out too. Wherever the value is finite, no
//    derivative is NaN.
//  - In float32, each backend is held against float64, within the bounds of elementwise_bounds.cc,
//    at every 65537th float and densely where ops bend. NaN and infinities come through as they do
//    there. every_float_test.cc takes all of them.
//  - bfloat16 operands have float32's derivatives, rounded.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "core/graph.h"
#include "core/op_record.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "tests/contract/differences.h"
#include "tests/contract/elementwise_bounds.h"
#include "tests/contract/elementwise_cases.h"

namespace sinter::contract {
namespace {

// --- operands

std::vector<double> special_values(DType dtype) {
  const bool single = dtype == DType::kFloat32;
  std::vector<double> v = {0,  1,  2,  3,  6,   0.5, 1e-3, 8,    10,
                           17, 40, 88, 89, 104, 1e4, 1e10, 1e20, 1e30};
  v.push_back(single ? 1e-45 : 5e-324);
  v.push_back(single ? 1.17549435e-38 : 2.2250738585072014e-308);
  v.push_back(single ? 3.4028234e38 : 1.7976931348623157e308);
  for (size_t i = v.size(); i-- > 0;) v.push_back(-v[i]);
  return v;
}

void append_neighbourhoods(std::vector<double>& x, int steps) {
  for (int i = -steps; i <= steps; ++i) x.push_back(static_cast<float>(120.0 * i / steps));
  for (int i = -steps; i <= steps; ++i) x.push_back(static_cast<float>(8.0 * i / steps + 1e-3));
}

// One vector an operand. Of two operands, the first runs through all and the second through some.
std::vector<std::vector<double>> operands_of(const Case& c, const std::vector<double>& values) {
  if (c.operands == 1) return {values};
  std::vector<double> few = special_values(DType::kFloat32);
  for (double v : {1.5, -0.7, 0.1, 2.3, -3.7, 1e-10, 1e5}) few.push_back(v);
  std::vector<std::vector<double>> x(static_cast<size_t>(c.operands));
  const size_t step = std::max<size_t>(1, values.size() / 150);
  for (size_t i = 0; i < values.size(); i += step) {
    for (double other : few) {
      x[0].push_back(values[i]);
      x[1].push_back(other);
      x[0].push_back(other);
      x[1].push_back(values[i]);
    }
  }
  for (double a : few) {
    for (double b : few) x[0].push_back(a), x[1].push_back(b);
  }
  return x;
}

// --- what a backend makes of it

struct Results {
  Tensor value;
  std::vector<Tensor> first, second;  // by each operand, twice by the same
};

Results run(const Case& c, DType dtype, const std::string& backend,
            const std::vector<std::vector<double>>& x) {
  const auto count = static_cast<int64_t>(x[0].size());
  CompileOptions options;
  options.backend = backend;
  options.pipeline = "training";
  std::vector<Tensor> in;
  for (const std::vector<double>& values : x)
    in.push_back(Tensor::from<double>(Shape{count}, values).cast(dtype));
  const std::vector<Tensor> out = compile(graph_of(c, dtype, count), options)->run(in);
  Results r{out[0], {}, {}};
  for (size_t i = 1; i + 1 < out.size(); i += 2) {
    r.first.push_back(out[i]);
    r.second.push_back(out[i + 1]);
  }
  return r;
}

std::string at_text(const std::vector<std::vector<double>>& x, size_t k) {
  std::string text;
  for (const std::vector<double>& values : x) text += fmt::format(" {:.17g}", values[k]);
  return text;
}

using Long = long double;

class Elementwise : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override { register_ops(); }
  const Case& op() const { return all_cases()[GetParam()]; }
};

TEST_P(Elementwise, DoubleDerivativesAreThoseOfTheBody) {
  const Case& c = op();
  std::vector<double> values = special_values(DType::kFloat64);
  for (uint64_t k = 0; k < 600; ++k) {
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(k * 7158278)));  // all exponents
    values.push_back(std::bit_cast<double>(k * 30744573456182586ULL));
  }
  append_neighbourhoods(values, 200);
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  const std::vector<std::vector<double>> x = operands_of(c, values);
  const Results r = run(c, DType::kFloat64, "reference", x);
  const ScalarExpr body = *body_of(Registry::global().get(c.op), c.attributes, DType::kFloat64);
  const bool is_local = std::ranges::any_of(body.instructions, [](const ScalarInstruction& i) {
    return i.op == ScalarOp::kFloor || i.op == ScalarOp::kCeil || i.op == ScalarOp::kRound ||
           i.op == ScalarOp::kSin || i.op == ScalarOp::kCos;
  });
  size_t judged = 0, failures = 0;
  for (size_t i = 0; i < r.first.size(); ++i) {
    for (size_t k = 0; k < x[0].size() && failures < 10; ++k) {
      std::vector<Long> point;
      std::vector<double> asked;
      for (const std::vector<double>& operand : x) {
        point.push_back(operand[k]);
        asked.push_back(operand[k]);
      }
      if (!is_asked(c, asked, i, 1)) continue;
      const auto f = [&](Long v) {
        std::vector<Long> moved = point;
        moved[i] = v;
        return evaluate_long(body, moved);
      };
      const double value = r.value.at(static_cast<int64_t>(k));
      const double got[] = {r.first[i].at(static_cast<int64_t>(k)),
                            r.second[i].at(static_cast<int64_t>(k))};
      // Where the function is no number on either side there is no derivative.
      const Long near =
          std::max(std::ldexp(std::fabs(point[i]), -20), std::numeric_limits<Long>::min());
      if (!std::isfinite(value) ||
          (std::isnan(f(point[i] - near)) && std::isnan(f(point[i] + near))))
        continue;
      const Estimates e = differences(f, point[i], is_local);
      const Estimate want[] = {e.first, e.second};
      for (int order = 1; order <= 2; ++order) {
        const Estimate& w = want[order - 1];
        const double d = got[order - 1];
        if (std::isnan(d)) {
          ADD_FAILURE() << c.name() << ": derivative " << order << " by operand " << i
                        << " is NaN at" << at_text(x, k);
          ++failures;
          continue;
        }
        const Long tolerance = 1e-6L * std::fabs(w.value) + 1e-9L;
        if (!(w.error <= 0.1L * tolerance) || std::fabs(w.value) > 1e300L) continue;
        ++judged;
        if (std::fabs(static_cast<Long>(d) - w.value) <= tolerance) continue;
        ADD_FAILURE() << c.name() << ": derivative " << order << " by operand " << i << " at"
                      << at_text(x, k) << " is " << d << ", differences give "
                      << static_cast<double>(w.value) << " +- " << static_cast<double>(w.error);
        ++failures;
      }
    }
  }
  // Differences judge much of what is asked; otherwise this test would say nothing.
  if (!r.first.empty()) EXPECT_GT(judged, x[0].size() * r.first.size() / 4) << c.name();
}

// The worst of one order, as a multiple of its bound.
struct Worst {
  double excess = 0, got = 0, want = 0;
  size_t at = 0;
};

void judge(Worst& worst, const Case& c, size_t wrt, const Bound& bound, const Tensor& got,
           const Tensor& want, const Tensor& value, int order,
           const std::vector<std::vector<double>>& x) {
  const double largest = std::numeric_limits<float>::max();
  for (size_t k = 0; k < x[0].size(); ++k) {
    const auto at = static_cast<int64_t>(k);
    const double g = got.at(at), w = want.at(at);
    std::array<double, 2> all{};
    const std::span<double> point(all.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) point[i] = x[i][k];
    if (!is_asked(c, point, wrt, order)) continue;
    if (order > 0) {
      // Of what is no finite number, or too large for float32, derivatives are not promised.
      bool finite = std::fabs(value.at(at)) <= largest;
      for (double v : point) finite = finite && std::isfinite(v);
      if (!finite) continue;
    }
    const double excess = excess_of(g, w, bound);
    if (!(excess <= worst.excess)) worst = {excess, g, w, k};
  }
}

TEST_P(Elementwise, SingleWithinItsBounds) {
  const Case& c = op();
  std::map<std::string, std::array<Worst, 3>> worst;
  std::vector<double> values = special_values(DType::kFloat32);
  for (double v : {HUGE_VAL, -HUGE_VAL, std::nan("")}) values.push_back(v);
  append_neighbourhoods(values, 4000);
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 65537)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  std::vector<std::vector<double>> x = operands_of(c, values);
  for (std::vector<double>& operand : x) {
    for (double& v : operand) v = static_cast<float>(v);
  }
  const Results want = run(c, DType::kFloat64, "reference", x);
  for (const std::string& backend : backend_names()) {
    const Results got = run(c, DType::kFloat32, backend, x);
    const Bounds bounds = bounds_of(c.name(), backend);
    std::array<Worst, 3>& w = worst[backend];
    judge(w[0], c, 0, bounds[0], got.value, want.value, want.value, 0, x);
    for (size_t i = 0; i < got.first.size(); ++i) {
      judge(w[1], c, i, bounds[1], got.first[i], want.first[i], want.value, 1, x);
      judge(w[2], c, i, bounds[2], got.second[i], want.second[i], want.value, 2, x);
    }
  }
  for (size_t order = 0; order < 3; ++order) {
    double most = 0;
    for (const auto& [backend, orders] : worst) most = std::max(most, orders[order].excess);
    RecordProperty(fmt::format("of_bound_{}", order), fmt::format("{:.2f}", most));
  }
  for (const auto& [backend, orders] : worst) {
    for (size_t order = 0; order < 3; ++order) {
      const Worst& w = orders[order];
      EXPECT_LE(w.excess, 1) << c.name() << " on " << backend << ", order " << order << ", at"
                             << at_text(x, w.at) << ": " << w.got << " for " << w.want;
    }
  }
}

// Every 7th bfloat16 there is: derivatives of what is computed in float32, rounded.
TEST_P(Elementwise, DerivativesOfBFloat16AreThoseOfSingleRounded) {
  const Case& c = op();
  if (c.operands > 1 || !Registry::global().get(c.op).no_gradient.empty()) return;
  std::vector<double> values;
  for (uint32_t bits = 0; bits < 65536; bits += 7) {
    const float v = std::bit_cast<float>(bits << 16);
    if (std::isfinite(v)) values.push_back(v);
  }
  const std::vector<std::vector<double>> x = {values};
  const Results want = run(c, DType::kFloat64, "reference", x);
  for (const char* backend : {"reference", "auto"}) {
    const Results got = run(c, DType::kBFloat16, backend, x);
    const Bounds bounds = bounds_of(c.name(), backend);
    std::array<Worst, 2> w;
    // Half a unit in the last of 8 bits, and the smallest subnormal number.
    const auto rounded = [](const Bound& b) {
      return Bound{b.relative + 0x1p-8, b.absolute + 1e-40};
    };
    judge(w[0], c, 0, rounded(bounds[1]), got.first[0], want.first[0], want.value, 1, x);
    judge(w[1], c, 0, rounded(bounds[2]), got.second[0], want.second[0], want.value, 2, x);
    for (size_t order = 0; order < 2; ++order)
      EXPECT_LE(w[order].excess, 1)
          << c.name() << " on " << backend << ", order " << order + 1 << ", at"
          << at_text(x, w[order].at) << ": " << w[order].got << " for " << w[order].want;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Elementwise, testing::Range(size_t{0}, all_cases().size()),
                         [](const auto& info) {
                           return fmt::format("{}_{}", all_cases()[info.param].op, info.param);
                         });

TEST(ElementwiseTable, HoldsEveryOpWithADerivative) {
  register_ops();
  for (const std::string& name : Registry::global().names()) {
    const OpRecord& op = Registry::global().get(name);
    if (!op.is_elementwise() || op.gradient || !op.no_gradient.empty()) continue;
    if (name == "select") continue;  // its condition is bool; ties_test.cc has it
    EXPECT_TRUE(std::ranges::any_of(all_cases(), [&](const Case& c) { return c.op == name; }))
        << name << " has no sample with one or two float32 operands";
  }
}

}  // namespace
}  // namespace sinter::contract

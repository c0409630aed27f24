// Powers of all sizes by base and exponent, and products of groups with zeros among them: their
// derivatives to the third order. ops/README.md has the rule for powers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/graph.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/load.h"
#include "tests/contract/run.h"

namespace sinter::contract {
namespace {

// Derivatives of x^n to the third order, n a number and n a tensor, from subnormal to huge: what
// float32 has is finite, and right. n (n - 1) (n - 2) x^(n - 3) is 0 where its factor is.
TEST(PowersOfAllSizes, AreFiniteWhereMathematicsIs) {
  register_ops();
  std::vector<double> bases;
  for (double size : {1e-45, 1e-40, 1.2e-38, 1e-30, 1e-20, 3e-20, 1e-19, 1e-13, 1e-8, 1e-3, 0.7, 1.,
                      2.5, 1e4, 1e10, 1e13, 1e19, 1e25, 1e38}) {
    bases.push_back(static_cast<float>(size));
    bases.push_back(static_cast<float>(-size));
  }
  bases.push_back(0);
  const auto count = static_cast<int64_t>(bases.size());
  const Tensor x = Tensor::from<double>(Shape{count}, bases).cast(DType::kFloat32);
  for (const double n :
       {0., 1., 2., 3., 4., 0.5, -0.5, -1., -2., 1.5, 1e-3, -1e-3, 1e-20, 0.14, 0.16, -0.99}) {
    // n - 1, n - 2 ... are rounded, and that times the logarithm is an error of the result.
    const double relative = n == std::round(4 * n) / 4 ? 2e-6 : 1e-5;
    for (const bool is_tensor : {false, true}) {
      Graph g("power");
      const Symbol a = g.input("a", x.type()), b = g.input("b", x.type());
      const Symbol wrt[] = {a};
      Symbol y = is_tensor ? power(a, b) : power(a, n);
      for (int order = 0; order <= 3; ++order) {
        g.add_output(fmt::format("d{}", order), y.id());
        if (order < 3) y = gradients(std::vector{y}, wrt)[0];
      }
      const Tensor exponents = Tensor::full(DType::kFloat32, {count}, n);
      for (const std::string& backend : backend_names()) {
        const std::vector<Tensor> d = run(g, backend, {x, exponents});
        double factor = 1;
        for (int order = 0; order <= 3; ++order) {
          for (int64_t i = 0; i < count; ++i) {
            const double base = bases[static_cast<size_t>(i)];
            if (base <= 0 && n != std::floor(n)) continue;
            const double want =
                factor == 0 ? 0 : factor * std::pow(base, static_cast<float>(n) - order);
            const double got = d[static_cast<size_t>(order)].at(i);
            const std::string where =
                fmt::format("derivative {} of {}^{}{} on {}: {} for {}", order, base, n,
                            is_tensor ? " (tensor)" : "", backend, got, want);
            // Near the largest number the last rounding decides.
            if (std::fabs(want) > 3.3e38)
              EXPECT_TRUE(std::fabs(got) > 3e38) << where;
            else
              EXPECT_LE(std::fabs(got - want), relative * std::fabs(want) + 1.2e-38) << where;
          }
          factor *= static_cast<float>(n) - order;
        }
      }
    }
  }
}

using Long = long double;

// The derivative of a^b, `by_base` times by a and `by_exponent` times by b, for a > 0, as the terms
// of a^(b-n) p(b) log(a)^m.
std::vector<Long> terms_of(Long a, Long b, int by_base, int by_exponent) {
  std::vector<Long> p = {1};  // b (b - 1) ... (b - n + 1), by powers of b
  for (int n = 0; n < by_base; ++n) {
    std::vector<Long> next(p.size() + 1, 0);
    for (size_t i = 0; i < p.size(); ++i) {
      next[i + 1] += p[i];
      next[i] -= n * p[i];
    }
    p = next;
  }
  std::vector<Long> terms;
  Long choose = 1;
  for (int j = 0; j <= by_exponent; ++j) {
    for (size_t i = 0; i < p.size(); ++i)
      terms.push_back(choose * p[i] * std::pow(b, static_cast<Long>(i)) *
                      std::pow(std::log(a), static_cast<Long>(by_exponent - j)) *
                      std::pow(a, b - static_cast<Long>(by_base)));
    for (size_t i = 0; i + 1 < p.size(); ++i) p[i] = static_cast<Long>(i + 1) * p[i + 1];
    p.back() = 0;
    choose = choose * static_cast<Long>(by_exponent - j) / static_cast<Long>(j + 1);
  }
  return terms;
}

// Base and exponent both far out, and at random: near 1, near where a power over- or underflows.
// What float32 has is within 5e-5 of the largest term, and what it has not is infinite, of the
// right sign. Of mixed derivatives it is asked where what their terms are made of, a^b log(a)^2 or
// a^b / a, neither overflows nor dies out on the way, and no term is beyond 1e38.
TEST(PowersOfAllSizes, HaveDerivativesByBaseAndExponent) {
  register_ops();
  std::vector<double> bases, exponents;
  for (const double a : {1e-45, 1e-40, 1.2e-38, 1e-30, 1e-20, 1e-10, 1e-3, 0.3, 1., 1.000009, 2.5,
                         1e3, 1e10, 1e20, 1e30, 3e38}) {
    for (const double b :
         {0.,  1e-40, 1.2e-38, 1e-30, 1e-20, 1e-10, 1e-3, 0.01, 0.1,  0.14, 0.149, 0.151, 0.16, 0.5,
          0.9, 1.,    1.1,     2.,    2.5,   3.,    4.,   10.,  100., 1e4,  1e7,   1e20,  3e38}) {
      for (const double sign : {1., -1.}) {
        bases.push_back(static_cast<float>(a));
        exponents.push_back(static_cast<float>(sign * b));
      }
    }
    bases.push_back(static_cast<float>(a));  // x^x
    exponents.push_back(static_cast<float>(a));
  }
  std::mt19937_64 random(7);
  const auto between = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() >> 11) * 0x1p-53;
  };
  for (int i = 0; i < 20000; ++i) {
    const double near_one = 1 + std::exp2(between(-23, 0)) * (random() % 2 == 0 ? 1 : -0.5);
    const std::array<double, 4> a = {std::exp2(between(-149, 128)), near_one,
                                     std::exp2(std::round(between(-149, 127))), between(0.1, 20)};
    bases.push_back(static_cast<float>(a[random() % a.size()]));
    const double log2 = std::log2(bases.back());
    const double to_the_edge = between(-126, 128) / (log2 == 0 ? 1 : log2);
    const std::array<double, 6> b = {std::exp2(between(-126, 27)) * (random() % 2 == 0 ? 1 : -1),
                                     to_the_edge,
                                     std::round(to_the_edge),
                                     between(-0.2, 0.2),
                                     std::round(between(-9, 9)),
                                     between(-20, 20)};
    exponents.push_back(static_cast<float>(b[random() % b.size()]));
  }
  const auto count = static_cast<int64_t>(bases.size());
  const std::vector<Tensor> in = {
      Tensor::from<double>(Shape{count}, bases).cast(DType::kFloat32),
      Tensor::from<double>(Shape{count}, exponents).cast(DType::kFloat32)};
  Graph g("power");
  const Symbol a = g.input("a", in[0].type()), b = g.input("b", in[1].type());
  // By how often each, in every order: a^b has one derivative whichever comes first.
  std::vector<std::pair<int, int>> counts;
  std::vector<std::string> orders;
  const auto add = [&](auto& self, Symbol y, const std::string& by) -> void {
    g.add_output("d" + by, y.id());
    orders.push_back(by);
    const auto bases_in = static_cast<int>(std::ranges::count(by, 'a'));
    counts.emplace_back(bases_in, static_cast<int>(by.size()) - bases_in);
    if (by.size() == 3) return;
    for (const auto& [name, wrt] : {std::pair{"a", a}, std::pair{"b", b}}) {
      const Symbol list[] = {wrt};
      self(self, gradients(std::vector{y}, list)[0], by + name);
    }
  };
  add(add, power(a, b), "");
  constexpr Long kMost = 3.4e38L;
  size_t finite = 0;
  for (const std::string& backend : backend_names()) {
    const std::vector<Tensor> d = run(g, backend, in);
    for (size_t k = 0; k < d.size(); ++k) {
      for (int64_t i = 0; i < count; ++i) {
        const auto at = static_cast<size_t>(i);
        // A subnormal exponent has few digits, and so has what it is multiplied by.
        if (exponents[at] != 0 && std::fabs(exponents[at]) < 1.17e-38) continue;
        // Of what is no finite number derivatives are not promised.
        if (!std::isfinite(
                static_cast<float>(std::pow(static_cast<Long>(bases[at]), exponents[at]))))
          continue;
        Long want = 0, largest = 0;
        for (const Long t : terms_of(bases[at], exponents[at], counts[k].first, counts[k].second)) {
          want += t;
          largest = std::max(largest, std::fabs(t));
        }
        const double got = d[k].at(i);
        const std::string where =
            fmt::format("derivative {} of {}^{} on {}: {} for {}", orders[k], bases[at],
                        exponents[at], backend, got, static_cast<double>(want));
        const bool mixed = counts[k].first > 0 && counts[k].second > 0;
        if (mixed) {
          const Long base = bases[at], exponent = exponents[at];
          const Long y = std::pow(base, exponent), logarithm = std::log(base);
          const Long least = std::min(y, std::pow(base, exponent + 1 - counts[k].first));
          const Long most = std::max(y * logarithm * logarithm, 1 / base);
          if (least < 1e-36L || most > kMost || largest > 1e38L || std::fabs(want) > 1e38L ||
              std::fabs(exponent) > 1e8L)
            continue;
        }
        if (std::fabs(want) < 1e-15L * largest) want = 0;
        if (std::fabs(want) > 1.0001L * kMost) {
          EXPECT_TRUE(std::fabs(got) > 3.3e38 && (got > 0) == (want > 0)) << where;
        } else if (largest < 0.9999L * kMost) {
          ++finite;
          EXPECT_LE(std::fabs(got - want), 5e-5L * largest + 1.2e-38L) << where;
        }
      }
    }
  }
  EXPECT_GT(finite, 200000U * backend_names().size());
}

// x^x, whose derivative is x^x (log x + 1), and (x^x)'' = x^x ((log x + 1)^2 + 1 / x).
TEST(PowersOfAllSizes, OfThemselves) {
  register_ops();
  const std::vector<double> points = {1e-40, 1e-37, 1e-30, 1e-20, 1e-3, 0.5, 3};
  const auto count = static_cast<int64_t>(points.size());
  Graph g("power");
  const Symbol x = g.input("x", {DType::kFloat32, {count}});
  const Symbol wrt[] = {x};
  const Symbol first = gradients(std::vector{power(x, x)}, wrt)[0];
  g.add_output("first", first.id());
  g.add_output("second", gradients(std::vector{first}, wrt)[0].id());
  for (const std::string& backend : backend_names()) {
    const std::vector<Tensor> d =
        run(g, backend, {Tensor::from<double>(Shape{count}, points).cast(DType::kFloat32)});
    for (int64_t i = 0; i < count; ++i) {
      const double p = static_cast<float>(points[static_cast<size_t>(i)]);
      const double first_want = std::pow(p, p) * (std::log(p) + 1);
      EXPECT_NEAR(d[0].at(i) / first_want, 1, 1e-5) << backend << " at " << p;
      if (p < 1e-38) continue;  // 1 / x is beyond float32
      const double want = std::pow(p, p) * (std::pow(std::log(p) + 1, 2) + 1 / p);
      EXPECT_NEAR(d[1].at(i) / want, 1, 1e-5) << backend << " at " << p;
    }
  }
}

// --- products

// f_1 = gradient of prod, f_2 that of the sum of f_1, f_3 that of the sum of f_2: at each factor
// the sum, over all ways to take n - 1 others away one after the other, of the product of what is
// left. Groups have from no zero to all of them.
TEST(ProductsOfGroups, HaveDerivativesToTheThirdOrderWhateverIsZero) {
  register_ops();
  constexpr int64_t kFactors = 5, kRows = 32;
  std::vector<double> values;
  for (int64_t row = 0; row < kRows; ++row) {
    for (int64_t i = 0; i < kFactors; ++i)
      values.push_back((row >> i & 1) != 0 ? 0 : static_cast<double>(i) - 1.5);
  }
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    const Tensor in = Tensor::from<double>(Shape{kRows, kFactors}, values).cast(dtype);
    Graph g("product");
    const Symbol x = g.input("x", in.type());
    const Symbol wrt[] = {x};
    Symbol y = prod(x, {1});
    for (int order = 1; order <= 3; ++order) {
      y = gradients(std::vector{sum(y)}, wrt)[0];
      g.add_output(fmt::format("f{}", order), y.id());
    }
    for (const std::string& backend : backend_names()) {
      const std::vector<Tensor> f = run(g, backend, {in});
      for (int64_t row = 0; row < kRows; ++row) {
        const auto product_without = [&](int64_t a, int64_t b, int64_t c) {
          double product = 1;
          for (int64_t i = 0; i < kFactors; ++i) {
            if (i != a && i != b && i != c)
              product *= values[static_cast<size_t>(row * kFactors + i)];
          }
          return product;
        };
        for (int64_t l = 0; l < kFactors; ++l) {
          std::array<double, 3> want = {product_without(l, l, l), 0, 0};
          for (int64_t i = 0; i < kFactors; ++i) {
            if (i == l) continue;
            want[1] += product_without(l, i, i);
            for (int64_t k = 0; k < kFactors; ++k) {
              if (k != l && k != i) want[2] += product_without(l, i, k);
            }
          }
          for (size_t order = 0; order < 3; ++order)
            EXPECT_NEAR(f[order].at(row * kFactors + l), want[order], 1e-4)
                << "derivative " << order + 1 << " by factor " << l << " of row " << row << " on "
                << backend;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sinter::contract

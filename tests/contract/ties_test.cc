// What gradients are where a function bends, and that NaN and infinities come through: on every
// backend the same. ops/README.md has the table, runtime/README.md the promise.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/error.h"
#include "core/graph.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/load.h"
#include "tests/contract/run.h"

namespace sinter::contract {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();

struct Tie {
  const char* name;
  std::function<Symbol(Symbol)> f;
  std::vector<double> x, gradient;
};

// The gradients of Keras 3 on TensorFlow 2, as computed there.
const std::vector<Tie>& ties() {
  static const std::vector<Tie> all = {
      {"relu", [](Symbol x) { return relu(x); }, {-1, 0, 1}, {0, 0, 1}},
      {"relu6", [](Symbol x) { return relu6(x); }, {0, 3, 6}, {0, 1, 0}},
      {"leaky_relu", [](Symbol x) { return leaky_relu(x, 0.2); }, {-1, 0, 1}, {0.2, 0.2, 1}},
      {"elu", [](Symbol x) { return elu(x); }, {0, 1}, {1, 1}},
      {"elu_half", [](Symbol x) { return elu(x, 0.5); }, {0, 1}, {0.5, 1}},
      {"selu", [](Symbol x) { return selu(x); }, {0, 1}, {1.0507009873554805, 1.0507009873554805}},
      {"hard_sigmoid", [](Symbol x) { return hard_sigmoid(x); }, {-3, 0, 3}, {0, 1.0 / 6, 0}},
      {"squareplus_0", [](Symbol x) { return squareplus(x, 0.0); }, {-1e-30, 0, 1e-30}, {0, 0, 1}},
      {"celu_0", [](Symbol x) { return celu(x, 0.0); }, {-1, 0, 1}, {0, 0, 1}},
      {"abs", [](Symbol x) { return abs(x); }, {-1, 0, 1}, {-1, 0, 1}},
      {"sign", [](Symbol x) { return sign(x); }, {-1, 0, 1}, {0, 0, 0}},
      {"floor", [](Symbol x) { return floor(x); }, {1, 1.5}, {0, 0}},
      {"clip", [](Symbol x) { return clip(x, -1, 1); }, {-2, -1, 0, 1, 2}, {0, 1, 1, 1, 0}},
      {"maximum_x_0", [](Symbol x) { return maximum(x, 0.0); }, {-1, 0, 1}, {0, 1, 1}},
      {"maximum_0_x", [](Symbol x) { return maximum(0.0, x); }, {-1, 0, 1}, {0, 0, 1}},
      {"minimum_x_0", [](Symbol x) { return minimum(x, 0.0); }, {-1, 0, 1}, {1, 1, 0}},
      {"minimum_0_x", [](Symbol x) { return minimum(0.0, x); }, {-1, 0, 1}, {1, 0, 0}},
      {"maximum_x_x", [](Symbol x) { return maximum(x, x); }, {1, -2}, {1, 1}},
      {"reduce_max", [](Symbol x) { return reduce_max(x); }, {1, 2, 2, 0}, {0, 0.5, 0.5, 0}},
      {"reduce_min",
       [](Symbol x) { return reduce_min(x); },
       {1, 2, 1, 1},
       {1.0 / 3, 0, 1.0 / 3, 1.0 / 3}},
      {"maxout", [](Symbol x) { return maxout(x, 2); }, {1, 1, 3, 2}, {0.5, 0.5, 1, 0}},
      {"softsign", [](Symbol x) { return softsign(x); }, {0, 1}, {1, 0.25}},
      {"select", [](Symbol x) { return select(greater(x, 0.0), x, 0.0); }, {-1, 0, 1}, {0, 0, 1}},
      // Not Keras's: 0 / 0 there.
      {"norm", [](Symbol x) { return norm(x); }, {0, 0, 0}, {0, 0, 0}},
      {"norm_3_4", [](Symbol x) { return norm(x); }, {3, 4}, {0.6, 0.8}},
  };
  return all;
}

Tensor tensor(const std::vector<double>& values, DType dtype = DType::kFloat32) {
  return Tensor::from<double>(Shape{static_cast<int64_t>(values.size())}, values).cast(dtype);
}

class Ties : public testing::TestWithParam<Tie> {};

TEST_P(Ties, AreThoseOfTheTable) {
  register_ops();
  const auto& [name, f, values, gradient] = GetParam();
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    const Tensor in = tensor(values, dtype);
    Graph g("tie");
    const Symbol x = g.input("x", in.type());
    const Symbol wrt[] = {x};
    const Symbol first = gradients(sum(f(x)), wrt)[0];
    // Piecewise linear functions bend without curving.
    const Symbol second = gradients(sum(first), wrt)[0];
    g.add_output("first", first.id());
    g.add_output("second", second.id());
    for (const std::string& backend : backend_names()) {
      for (const bool passes : {true, false}) {
        const std::vector<Tensor> d = run(g, backend, {in}, passes);
        const std::string where =
            fmt::format("{} on {}{}", name, backend, passes ? "" : " without passes");
        const bool curves = name == std::string("softsign") || name == std::string("selu") ||
                            std::string(name).starts_with("elu") ||
                            std::string(name).starts_with("norm_");
        for (int64_t i = 0; i < in.elements(); ++i) {
          EXPECT_NEAR(d[0].at(i), gradient[static_cast<size_t>(i)], 1e-6)
              << where << " at " << in.at(i);
          EXPECT_TRUE(std::isfinite(d[1].at(i))) << where << " at " << in.at(i);
          if (!curves) EXPECT_EQ(d[1].at(i), 0) << where << " at " << in.at(i);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Ties, testing::ValuesIn(ties()),
                         [](const auto& info) { return std::string(info.param.name); });

// x^n at 0, to high order, and by the exponent.
TEST(Powers, AtZero) {
  register_ops();
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    const auto orders = [&](const std::function<Symbol(Symbol)>& f, int count, const Tensor& in) {
      Graph g("orders");
      const Symbol x = g.input("x", in.type());
      const Symbol wrt[] = {x};
      Symbol y = f(x);
      for (int i = 0; i <= count; ++i) {
        g.add_output(fmt::format("d{}", i), y.id());
        if (i < count) y = gradients(sum(y), wrt)[0];
      }
      return g;
    };
    for (const std::string& backend : backend_names()) {
      const auto expect = [&](const char* name, const std::function<Symbol(Symbol)>& f,
                              const std::vector<double>& at,
                              const std::vector<std::vector<double>>& want) {
        const Tensor in = tensor(at, dtype);
        const std::vector<Tensor> d =
            run(orders(f, static_cast<int>(want.size()) - 1, in), backend, {in});
        for (size_t order = 0; order < want.size(); ++order) {
          for (size_t i = 0; i < at.size(); ++i)
            EXPECT_NEAR(d[order].at(static_cast<int64_t>(i)), want[order][i], 2e-5)
                << name << " of order " << order << " at " << at[i] << " on " << backend;
        }
      };
      expect("x^4", [](Symbol x) { return power(x, 4.0); }, {-1, 0, 1},
             {{1, 0, 1}, {-4, 0, 4}, {12, 0, 12}, {-24, 0, 24}, {24, 24, 24}, {0, 0, 0}});
      expect("x^3", [](Symbol x) { return power(x, 3.0); }, {-2, 0},
             {{-8, 0}, {12, 0}, {-12, 0}, {6, 6}, {0, 0}});
      expect("x^1", [](Symbol x) { return power(x, 1.0); }, {0, -2},
             {{0, -2}, {1, 1}, {0, 0}, {0, 0}});
      expect("x^0", [](Symbol x) { return power(x, 0.0); }, {0, -2}, {{1, 1}, {0, 0}, {0, 0}});
      expect("x^1.5", [](Symbol x) { return power(x, 1.5); }, {0, 1}, {{0, 1}, {0, 1.5}});
      expect("exp(-x^2)", [](Symbol x) { return exp(-power(x, 2.0)); }, {0},
             {{1}, {0}, {-2}, {0}, {12}});
      // The exponent is a value: nothing is known of it when the derivative is taken.
      Graph g("exponents");
      const std::vector<double> bases = {0, 2, -2, 0, 0, 5, 0}, exponents = {1, 1, 3, 2, 0, 0, 3};
      const Tensor a = tensor(bases, dtype), b = tensor(exponents, dtype);
      const Symbol x = g.input("a", a.type()), n = g.input("b", b.type());
      const Symbol wrt[] = {x, n};
      const std::vector<Symbol> first = gradients(sum(power(x, n)), wrt);
      const std::vector<Symbol> by_base = gradients(sum(first[0]), wrt);
      for (const Symbol& s : {first[0], first[1], by_base[0], by_base[1]})
        g.add_output(fmt::format("o{}", g.outputs().size()), s.id());
      const std::vector<Tensor> d = run(g, backend, {a, b});
      const double by_a[] = {1, 1, 12, 0, 0, 0, 0}, twice[] = {0, 0, -12, 2, 0, 0, 0};
      for (int64_t i = 0; i < a.elements(); ++i) {
        EXPECT_NEAR(d[0].at(i), by_a[i], 2e-5) << i << " on " << backend;
        EXPECT_NEAR(d[2].at(i), twice[i], 2e-5) << i << " on " << backend;
      }
      EXPECT_NEAR(d[1].at(0), 0, 1e-6);
      EXPECT_NEAR(d[1].at(1), 2 * std::log(2.0), 1e-5);
      EXPECT_EQ(d[1].at(3), 0);
      EXPECT_NEAR(d[3].at(5), 0.2, 1e-6) << "of b a^(b-1) by b, where b is 0, on " << backend;
    }
  }
}

// A parameter of an op is a number of the dtype beside it: what is too small is 0. Bits are those
// of the limit.
TEST(ParametersThatTheirDTypeHasNot, AreZero) {
  register_ops();
  using Op = std::function<Symbol(Symbol, double)>;
  const std::vector<std::pair<std::string, Op>> functions = {
      {"squareplus", [](Symbol x, double b) { return squareplus(x, b); }},
      {"celu", [](Symbol x, double alpha) { return celu(x, alpha); }},
      {"elu", [](Symbol x, double alpha) { return elu(x, alpha); }},
      {"leaky_relu", [](Symbol x, double slope) { return leaky_relu(x, slope); }},
      {"swish", [](Symbol x, double beta) { return swish(x, beta); }},
      {"soft_shrink", [](Symbol x, double t) { return soft_shrink(x, t); }},
      {"normalize", [](Symbol x, double epsilon) { return normalize(x, -1, epsilon); }},
      {"add", [](Symbol x, double n) { return x + n; }},
      {"multiply", [](Symbol x, double n) { return x * n; }},
      {"divide", [](Symbol x, double n) { return x / n; }},
      {"divide_no_nan", [](Symbol x, double n) { return divide_no_nan(x, n); }},
      {"power", [](Symbol x, double n) { return power(x, n); }}};
  const Tensor in = Tensor::from<float>(
      Shape{1, 11}, {0, -0.f, 1e-45f, -1e-45f, 1e-36f, -1e-36f, 1, -1, 3e38f, -3e38f, 5});
  for (const auto& [name, f] : functions) {
    Graph g("parameters");
    const Symbol x = g.input("x", in.type());
    const Symbol wrt[] = {x};
    for (const double parameter : {0.0, 1e-70}) {
      Symbol y = f(x, parameter);
      for (int order = 0; order < 3; ++order) {
        g.add_output(fmt::format("o{}", g.outputs().size()), y.id());
        if (order < 2) y = gradients(std::vector{sum(y)}, wrt)[0];
      }
    }
    for (const std::string& backend : backend_names()) {
      const std::vector<Tensor> d = run(g, backend, {in});
      for (size_t order = 0; order < 3; ++order) {
        for (int64_t i = 0; i < in.elements(); ++i) {
          const double zero = d[order].at(i), tiny = d[3 + order].at(i);
          const std::string where = fmt::format("{} of {} on {}, order {}: {} and {}", name,
                                                in.at(i), backend, order, zero, tiny);
          EXPECT_TRUE(zero == tiny || (std::isnan(zero) && std::isnan(tiny))) << where;
          if (name != "divide") EXPECT_FALSE(std::isnan(tiny)) << where;
        }
      }
    }
  }
}

TEST(ParametersThatTheirDTypeHasNot, AreRefusedWhereTheyOverflow) {
  register_ops();
  for (const auto f :
       {+[](Symbol x) { return squareplus(x, 1e300); },
        +[](Symbol x) { return squareplus(x, 1e39); }, +[](Symbol x) { return celu(x, 1e300); },
        +[](Symbol x) { return elu(x, 1e300); }, +[](Symbol x) { return swish(x, 1e300); },
        +[](Symbol x) { return leaky_relu(x, 1e300); },
        +[](Symbol x) { return normalize(x, -1, 1e300); }, +[](Symbol x) { return x + 1e300; }}) {
    Graph g("parameters");
    EXPECT_THROW(f(g.input("x", {DType::kFloat32, Shape{3}})), ShapeError);
    EXPECT_NO_THROW(f(g.input("y", {DType::kFloat64, Shape{3}})));
  }
}

// One row of zeros must not make NaN of all weights.
TEST(ZeroRows, HaveFiniteGradients) {
  register_ops();
  const Tensor in = Tensor::from<float>(Shape{4, 3}, {0, 0, 0, 1, 2, 2, 1e-30f, 0, 0, -3, 0, 4});
  for (const std::string& backend : backend_names()) {
    Graph g("rows");
    const Symbol x = g.input("x", in.type());
    const Symbol wrt[] = {x};
    const Symbol length = norm(x, {-1}), unit = normalize(x);
    const Symbol weights = g.constant(Tensor::from<float>(Shape{3}, {1, -2, 0.5f}));
    const Symbol of_length = gradients(sum(square(length)), wrt)[0];
    const Symbol of_unit = gradients(sum(unit * broadcast_to(weights, x.shape())), wrt)[0];
    const Symbol again = gradients(sum(square(of_unit) + of_length), wrt)[0];
    for (const Symbol& s : {length, unit, of_length, of_unit, again})
      g.add_output(fmt::format("o{}", g.outputs().size()), s.id());
    const std::vector<Tensor> d = run(g, backend, {in});
    for (const Tensor& t : {d[0], d[1], d[2]}) {
      for (int64_t i = 0; i < t.elements(); ++i)
        EXPECT_TRUE(std::isfinite(t.at(i))) << backend << " " << i;
    }
    for (const Tensor& t : {d[3], d[4]}) {
      for (int64_t i = 0; i < t.elements(); ++i)
        EXPECT_FALSE(std::isnan(t.at(i))) << backend << " " << i;
    }
    EXPECT_NEAR(d[0].at(1), 3, 1e-6);
    for (int64_t i = 0; i < 3; ++i) EXPECT_NEAR(d[1].at(3 + i), i == 0 ? 1.0 / 3 : 2.0 / 3, 1e-6);
    for (int64_t i = 0; i < in.elements(); ++i)
      EXPECT_NEAR(d[2].at(i), 2 * in.at(i), 1e-5) << backend;
    // Near 0 the function is x / epsilon, as in Keras.
    EXPECT_EQ(d[1].at(0), 0);
    EXPECT_NEAR(d[3].at(1), -2e7, 10);
  }
}

// --- NaN and infinities

const std::vector<std::string>& activations() {
  static const std::vector<std::string> names = activation_names();
  return names;
}

class NotANumber : public testing::TestWithParam<std::string> {};

// Alone, NaN stays where it is; behind a dense layer it takes its whole row and no other.
TEST_P(NotANumber, ComesThroughActivations) {
  register_ops();
  for (const std::string& backend : backend_names()) {
    for (const int64_t width : {4, GetParam() == "glu" ? 38 : 37}) {
      Tensor in = Tensor::full(DType::kFloat32, {3, width}, 0.5);
      in.set(width + 1, kNan);
      Tensor identity(DType::kFloat32, {width, width});
      for (int64_t i = 0; i < width; ++i) identity.set(i * width + i, 1);
      for (const bool behind_dense : {false, true}) {
        Graph g("activation");
        const Symbol x = g.input("x", in.type());
        const Symbol h = behind_dense ? dense(x, g.constant(identity)) : x;
        g.add_output("y", activation(GetParam(), h).id());
        CompileOptions options;
        options.backend = backend;
        const Tensor y = compile(g, options)->run(std::vector<Tensor>{in})[0];
        const int64_t out = y.shape()[1];  // glu halves rows
        const bool whole = behind_dense || GetParam().find("max") != std::string::npos;
        for (int64_t i = 0; i < y.elements(); ++i) {
          const bool want = whole ? i / out == 1 : i == out + 1;
          EXPECT_EQ(std::isnan(y.at(i)), want)
              << GetParam() << (behind_dense ? " behind dense" : "") << " on " << backend
              << ", width " << width << ", element " << i;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, NotANumber, testing::ValuesIn(activations()),
                         [](const auto& info) { return info.param; });

TEST(SpecialValues, OfRowsAreThoseOfTheReference) {
  register_ops();
  const std::vector<std::vector<double>> rows = {{1, 2, 3, 4},
                                                 {kNan, 2, 3, 4},
                                                 {1, -kInfinity, 3, 4},
                                                 {1, kInfinity, 3, 4},
                                                 {-kInfinity, -kInfinity, -kInfinity, -kInfinity},
                                                 {-1e4, -2e4, -1e4, -3e4},
                                                 {1e-45, 0, -0.0, -1e-45},
                                                 {3e38, -3e38, 3e38, 0}};
  // Its sum or product overflows in some orders, and the order is free.
  const size_t without_last = rows.size() - 1;
  const std::vector<std::pair<std::string, std::function<Symbol(Symbol)>>> functions = {
      {"softmax", [](Symbol x) { return softmax(x); }},
      {"log_softmax", [](Symbol x) { return log_softmax(x); }},
      {"sum", [](Symbol x) { return sum(x, {-1}); }},
      {"prod", [](Symbol x) { return prod(x, {-1}); }},
      {"mean", [](Symbol x) { return mean(x, {-1}); }},
      {"reduce_max", [](Symbol x) { return reduce_max(x, {-1}); }},
      {"reduce_min", [](Symbol x) { return reduce_min(x, {-1}); }},
      {"argmax", [](Symbol x) { return argmax(x); }},
      {"norm", [](Symbol x) { return norm(x, {-1}); }},
      {"normalize", [](Symbol x) { return normalize(x); }},
      {"maximum", [](Symbol x) { return maximum(x, 0.5); }},
      {"minimum", [](Symbol x) { return minimum(x, 0.5); }},
      {"clip", [](Symbol x) { return clip(x, -1, 1); }},
      {"divide", [](Symbol x) { return x / 0.0; }},
      {"dense", [](Symbol x) { return dense(x, full_like(transpose(x), 0.1)); }},
      {"batch_norm",
       [](Symbol x) {
         const Symbol ones = ones_like(slice(reshape(x, Shape{x.shape().elements()}), 0, 0, 4));
         return batch_norm_inference(x, ones, ones, ones, ones, 1e-3);
       }},
      {"transpose", [](Symbol x) { return transpose(x); }},
  };
  for (const auto& [name, f] : functions) {
    const bool adds = name == "sum" || name == "prod" || name == "mean" || name == "dense";
    const size_t count = adds ? without_last : rows.size();
    Tensor in(DType::kFloat32, {static_cast<int64_t>(count), 4});
    for (size_t i = 0; i < count; ++i) {
      for (size_t k = 0; k < 4; ++k) in.set(static_cast<int64_t>(4 * i + k), rows[i][k]);
    }
    Graph g("rows");
    g.add_output("y", f(g.input("x", in.type())).id());
    const Tensor want = run(g, "reference", {in}, false)[0];
    for (const std::string& backend : backend_names()) {
      const Tensor got = run(g, backend, {in})[0];
      for (int64_t i = 0; i < want.elements(); ++i) {
        const double a = got.at(i), b = want.at(i);
        EXPECT_TRUE((std::isnan(a) && std::isnan(b)) || a == b ||
                    std::fabs(a - b) <= 2e-6 * std::fabs(b))
            << name << " on " << backend << ", element " << i << ": " << a << " for " << b;
      }
    }
  }
}

}  // namespace
}  // namespace sinter::contract

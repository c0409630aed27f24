// Elementwise ops where rounding or NaN could take over: derivatives far out keep their relative
// error, and NaN comes through values and derivatives. ops/README.md has both rules.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "core/graph.h"
#include "core/op_record.h"
#include "core/text.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/load.h"
#include "tests/contract/run.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {
namespace {

struct Tail {
  const char* op;
  Attributes attributes;
  int order;
  double from, to;
  double relative;
};

void PrintTo(const Tail& t, std::ostream* os) { *os << t.op << " " << t.order; }

// Where 1 - tanh^2, s (1 - s) or y + alpha would be the rounding of 1. Arguments of exponentials
// that are computed themselves have their rounding times the argument.
const std::vector<Tail>& tails() {
  static const std::vector<Tail> all = {
      {"elu", {}, 1, -86, -1, 1e-6},
      {"elu", {{"alpha", 0.5}}, 2, -86, -1, 1e-6},
      {"selu", {}, 1, -86, -1, 1e-6},
      {"selu", {}, 2, -86, -1, 1e-6},
      {"celu", {{"alpha", 0.5}}, 1, -43, -1, 1e-6},
      {"celu", {}, 2, -86, -1, 1e-6},
      {"expm1", {}, 1, -86, -1, 1e-6},
      {"expm1", {}, 2, -86, -1, 1e-6},
      {"softplus", {}, 2, -86, 86, 2e-6},
      {"log_sigmoid", {}, 2, -86, 86, 2e-6},
      {"swish", {}, 0, -86, -1, 1e-6},
      {"swish", {}, 1, -80, -2, 2e-6},
      {"swish", {}, 2, -80, -4, 2e-6},
      {"swish", {}, 2, 4, 80, 2e-6},
      {"mish", {}, 0, -86, -1, 1e-6},
      {"mish", {}, 1, -80, -2, 2e-6},
      {"mish", {}, 2, -80, -4, 4e-6},
      {"mish", {}, 2, 3, 19, 4e-6},
      {"gelu", {}, 2, -12, -2, 2e-5},
      {"gelu", {}, 2, 2, 12, 2e-5},
      {"gelu", {{"approximate", true}}, 0, -9, -1, 2e-5},
      {"gelu", {{"approximate", true}}, 1, -9, -2, 2e-5},
      {"tanh_shrink", {}, 2, 1, 42, 2e-6},
      {"tanh_shrink", {}, 2, -42, -1, 2e-6},
  };
  return all;
}

class Tails : public testing::TestWithParam<Tail> {};

TEST_P(Tails, KeepTheirRelativeError) {
  register_ops();
  const Tail& tail = GetParam();
  constexpr int64_t kCount = 4001;
  Tensor in(DType::kFloat32, {kCount});
  for (int64_t i = 0; i < kCount; ++i)
    in.set(i, tail.from + (tail.to - tail.from) * static_cast<double>(i) / (kCount - 1));
  const auto derivative = [&](const Tensor& x, const std::string& backend) {
    Graph g("tail");
    const Symbol input = g.input("x", x.type());
    const Symbol wrt[] = {input};
    Symbol y = g.add1(tail.op, {input}, tail.attributes);
    for (int order = 0; order < tail.order; ++order) y = gradients(std::vector{y}, wrt)[0];
    g.add_output("y", y.id());
    return run(g, backend, {x})[0];
  };
  const Tensor want = derivative(in.cast(DType::kFloat64), "reference");
  for (const std::string& backend : backend_names()) {
    const Tensor got = derivative(in, backend);
    double worst = 0, where = 0;
    for (int64_t i = 0; i < kCount; ++i) {
      const double error = std::fabs(got.at(i) - want.at(i)) / std::fabs(want.at(i));
      ASSERT_FALSE(std::isnan(error)) << tail.op << " on " << backend << " at " << in.at(i);
      if (error > worst) worst = error, where = in.at(i);
    }
    EXPECT_LE(worst, tail.relative)
        << tail.op << ", order " << tail.order << " on " << backend << " at " << where;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Tails, testing::ValuesIn(tails()), [](const auto& info) {
  return fmt::format("{}_{}_{}", info.param.op, info.param.order, info.index);
});

// --- NaN

// What the derivative is at NaN where it is a number: it does not depend on the operand, or it is
// that of the straight piece which lets NaN through. Of relu and relu6 it is 0, as on TensorFlow.
const std::map<std::string, double>& derivatives_at_nan() {
  static const std::map<std::string, double> all = {{"relu", 0},
                                                    {"relu6", 0},
                                                    {"leaky_relu", 0.2},
                                                    {"hard_shrink", 1},
                                                    {"soft_shrink", 1},
                                                    {"leaky_relu{negative_slope=0.1}", 0.1},
                                                    {"threshold", 1},
                                                    {"hard_tanh", 1},
                                                    {"clip", 1},
                                                    {"hard_sigmoid", 1. / 6},
                                                    {"sparse_sigmoid", 0.5},
                                                    {"floor", 0},
                                                    {"ceil", 0},
                                                    {"round", 0},
                                                    {"sign", 0},
                                                    {"linear", 1},
                                                    {"negative", -1},
                                                    {"cast", 1}};
  return all;
}

TEST(NotANumberAnywhere, ComesThroughEveryElementwiseOp) {
  register_ops();
  // Of two operands: the derivative by each is a sum or product with the other (0.5), and that of
  // maximum and minimum goes to the second.
  const std::map<std::string, std::array<double, 2>> of_two = {
      {"add", {1, 1}},
      {"subtract", {1, -1}},
      {"multiply", {0.5, 0.5}},
      {"maximum", {0, 1}},
      {"minimum", {0, 1}},
      {"divide", {2, kNaN}},
      {"divide_no_nan", {2, kNaN}},
      {"sigmoid_cross_entropy", {-0.5, kNaN}}};
  std::set<std::string> seen;
  for (const Sample& s : all_samples()) {
    const OpRecord& op = Registry::global().get(s.op);
    if (!op.is_elementwise() || op.gradient || !op.no_gradient.empty() || s.inputs.size() > 2)
      continue;
    bool floating = true;
    for (const InputSpec& i : s.inputs) floating = floating && i.dtype == DType::kFloat32;
    if (!floating) continue;
    const std::string name = s.op + attributes_to_text(op, s.attributes);
    if (!seen.insert(name).second) continue;
    for (size_t k = 0; k < s.inputs.size(); ++k) {
      double want = kNaN;
      for (const std::string& key : {s.op, name}) {
        if (derivatives_at_nan().contains(key)) want = derivatives_at_nan().at(key);
      }
      if (of_two.contains(s.op)) want = of_two.at(s.op)[k];
      for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
        Graph g("nan");
        std::vector<Symbol> x;
        std::vector<Tensor> in;
        for (size_t i = 0; i < s.inputs.size(); ++i) {
          x.push_back(g.input(fmt::format("x{}", i), {dtype, Shape{3}}));
          in.push_back(Tensor::full(dtype, {3}, i == k ? kNaN : 0.5));
        }
        const Symbol y = g.add1(s.op, x, s.attributes);
        if (!is_floating(y.dtype()) || y.dtype() != dtype) continue;
        const Symbol wrt[] = {x[k]};
        g.add_output("y", y.id());
        Symbol derivative = gradients(std::vector{y}, wrt)[0];
        g.add_output("d", derivative.id());
        // What curves does so to any order, but for pieces of squares, whose derivatives end.
        static const std::set<std::string> kEnding = {"abs", "square", "hard_silu", "sparse_plus"};
        const bool curves = s.inputs.size() == 1 && std::isnan(want) && !kEnding.contains(s.op);
        for (int order = 2; curves && order <= 3; ++order) {
          derivative = gradients(std::vector{derivative}, wrt)[0];
          g.add_output(fmt::format("d{}", order), derivative.id());
        }
        for (const std::string& backend : backend_names()) {
          for (const bool passes : {true, false}) {
            const std::vector<Tensor> out = run(g, backend, in, passes);
            const std::string where =
                fmt::format("{} of operand {}, {} on {}{}", name, k, dtype_name(dtype), backend,
                            passes ? "" : " without passes");
            EXPECT_TRUE(std::isnan(out[0].at(1))) << where << ": " << out[0].at(1);
            const double d = out[1].at(1);
            EXPECT_TRUE(std::isnan(want) ? std::isnan(d) : std::fabs(d - want) < 1e-6)
                << where << ": derivative " << d << " for " << want;
            for (size_t order = 2; order < out.size(); ++order)
              EXPECT_TRUE(std::isnan(out[order].at(1))) << where << ": order " << order;
          }
        }
      }
    }
  }
  EXPECT_GT(seen.size(), 50U);
}

// A bound, a slope or a scale that is NaN would make NaN or nothing of every value.
TEST(NotANumberAnywhere, IsRefusedAsAnAttribute) {
  register_ops();
  size_t refused = 0;
  for (const Sample& s : all_samples()) {
    const OpRecord& op = Registry::global().get(s.op);
    if (op.kind != KernelKind::kComposite) continue;
    for (const AttributeSpec& spec : op.attributes) {
      if (spec.type != AttributeType::kFloat) continue;
      Graph g("nan");
      std::vector<Symbol> x;
      for (size_t i = 0; i < s.inputs.size(); ++i)
        x.push_back(g.input(fmt::format("x{}", i), {s.inputs[i].dtype, s.inputs[i].shape}));
      Attributes attributes = s.attributes;
      attributes.set(spec.name, kNaN);
      try {
        g.add(s.op, x, attributes);
        ADD_FAILURE() << s.op << " takes NaN for " << spec.name;
      } catch (const ShapeError& error) {
        EXPECT_NE(std::string(error.what()).find("attribute '" + spec.name + "' is nan"),
                  std::string::npos)
            << error.what();
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 10U);
}

// Where a value is a number, so are its derivatives to the third order, out to infinity: what dies
// out (e^(-x^2) in those of erf and gelu) is not multiplied by what overflows.
TEST(NotANumberAnywhere, ComesOfNoNumberHoweverLarge) {
  register_ops();
  std::vector<double> points;
  for (const double size : {0.,  1e-45, 1e-40, 1.2e-38, 1e-20, 1e-3, 1.,   6.,   40.,  88.,
                            89., 104.,  1e3,   1e10,    1e13,  1e19, 1e20, 1e30, 3e38, HUGE_VAL}) {
    points.push_back(static_cast<float>(size));
    points.push_back(static_cast<float>(-size));
  }
  const auto count = static_cast<int64_t>(points.size());
  std::set<std::string> seen;
  for (const Sample& s : all_samples()) {
    const OpRecord& op = Registry::global().get(s.op);
    if (!op.is_elementwise() || op.gradient || !op.no_gradient.empty() || s.inputs.size() != 1 ||
        s.inputs[0].dtype != DType::kFloat32)
      continue;
    const std::string name = s.op + attributes_to_text(op, s.attributes);
    if (!seen.insert(name).second) continue;
    for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
      Graph g("far");
      const Symbol x = g.input("x", {dtype, Shape{count}});
      const Symbol wrt[] = {x};
      Symbol y = g.add1(s.op, {x}, s.attributes);
      if (!is_floating(y.dtype()) || y.dtype() != dtype) continue;
      g.add_output("y", y.id());
      for (int order = 1; order <= 3; ++order) {
        y = gradients(std::vector{y}, wrt)[0];
        g.add_output(fmt::format("d{}", order), y.id());
      }
      for (const std::string& backend : backend_names()) {
        const std::vector<Tensor> d =
            run(g, backend, {Tensor::from<double>(Shape{count}, points).cast(dtype)});
        for (size_t order = 1; order < d.size(); ++order) {
          for (int64_t i = 0; i < count; ++i) {
            EXPECT_TRUE(std::isnan(d[0].at(i)) || !std::isnan(d[order].at(i)))
                << name << ", " << dtype_name(dtype) << " on " << backend << " at "
                << points[static_cast<size_t>(i)] << ": derivative " << order << " is NaN";
          }
        }
      }
    }
  }
  EXPECT_GT(seen.size(), 40U);
}

TEST(NotANumberAnywhere, IsNoDerivativeOfGeluAndErfFarOut) {
  register_ops();
  const std::vector<double> points = {1e20, 3e38, HUGE_VAL, -1e20, -3e38, -HUGE_VAL};
  for (const char* op : {"gelu", "erf"}) {
    Graph g("far");
    const Symbol x = g.input("x", {DType::kFloat32, {6}});
    const Symbol wrt[] = {x};
    Symbol y = g.add1(op, {x});
    for (int order = 1; order <= 3; ++order) {
      y = gradients(std::vector{y}, wrt)[0];
      g.add_output(fmt::format("d{}", order), y.id());
    }
    for (const std::string& backend : backend_names()) {
      const std::vector<Tensor> d =
          run(g, backend, {Tensor::from<double>(Shape{6}, points).cast(DType::kFloat32)});
      for (int64_t i = 0; i < 6; ++i) {
        EXPECT_EQ(d[0].at(i), std::string(op) == "gelu" && i < 3 ? 1 : 0) << op << backend;
        EXPECT_EQ(d[1].at(i), 0) << op << backend;
        EXPECT_EQ(d[2].at(i), 0) << op << backend;
      }
    }
  }
}

}  // namespace
}  // namespace sinter::contract

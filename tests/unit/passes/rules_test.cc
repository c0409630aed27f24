// Tests that the rules declare by themselves: graphs of the pattern's shape (or declared samples,
// where the pattern does not say all) compute the same numbers after the rule has fired, for every
// dtype and for the values at which numbers go wrong; near misses are left alone, a second run
// changes nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "core/op_record.h"
#include "core/error.h"
#include "core/text.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "passes/rule_tables.h"
#include "runtime/compile.h"
#include "tests/support/graph_runs.h"
#include "tests/unit/passes/rule_samples.h"

namespace sinter {
namespace {

using testing_support::Feeds;
using testing_support::RuleSample;

const std::set<std::string, std::less<>> kLogical = {"logical_not", "logical_and", "logical_or"};
constexpr int64_t kRows = 64, kColumns = 48;

// Makes a graph from a pattern. Values are inputs x, y, c; the op above tells whether they are
// bool. Bit k of `swaps` swaps the operands of the k-th commutative op.
class Instance {
 public:
  explicit Instance(DType dtype, unsigned swaps = 0) : dtype_(dtype), swaps_(swaps) {}

  // False where the pattern cannot be built for the dtype.
  bool build(const Pattern& p) {
    try {
      graph.add_output("result", value(p, kLogical.contains(p.op) ? DType::kBool : dtype_).id());
      return true;
    } catch (const Error&) {
      return false;
    }
  }
  int commutative_ops() const { return commutative_; }

  Graph graph{"instance"};

 private:
  Symbol value(const Pattern& p, DType wanted) {
    const Shape shape{kRows, kColumns};
    switch (p.kind) {
      case Pattern::Kind::kValue:
        if (!values_.contains(p.name)) values_[p.name] = graph.input(p.name, {wanted, shape});
        return values_[p.name];
      case Pattern::Kind::kNumber: {
        const Tensor number = Tensor::full(wanted, {}, p.number);
        const double kept = number.at(0);
        if (kept != p.number || std::signbit(kept) != std::signbit(p.number))
          throw Error("the dtype does not have this number");
        return graph.add1("broadcast", {graph.constant(number)},
                          {{"shape", shape}, {"dims", std::vector<int64_t>{}}});
      }
      case Pattern::Kind::kOp: break;
    }
    if (p.any_operands) throw Error("the pattern leaves the operands open");
    std::vector<Symbol> operands;
    for (size_t k = 0; k < p.operands.size(); ++k) {
      const bool logical = kLogical.contains(p.op) || (p.op == "select" && k == 0);
      operands.push_back(value(p.operands[k], logical ? DType::kBool : dtype_));
    }
    if (Registry::global().get(p.op).commutative && (swaps_ >> commutative_++ & 1) != 0)
      std::swap(operands[0], operands[1]);
    return graph.add1(p.op, operands);
  }

  DType dtype_;
  unsigned swaps_;
  int commutative_ = 0;
  std::map<std::string, Symbol> values_;
};

// --- values at which numbers go wrong

template <typename T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_same_v<T, bool>) {
    return {false, true};
  } else if constexpr (std::is_integral_v<T>) {
    const auto root = static_cast<T>(std::sqrt(static_cast<double>(Limits::max())));
    return {T(0),
            T(1),
            T(2),
            T(3),
            static_cast<T>(-1),
            static_cast<T>(-3),
            Limits::max(),
            static_cast<T>(Limits::max() - 1),
            Limits::min(),
            static_cast<T>(Limits::min() + 1),
            root,
            static_cast<T>(root + 1),
            static_cast<T>(Limits::max() / 2 + 1)};
  } else {
    return {T(0),
            -T(0),
            T(1),
            T(-1),
            T(0.5),
            T(3),
            T(-2.5),
            Limits::infinity(),
            -Limits::infinity(),
            Limits::quiet_NaN(),
            -Limits::quiet_NaN(),
            Limits::max(),
            Limits::lowest(),
            Limits::min(),
            -Limits::min(),
            Limits::denorm_min(),
            -Limits::denorm_min(),
            Limits::min() / 2,
            std::sqrt(Limits::max()),
            T(1) / T(3),
            Limits::epsilon(),
            T(300),
            T(-1e10),
            T(2147483648.0),
            T(255.5)};
  }
}

Tensor special_tensor(const ValueType& type, std::mt19937& engine) {
  Tensor t(type.dtype, type.shape);
  dispatch_dtype(type.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (is_for_storage(dtype_of<T>)) {
      const std::vector<float> values = special_values<float>();
      for (T& v : t.data<T>()) v = T(values[engine() % values.size()]);
    } else {
      const std::vector<T> values = special_values<T>();
      for (T& v : t.data<T>()) v = values[engine() % values.size()];
    }
  });
  return t;
}

Feeds special_feeds(const Graph& graph, unsigned seed) {
  std::mt19937 engine(seed);
  Feeds feeds;
  for (int32_t i : graph.inputs())
    feeds.inputs.push_back(special_tensor(graph.type({i, 0}), engine));
  for (int32_t i : graph.variables())
    feeds.variables.push_back(special_tensor(graph.type({i, 0}), engine));
  return feeds;
}

// Integers by value, floats up to `tolerance` or by bits but for the payload of NaN.
std::string difference(const std::vector<Tensor>& got, const std::vector<Tensor>& want,
                       double tolerance) {
  for (size_t k = 0; k < want.size(); ++k) {
    if (!is_floating(want[k].dtype()) && !got[k].identical(want[k]))
      return "integers differ in result " + std::to_string(k);
  }
  return testing_support::compare(got, want, tolerance);
}

// --- the rules

struct NamedRule {
  std::string name;  // unique
  Rule rule;
};

std::vector<NamedRule> all_rules() {
  std::vector<NamedRule> result;
  const auto add = [&](const char* pass, std::span<const Rule> rules) {
    for (const Rule& rule : rules)
      result.push_back({pass + rule.name + "_" + std::to_string(result.size()), rule});
  };
  add("", elementwise_rules());
  add("", move_rules());
  add("cross_entropy_", cross_entropy_rules());
  add("", batch_norm_rules());
  return result;
}

Graph sample_graph(const RuleSample& sample, DType dtype) {
  std::string text;
  for (char c : sample.body) c == '$' ? text += dtype_name(dtype) : text += c;
  return parse_graph("graph \"sample\" {\n" + text + "}");
}

class Rules : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override { register_ops(); }
  Rule rule_ = all_rules()[GetParam()].rule;
  Pattern pattern_ = parse_pattern(rule_.pattern);
  int fired_ = 0;

  Graph apply(const Graph& graph) { return apply_rules(graph, RuleSet(std::span(&rule_, 1)), {}); }

  // Where the rule fires it must keep the numbers; what the reference cannot run is not met.
  bool check(const Graph& graph) {
    const Graph after = apply(graph);
    if (equal_graphs(after, graph)) return false;
    EXPECT_TRUE(equal_graphs(apply(after), after)) << "it fired again on\n" << to_text(after);
    EXPECT_NO_THROW(verify(after, "the rule"));
    const bool exact = rule_.numerics == Numerics::kExact;
    const double tolerance = exact ? 0 : 2e-6;
    for (unsigned seed = 1; seed <= 6; ++seed) {
      // Sums in another order may overflow where the others did not.
      const bool special = seed > 2 && rule_.numerics != Numerics::kReassociates;
      const Feeds feeds = special ? special_feeds(graph, seed)
                                  : testing_support::random_feeds(
                                        graph, seed, seed % 2 == 0 || !exact ? 0.1 : -2, 1.5);
      EXPECT_EQ(difference(testing_support::run_reference(after, feeds),
                           testing_support::run_reference(graph, feeds), tolerance),
                "")
          << to_text(graph) << to_text(after);
    }
    return true;
  }
};

// Do all its scalar bodies fit their dtypes?
bool runs(const Graph& graph) {
  try {
    const Graph lowered = run_pass("decompose", graph, {});
    return std::ranges::all_of(lowered.nodes(), [](const Node& node) {
      return !node.is(KernelOp::kMap) ||
             scalar_expr_fault(node.attributes.get_expr("body")).empty();
    });
  } catch (const std::exception&) {
    return false;
  }
}

TEST_P(Rules, KeepTheNumbersWhereTheyFire) {
  int fired = 0;
  for (const DType dtype : kAllDTypes) {
    Instance instance(dtype);
    if (!rule_.build && instance.build(pattern_) && runs(instance.graph))
      fired += check(instance.graph) ? 1 : 0;
    for (const RuleSample& sample : testing_support::rule_samples()) {
      if (sample.pattern != rule_.pattern || !sample.fires) continue;
      Graph graph;
      try {
        graph = sample_graph(sample, dtype);
      } catch (const Error&) {
        continue;  // no op of the sample takes this dtype
      }
      if (runs(graph)) fired += check(graph) ? 1 : 0;
    }
  }
  EXPECT_GT(fired, 0) << "nothing shows what " << rule_.pattern << " does";
}

// Each sample fires for one dtype at least, or for none.
TEST_P(Rules, SamplesShowBothSides) {
  for (const RuleSample& sample : testing_support::rule_samples()) {
    if (sample.pattern != rule_.pattern) continue;
    int fired = 0, built = 0;
    for (const DType dtype : kAllDTypes) {
      Graph graph;
      try {
        graph = sample_graph(sample, dtype);
      } catch (const Error&) {
        continue;
      }
      if (!runs(graph)) continue;
      ++built;
      fired += equal_graphs(apply(graph), graph) ? 0 : 1;
    }
    EXPECT_GT(built, 0) << sample.body;
    EXPECT_EQ(fired > 0, sample.fires) << sample.body;
  }
}

// The operands of commutative ops in any order, at any depth.
TEST_P(Rules, AnyOrderOfOperandsFires) {
  Instance first(DType::kFloat32);
  if (rule_.build || !first.build(pattern_) || equal_graphs(apply(first.graph), first.graph))
    return;
  for (unsigned swaps = 1; swaps < 1u << first.commutative_ops(); ++swaps) {
    Instance instance(DType::kFloat32, swaps);
    ASSERT_TRUE(instance.build(pattern_));
    EXPECT_FALSE(equal_graphs(apply(instance.graph), instance.graph)) << to_text(instance.graph);
  }
}

// Each number of a pattern in turn becomes another one; each value that occurs twice becomes two
// values.
void near_misses(Pattern& p, bool is_bool, const std::function<void()>& visit,
                 std::set<std::string>& seen) {
  if (p.kind == Pattern::Kind::kNumber) {
    const double number = p.number;
    p.number = is_bool ? 1 - number : number + 0.5;
    visit();
    p.number = number;
  } else if (p.kind == Pattern::Kind::kValue && !seen.insert(p.name).second) {
    p.name += "_other";
    visit();
    p.name.resize(p.name.size() - 6);
  }
  for (Pattern& operand : p.operands) near_misses(operand, is_bool, visit, seen);
}

TEST_P(Rules, NearMissesAreLeftAlone) {
  // The other bool is the near miss of a bool.
  const bool is_bool = rule_.name.starts_with("and_") || rule_.name.starts_with("or_") ||
                       rule_.name.starts_with("select_");
  Pattern pattern = pattern_;
  std::set<std::string> seen;
  near_misses(
      pattern, is_bool,
      [&] {
        Instance instance(DType::kFloat32);
        if (rule_.build || !instance.build(pattern)) return;
        EXPECT_TRUE(equal_graphs(apply(instance.graph), instance.graph)) << to_text(instance.graph);
      },
      seen);
}

INSTANTIATE_TEST_SUITE_P(All, Rules, testing::Range<size_t>(0, all_rules().size()),
                         [](const auto& info) { return all_rules()[info.param].name; });

TEST(RuleSamples, BelongToRules) {
  for (const RuleSample& sample : testing_support::rule_samples()) {
    const std::vector<NamedRule> rules = all_rules();
    EXPECT_TRUE(std::any_of(rules.begin(), rules.end(), [&](const NamedRule& r) {
      return r.rule.pattern == sample.pattern;
    })) << sample.pattern;
  }
}

TEST(RuleSyntax, BadPatternsAreBugs) {
  EXPECT_THROW(parse_pattern("add(x"), InternalError);
  EXPECT_THROW(parse_pattern("add(x,)"), InternalError);
  EXPECT_THROW(parse_pattern("add(x) y"), InternalError);
  const Pattern p = parse_pattern("outer:add(dense(...)!, -2.5)");
  EXPECT_EQ(p.name, "outer");
  EXPECT_TRUE(p.operands[0].any_operands && p.operands[0].used_once);
  EXPECT_EQ(p.operands[1].number, -2.5);
}

TEST(RuleSyntax, NamesAreUnique) {
  std::set<std::string> names;
  for (const Rule& rule : elementwise_rules())
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
  for (const Rule& rule : move_rules()) EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
}

bool fires(const Rule& rule, const Graph& graph) {
  return !equal_graphs(apply_rules(graph, RuleSet(std::span(&rule, 1)), {}), graph);
}

// What an abandoned order of operands has seen does not count.
TEST(RuleMatcher, AnAbandonedTryLeavesNothingBehind) {
  register_ops();
  Graph g("g");
  const Symbol r = g.input("r", {DType::kFloat32, {2}}), q = g.input("q", {DType::kFloat32, {2}});
  const Symbol twice = negative(negative(r));
  g.add_output("y", add(twice, negative(q)).id());
  g.add_output("also", twice.id());
  EXPECT_TRUE(fires({"t", "add(negative(x)!, negative(negative(y)))", "subtract(y, x)"}, g));
  EXPECT_FALSE(fires({"t", "add(negative(x), negative(negative(y))!)", "subtract(y, x)"}, g));
}

TEST(RuleMatcher, ChoicesInsideAreTakenBack) {
  register_ops();
  const Rule rule{"t", "add(multiply(x, y), x)", "multiply(x, add(y, 1))"};
  const Rule deep{"t", "add(multiply(add(x, y), add(y, z)), z)", "x"};
  for (unsigned order = 0; order < 16; ++order) {
    Graph g("g");
    const ValueType type{DType::kFloat32, {2}};
    const Symbol a = g.input("a", type), b = g.input("b", type);
    const auto in_order = [&](unsigned bit, Symbol (*op)(Operand, Operand), Symbol x, Symbol y) {
      return (order >> bit & 1) != 0 ? op(y, x) : op(x, y);
    };
    const Symbol flat = in_order(0, add, in_order(1, multiply, a, b), a);
    g.add_output("flat", flat.id());
    EXPECT_TRUE(fires(rule, g)) << to_text(g);
    Graph d("d");
    const Symbol x = d.input("x", type), y = d.input("y", type), z = d.input("z", type);
    d.add_output(
        "y",
        in_order(0, add, in_order(1, multiply, in_order(2, add, x, y), in_order(3, add, y, z)), z)
            .id());
    EXPECT_TRUE(fires(deep, d)) << to_text(d);
  }
}

// Of several ways to match, one that the condition agrees with.
TEST(RuleMatcher, ConditionsChooseTheWay) {
  register_ops();
  Graph g("g");
  const Symbol a = g.input("a", {DType::kFloat32, {2}}), b = g.input("b", {DType::kFloat32, {2}});
  g.add_output("y", multiply(a, b).id());
  Rule rule{"t", "multiply(x, y)", "x"};
  rule.why_not = [](const Match& m) { return m.node("x").name == "b" ? "" : "not b"; };
  const Graph after = apply_rules(g, RuleSet(std::span(&rule, 1)), {});
  EXPECT_EQ(after.node(after.outputs()[0].value).name, "b");
}

TEST(RuleSyntax, OneValueTwiceIsOneValue) {
  register_ops();
  Graph g("g");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{2}}),
               y = g.input("y", {DType::kFloat32, Shape{2}});
  g.add_output("r", maximum(x, y).id());
  const Rule rule{"same", "maximum(x, x)", "x"};
  EXPECT_TRUE(equal_graphs(apply_rules(g, RuleSet(std::span(&rule, 1)), {}), g));
}

}  // namespace
}  // namespace sinter

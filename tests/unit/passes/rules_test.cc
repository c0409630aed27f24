// Tests that the rules of simplify declare by themselves: graphs of the pattern's shape compute the
// same numbers after the rule has fired, near misses are left alone, and a second run changes
// nothing.
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "core/text.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "passes/simplify.h"
#include "tests/support/graph_runs.h"

namespace sinter {
namespace {

using testing_support::compare;
using testing_support::random_feeds;
using testing_support::run_reference;

const std::set<std::string, std::less<>> kLogical = {"logical_not", "logical_and", "logical_or"};

// Makes a graph from a pattern. Values are inputs x, y, c; the op above tells whether they are
// bool.
class Instance {
 public:
  explicit Instance(DType dtype) : dtype_(dtype) {}

  Symbol build(const Pattern& p, DType wanted) {
    switch (p.kind) {
      case Pattern::Kind::kValue:
        if (!values_.contains(p.name)) values_[p.name] = graph.input(p.name, {wanted, Shape{3, 5}});
        return values_[p.name];
      case Pattern::Kind::kNumber: {
        const Symbol scalar = graph.constant(Tensor::full(wanted, {}, p.number));
        return graph.add1("broadcast", {scalar},
                          {{"shape", Shape{3, 5}}, {"dims", std::vector<int64_t>{}}});
      }
      case Pattern::Kind::kOp: break;
    }
    std::vector<Symbol> operands;
    for (size_t k = 0; k < p.operands.size(); ++k) {
      const bool logical = kLogical.contains(p.op) || (p.op == "select" && k == 0);
      operands.push_back(build(p.operands[k], logical ? DType::kBool : dtype_));
    }
    return graph.add1(p.op, operands);
  }

  void finish(const Pattern& p) {
    graph.add_output("result", build(p, kLogical.contains(p.op) ? DType::kBool : dtype_).id());
  }

  Graph graph{"instance"};

 private:
  DType dtype_;
  std::map<std::string, Symbol> values_;
};

// Rules without conditions and attributes: their pattern says all.
std::vector<Rule> plain_rules() {
  std::vector<Rule> result;
  for (const Rule& rule : elementwise_rules()) {
    if (!rule.why_not && !rule.build) result.push_back(rule);
  }
  return result;
}

class Rules : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override { register_ops(); }
  Rule rule_ = plain_rules()[GetParam()];
  Graph apply(const Graph& graph) { return apply_rules(graph, RuleSet(std::span(&rule_, 1)), {}); }

  double tolerance() const { return rule_.numerics == Numerics::kExact ? 0 : 2e-6; }
};

TEST_P(Rules, FireAndKeepTheNumbers) {
  for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
    Instance instance(dtype);
    instance.finish(parse_pattern(rule_.pattern));
    const Graph after = apply(instance.graph);
    EXPECT_FALSE(equal_graphs(after, instance.graph)) << "it did not fire on\n"
                                                      << to_text(instance.graph);
    EXPECT_TRUE(equal_graphs(apply(after), after)) << "it fired again on\n" << to_text(after);
    for (unsigned seed = 1; seed <= 4; ++seed) {
      const auto feeds = random_feeds(instance.graph, seed, seed % 2 == 0 ? 0.1 : -2, 3);
      EXPECT_EQ(
          compare(run_reference(after, feeds), run_reference(instance.graph, feeds), tolerance()),
          "");
    }
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
  Pattern pattern = parse_pattern(rule_.pattern);
  std::set<std::string> seen;
  near_misses(
      pattern, is_bool,
      [&] {
        Instance instance(DType::kFloat32);
        instance.finish(pattern);
        EXPECT_TRUE(equal_graphs(apply(instance.graph), instance.graph)) << to_text(instance.graph);
      },
      seen);
}

INSTANTIATE_TEST_SUITE_P(Elementwise, Rules, testing::Range<size_t>(0, plain_rules().size()),
                         [](const auto& info) { return plain_rules()[info.param].name; });

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

// What verify_graph() and bisect() say of a backend with a wrong kernel, and of crashes.
#include "frontend/verify/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>

#include "core/error.h"
#include "frontend/verify/apart.h"
#include "frontend/verify/bisect.h"
#include "frontend/verify/case_file.h"
#include "frontend/verify/check_gradients.h"
#include "frontend/verify/op_cases.h"
#include "frontend/verify/rebuild.h"
#include "frontend/verify/search_numbers.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/backend.h"
#include "runtime/load.h"

namespace sinter::verification {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The reference backend's kernels, of which one op's are spoiled.
class Spoiled final : public Backend {
 public:
  enum class How : uint8_t { kRight, kWrong, kCrash, kBeside };
  How how = How::kRight;

  std::string_view name() const override { return "spoiled"; }
  std::string why_not(const Graph& graph, int32_t node) const override {
    return reference_backend().why_not(graph, node);
  }
  std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph, std::span<const int32_t> nodes,
                                               const CompileOptions& options) override {
    std::vector<std::unique_ptr<Kernel>> kernels =
        reference_backend().compile(graph, nodes, options);
    for (size_t i = 0; i < nodes.size(); ++i) {
      const Node& node = graph.node(nodes[i]);
      if (node.is(KernelOp::kReduce) && how != How::kRight)
        kernels[i] = std::make_unique<Wrong>(std::move(kernels[i]), node, how);
    }
    return kernels;
  }

 private:
  class Wrong final : public Kernel {
   public:
    Wrong(std::unique_ptr<Kernel> right, const Node& node, How how)
        : right_(std::move(right)), results_(node.types[0].shape.elements()), how_(how) {}
    int pieces(int) const override { return 1; }
    int64_t scratch_bytes() const override { return right_->scratch_bytes(); }
    void run(int, int, void* const* buffers) const override {
      right_->run_all(buffers);
      auto* result = static_cast<float*>(buffers[1]);
      if (how_ == How::kWrong) result[results_ - 1] *= 1.001F;
      if (how_ == How::kBeside) result[results_] = 0;
      if (how_ == How::kCrash) std::raise(SIGSEGV);
    }

   private:
    std::unique_ptr<Kernel> right_;
    int64_t results_;
    How how_;
  };
};

class SpoiledBackend : public ::testing::Test {
 protected:
  SpoiledBackend() {
    register_ops();
    register_backend(backend);
    Graph& g = c.graph;
    const Symbol x = g.input("x", {DType::kFloat32, Shape{4, 6}});
    const Symbol w = g.variable("w", {DType::kFloat32, Shape{6, 3}});
    const Symbol y = softmax(relu(matmul(x, w)));
    g.add_output("loss", mean(square(y)).id());
    g.add_output("y", y.id());
    c.variables = {Tensor::full(DType::kFloat32, Shape{6, 3}, 0.5)};
    options.backends = {"spoiled"};
  }
  ~SpoiledBackend() override { unregister_backend(backend); }

  Spoiled backend;
  Case c;
  VerifyOptions options;
};

TEST_F(SpoiledBackend, IsRightAsItIs) {
  const VerifyReport r = verify_graph(c, options);
  EXPECT_FALSE(r.finding) << r.finding->verdict.what;
  EXPECT_GE(r.sets, 2u);
  EXPECT_GT(r.branches_taken, 0u);
  EXPECT_EQ(r.judged, 1);
  std::vector<std::string> names;
  for (const VerifiedStep& s : r.steps) names.push_back(s.name);
  EXPECT_EQ(names.front(), "as built");
  EXPECT_THAT(names,
              ::testing::IsSupersetOf({"simplify_maps", "fuse_elementwise", "kernels of spoiled",
                                       "gradients of ops", "gradient of the loss"}));
}

TEST_F(SpoiledBackend, IsFoundWhereAKernelIsWrong) {
  backend.how = Spoiled::How::kWrong;
  const VerifyReport r = verify_graph(c, options);
  ASSERT_TRUE(r.finding);
  EXPECT_EQ(r.finding->step, "kernels of spoiled");
  EXPECT_EQ(r.steps.back().name, "kernels of spoiled");
  EXPECT_THAT(r.finding->verdict.what, StartsWith("value: output"));
  const Bisection b = bisect(*r.finding, 20);
  EXPECT_THAT(b.culprit.to_string(), StartsWith("kernel of spoiled: "));
  EXPECT_THAT(b.culprit.to_string(), HasSubstr("reduce"));
  EXPECT_EQ(b.ops, 1) << b.text();
  // The file repeats it, and knows when it has been mended.
  const CaseFile file = parse_case(b.text());
  EXPECT_FALSE(check(file.c, file.runs.at(0)).good());
  backend.how = Spoiled::How::kRight;
  EXPECT_TRUE(check(file.c, file.runs.at(0)).good());
}

TEST_F(SpoiledBackend, IsFoundWhereAKernelCrashes) {
  backend.how = Spoiled::How::kCrash;
  const VerifyReport r = verify_graph(c, options);
  ASSERT_TRUE(r.finding);
  EXPECT_EQ(r.finding->verdict.kind(), "crash");
  const Bisection b = bisect(*r.finding, 20);
  EXPECT_THAT(b.culprit.to_string(), StartsWith("kernel of spoiled: "));
  EXPECT_EQ(b.ops, 1) << b.text();
}

TEST_F(SpoiledBackend, IsFoundWhereAKernelWritesTooMuch) {
  backend.how = Spoiled::How::kBeside;
  const VerifyReport r = verify_graph(c, options);
  ASSERT_TRUE(r.finding);
  EXPECT_THAT(r.finding->verdict.what, StartsWith("memory: something was written beside output"));
  const Bisection b = bisect(*r.finding, 20);
  EXPECT_THAT(b.culprit.to_string(), StartsWith("kernel of spoiled: "));
  EXPECT_EQ(b.ops, 1) << b.text();
}

TEST(Apart, GivesWhatTheChildGives) {
  EXPECT_EQ(apart([] { return std::string(100000, 'x'); }), std::string(100000, 'x'));
  EXPECT_EQ(apart([] { return std::string(); }), "");
  EXPECT_EQ(apart([]() -> std::string { throw Error("no"); }), "raises: no");
}

TEST(Apart, SurvivesTheChild) {
  EXPECT_THAT(apart([]() -> std::string {
                std::raise(SIGSEGV);
                return "";
              }),
              StartsWith("crash: Segmentation"));
  EXPECT_THAT(apart([]() -> std::string { std::_Exit(3); }), StartsWith("crash: "));
  EXPECT_THAT(apart(
                  []() -> std::string {
                    for (volatile bool on = true; on;) {
                    }
                    return "";
                  },
                  1),
              HasSubstr("not ended after 1 s"));
}

// Two sides each of a select and of a maximum.
TEST(SearchNumbers, TakesAllBranches) {
  register_ops();
  Case c;
  const Symbol x = c.graph.input("x", {DType::kFloat32, Shape{2}});
  const Symbol y = select(less(x, -20.0), x * 2.0, maximum(x, 25.0));
  c.graph.add_output("y", y.id());
  Configuration k;
  k.backend = "reference";
  const Numbers n = search_numbers(c, k, 1, 6, 100);
  EXPECT_EQ(n.branches, 4u);
  EXPECT_EQ(n.branches_taken, 4u);
  EXPECT_EQ(n.judged, 1);
}

TEST(OpCases, AreOneOfAKind) {
  register_ops();
  Case c;
  const Symbol x = c.graph.input("x", {DType::kFloat32, Shape{3}});
  c.graph.add_output("y", (exp(exp(x)) + exp(x)).id());
  c.inputs = {Tensor::from<float>(Shape{3}, {0, 0.5F, 1})};
  std::vector<std::string> ops;
  for (const Case& one : op_cases(c)) {
    ops.push_back(one.graph.nodes().back().op->name);
    EXPECT_EQ(gradient_fault(one), "");
  }
  EXPECT_THAT(ops, ElementsAre("exp", "add"));
}

// A rule is asked for its leave, each time.
TEST(MayFire, KeepsTheGraph) {
  register_ops();
  Graph g("g");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{3}});
  g.add_output("y", negative(negative(abs(abs(x)))).id());
  std::vector<std::string> asked;
  PassContext context;
  context.may_fire = [&](std::string_view rule, const Node&) {
    asked.emplace_back(rule);
    return rule != "abs_twice";
  };
  const Graph result = run_pass("remove_dead", run_pass("simplify", g, context), {});
  EXPECT_THAT(asked, ::testing::Contains("abs_twice"));
  EXPECT_THAT(asked, ::testing::Contains("negative_twice"));
  EXPECT_EQ(result.size(), 3);  // x and the two abs
}

TEST(Rebuilt, GivesOperandsInstead) {
  register_ops();
  Case c;
  const Symbol x = c.graph.input("x", {DType::kFloat32, Shape{3}});
  const Symbol v = c.graph.variable("v", {DType::kFloat32, Shape{3}});
  const Symbol e = exp(x);
  c.graph.add_output("y", sum(e).id());
  c.graph.add_update(v.id().node, (v + x).id());
  c.inputs = {Tensor::full(DType::kFloat32, Shape{3}, 1)};
  c.variables = {Tensor::full(DType::kFloat32, Shape{3}, 2)};
  Change change;
  change.given_instead[0] = e.id();
  change.updates_are_outputs = true;
  const std::optional<Case> small = rebuilt(c, change);
  ASSERT_TRUE(small);
  EXPECT_EQ(small->graph.outputs().size(), 2u);
  EXPECT_TRUE(small->graph.updates().empty());
  EXPECT_EQ(small->graph.type(small->graph.outputs()[0].value).shape, Shape{3});
}

}  // namespace
}  // namespace sinter::verification

// Random graphs from a fixed seed, through every pass and through compiled kernels; cases that
// campaigns have found; and the fuzzer's own parts. SINTER_FUZZ_GRAPHS=N runs N graphs instead.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/load.h"
#include "frontend/verify/case_file.h"
#include "tests/fuzz/derivatives.h"
#include "tests/fuzz/random_case.h"
#include "frontend/verify/shrink.h"

namespace sinter::fuzz {
namespace {

constexpr uint64_t kFirstSeed = 20261128;

int64_t graphs_to_run() {
  const char* text = std::getenv("SINTER_FUZZ_GRAPHS");
  return text == nullptr ? 2000 : std::max(1, std::atoi(text));
}

std::vector<std::string> compiled_backends() {
  std::vector<std::string> names;
  for (const std::string& name : backend_names()) {
    if (name != "reference") names.push_back(name);
  }
  return names;
}

// Fails with the small graph, as text that `tests/fuzz/run --graph FILE` takes.
void run_one(uint64_t seed, const Configuration& configuration, JudgeCounts& counts) {
  const RandomCase r =
      random_case(seed, configuration.backend == "passes" ? Sizes() : sizes_of(seed));
  ASSERT_EQ(r.fault, "") << "while building seed " << seed << "\n" << sinter::to_text(r.c.graph);
  Configuration k = configuration;
  if (const char* cpu = std::getenv("SINTER_CPU")) k.cpu = cpu;
  const Verdict v = check(r.c, k, &counts);
  if (v.good()) return;
  const Shrunk s = shrink(r.c, k, v);
  ADD_FAILURE() << "seed " << seed << "\n" << to_text(s.c, s.configuration, s.verdict.what);
}

void run_many(int64_t every, const std::vector<std::string>& backends) {
  JudgeCounts counts;
  for (int64_t i = 0; i < graphs_to_run() && !testing::Test::HasFailure(); i += every) {
    const uint64_t seed = kFirstSeed + static_cast<uint64_t>(i);
    run_one(seed, random_configuration(seed, backends), counts);
  }
  // A bound that says nothing finds nothing.
  EXPECT_LE(counts.unknown * 10, counts.elements);
  EXPECT_LE(counts.loose * 10, counts.elements);
}

TEST(FuzzGraphs, ThroughEveryPass) { run_many(1, {"passes"}); }
TEST(FuzzGraphs, Compiled) {
  if (!compiled_backends().empty()) run_many(8, compiled_backends());
}

TEST(FuzzGraphs, GradientsAreDerivatives) {
  DerivativeCounts counts;
  for (int64_t i = 0; i < graphs_to_run() / 4 && !testing::Test::HasFailure(); ++i) {
    const uint64_t seed = kFirstSeed + static_cast<uint64_t>(i);
    EXPECT_EQ(derivative_fault(seed, counts), "") << "seed " << seed;
  }
  // Most tell something, twice.
  EXPECT_GE(counts.judged_first * 2, counts.graphs);
  EXPECT_GE(counts.judged_second * 2, counts.graphs);
  EXPECT_LE(counts.not_finite * 20, counts.graphs + 20);
}

// Graph files that campaigns have left behind, each with the runs that went wrong.
TEST(FuzzCases, AreRight) {
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SINTER_TEST_DATA "/fuzz")) {
    if (entry.path().extension() != ".graph") continue;
    const CaseFile file = read_case(entry.path().string());
    for (Configuration k : file.runs) {
      k.cpu.clear();
      const std::vector<std::string> names = backend_names();
      const bool here = k.backend == "passes" || std::ranges::find(names, k.backend) != names.end();
      if (!here) continue;
      const Verdict v = check(file.c, k);
      EXPECT_TRUE(v.good()) << entry.path().filename() << ", " << k.to_string() << ": " << v.what;
      ++cases;
    }
  }
  EXPECT_GT(cases, 0);
}

// A new op is covered, or this test says that it is not.
TEST(FuzzTable, KnowsEveryOp) {
  register_ops();
  std::set<std::string> met;
  for (int64_t i = 0; i < graphs_to_run(); ++i) {
    const RandomCase r = random_case(kFirstSeed + static_cast<uint64_t>(i), {});
    for (const Node& n : r.c.graph.nodes()) met.insert(n.op->name);
  }
  for (const std::string& name : Registry::global().names()) {
    const OpRecord& op = Registry::global().get(name);
    if (op.kind == KernelKind::kFusion) continue;  // passes make them
    EXPECT_TRUE(op.kind == KernelKind::kSource || can_make(op))
        << "op '" << name << "' is not in tests/fuzz/op_makers.cc";
    if (graphs_to_run() >= 2000)
      EXPECT_TRUE(met.contains(name)) << "no random graph has '" << name << "'";
  }
}

TEST(FuzzTable, TheSameSeedGivesTheSameCase) {
  for (const uint64_t seed : {1, 2, 3, 50}) {
    const RandomCase a = random_case(seed, {}), b = random_case(seed, {});
    EXPECT_EQ(to_text(a.c, {}, ""), to_text(b.c, {}, ""));
  }
}

TEST(FuzzCaseFile, ReadsWhatItWrites) {
  for (uint64_t seed = 100; seed < 160; ++seed) {
    const Case c = random_case(seed, {}).c;
    const Configuration k = random_configuration(seed, {"llvm", "auto"});
    const std::string text = to_text(c, k, "a remark\nof two lines");
    const CaseFile file = parse_case(text);
    EXPECT_TRUE(equal_graphs(file.c.graph, c.graph));
    EXPECT_EQ(to_text(file.c, file.runs.at(0), "a remark\nof two lines"), text);
  }
  EXPECT_THROW(parse_case("graph \"g\" {\n  %x = input() : float32[2]\n  output \"y\" = %x\n}"),
               Error);
  EXPECT_THROW(Configuration::parse("speed=10"), Error);
}

// --- bounds

using Ints = std::vector<int64_t>;

Bounded of(double value, double radius = 0) { return {value, 0, radius}; }
Bounded apply(ScalarOp op, Bounded a, Bounded b = {}, DType dtype = DType::kFloat32) {
  const bool compares = op == ScalarOp::kLess || op == ScalarOp::kEqual;
  return bounded_instruction({op, compares ? DType::kBool : dtype, {0, 1, -1}, 0}, dtype, a, b, {});
}

TEST(FuzzBounds, GrowByRounding) {
  EXPECT_EQ(apply(ScalarOp::kAdd, of(1.5), of(2.25)).radius, 0);  // exact in any order
  const Bounded third = apply(ScalarOp::kDiv, of(1), of(3));
  EXPECT_GE(third.radius, 0x1p-25 / 3);
  EXPECT_LE(third.radius, 1e-6);
  EXPECT_LE(apply(ScalarOp::kDiv, of(1), of(3), DType::kFloat64).radius, 1e-15);
  // What cancels keeps the error of what it was made of.
  const Bounded rest = apply(ScalarOp::kSub, apply(ScalarOp::kAdd, of(1e6), of(0.3)), of(1e6));
  EXPECT_GE(rest.radius, 0.03);
  // The middle of an interval is exact, what lies beside it is rounded.
  EXPECT_GE(apply(ScalarOp::kAdd, of(1), of(0, 1e-4)).radius, 1e-4 + 0x1p-24);
  EXPECT_GE(apply(ScalarOp::kMul, of(2), of(1, 1e-4)).radius, 2e-4 + 0x1p-23);
  EXPECT_EQ(apply(ScalarOp::kMul, of(0), of(1, 1e-4)).radius, 0);
  EXPECT_GE(apply(ScalarOp::kExp, of(10, 0.1)).radius, 0.1 * std::exp(10));
  EXPECT_TRUE(is_unknown(apply(ScalarOp::kDiv, of(1), of(1e-9, 1e-8))));
  EXPECT_TRUE(is_unknown(apply(ScalarOp::kLog, of(1e-9, 1e-8))));
  EXPECT_TRUE(is_unknown(apply(ScalarOp::kExp, of(100))));  // beyond float32
  EXPECT_FALSE(is_unknown(apply(ScalarOp::kExp, of(100), {}, DType::kFloat64)));
}

TEST(FuzzBounds, KnowWhatHangsOnRounding) {
  EXPECT_EQ(apply(ScalarOp::kLess, of(1), of(1)).radius, 0);
  EXPECT_EQ(apply(ScalarOp::kLess, of(1, 1e-3), of(2)).integer, 1);
  EXPECT_GT(apply(ScalarOp::kLess, of(1, 1e-3), of(1.0005)).radius, 0);
  EXPECT_GT(apply(ScalarOp::kEqual, of(1, 1e-9), of(1)).radius, 0);
  const Bounded floor = apply(ScalarOp::kFloor, of(2, 1e-6));
  EXPECT_NEAR(floor.value - floor.radius, 1, 1e-9);
  EXPECT_NEAR(floor.value + floor.radius, 2, 1e-9);
  EXPECT_EQ(apply(ScalarOp::kFloor, of(2.5, 1e-6)).radius, 0);
}

TEST(FuzzBounds, SelectHoldsBothBranches) {
  const auto chosen = [](Bounded a, Bounded b) {
    return bounded_instruction({ScalarOp::kSelect, DType::kFloat32, {0, 1, 2}, 0}, DType::kFloat32,
                               {0, 0, 1}, a, b);
  };
  EXPECT_TRUE(is_unknown(chosen(of(0), of(std::nan("")))));
  EXPECT_EQ(chosen(of(1), of(3)).value, 2);
  EXPECT_GE(chosen(of(1), of(3)).radius, 1);
}

TEST(FuzzBounds, SpecialValuesAreCertain) {
  const double inf = std::numeric_limits<double>::infinity();
  const auto certain_nan = [](const Bounded& b) { return std::isnan(b.value) && b.radius == 0; };
  EXPECT_TRUE(certain_nan(apply(ScalarOp::kAdd, of(std::nan("")), unknown())));
  EXPECT_TRUE(certain_nan(apply(ScalarOp::kSub, of(inf), of(inf))));
  EXPECT_TRUE(certain_nan(apply(ScalarOp::kMul, of(0), of(inf))));
  EXPECT_TRUE(certain_nan(apply(ScalarOp::kLog, of(-1, 0.1))));
  EXPECT_TRUE(certain_nan(apply(ScalarOp::kMax, of(std::nan("")), of(1))));
  EXPECT_EQ(apply(ScalarOp::kExp, of(-inf)).value, 0);
  EXPECT_EQ(apply(ScalarOp::kTanh, of(inf)).value, 1);
  EXPECT_EQ(apply(ScalarOp::kLog, of(0)).value, -inf);
}

// The order of sums and products is a backend's own, so partial ones may overflow.
TEST(FuzzBounds, SumsAndProductsInAnyOrder) {
  const double inf = std::numeric_limits<double>::infinity();
  const auto reduced = [](const std::string& kind, std::vector<float> x) {
    Graph g("g");
    const auto n = static_cast<int64_t>(x.size());
    const Symbol in = g.input("x", {DType::kFloat32, Shape{n}});
    g.add_output("y", g.add1("reduce", {in}, {{"kind", kind}, {"axes", Ints{0}}}).id());
    return bounded_run(g, {Tensor::from<float>(Shape{n}, x)}, {}).back().at(0).elements.at(0);
  };
  EXPECT_TRUE(is_unknown(reduced("prod", {0, 1e20F, 1e20F})));
  EXPECT_TRUE(is_unknown(reduced("prod", {1e-30F, 1e-30F, 1e30F})));
  EXPECT_TRUE(is_unknown(reduced("prod", {1e-30F, 1e-30F, HUGE_VALF})));
  EXPECT_TRUE(std::isnan(reduced("prod", {0, 1e20F, 1e20F, HUGE_VALF}).value));
  EXPECT_EQ(reduced("prod", {0, 1e10F, 1e10F}).radius, 0);
  EXPECT_EQ(reduced("prod", {-2, HUGE_VALF}).value, -inf);
  EXPECT_TRUE(is_unknown(reduced("sum", {3e38F, 3e38F, -3e38F, -3e38F})));
  EXPECT_TRUE(is_unknown(reduced("sum", {3e38F, 3e38F, -HUGE_VALF})));
  EXPECT_EQ(reduced("sum", {3e37F, -HUGE_VALF}).value, -inf);
}

TEST(FuzzBounds, JudgeWhatIsOutside) {
  const BoundedTensor want{{DType::kFloat32, Shape{3}}, {of(1, 1e-3), of(std::nan("")), unknown()}};
  const auto judged = [&](std::vector<float> v) {
    return judge(Tensor::from<float>(Shape{3}, v), want);
  };
  EXPECT_EQ(judged({1.0005F, std::nanf(""), 7}), "");
  EXPECT_NE(judged({1.01F, std::nanf(""), 7}), "");
  EXPECT_NE(judged({1, 0, 7}), "");
  EXPECT_NE(judged({std::nanf(""), std::nanf(""), 7}), "");
}

// --- shrinking

TEST(FuzzShrink, LeavesWhatFails) {
  const CaseFile file = parse_case(R"(// value x: 3 1 2 5
// value y: 1 2 3 4
graph "g" {
  %x = input() : float32[2,2]
  %y = input() : float32[2,2]
  %2 = add(%x, %y) : float32[2,2]
  %3 = tanh(%2) : float32[2,2]
  output "a" = %3
  output "b" = %2
})");
  const Verdict good = check(file.c, Configuration::parse("backend=reference threads=1"));
  EXPECT_TRUE(good.good()) << good.what;
  // An unknown pass is an error whatever the graph: everything that can go must go.
  const Configuration wrong = Configuration::parse(
      "backend=reference pipeline=inference disabled=no_such_pass threads=1,2");
  const Verdict bad = check(file.c, wrong);
  ASSERT_EQ(bad.kind(), "raises");
  const Shrunk s = shrink(file.c, wrong, bad);
  EXPECT_EQ(s.c.graph.size(), 1) << to_text(s.c, s.configuration, "");
  EXPECT_EQ(s.c.graph.outputs().size(), 1u);
  EXPECT_EQ(s.c.inputs.at(0).elements(), 1);
  EXPECT_EQ(s.configuration.disabled, wrong.disabled);
  EXPECT_EQ(s.configuration.pipeline, "training");
}

}  // namespace
}  // namespace sinter::fuzz

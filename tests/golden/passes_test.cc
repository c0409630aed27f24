// Runs every case of tests/golden/passes/*.graph: the graph that comes out, the values it computes,
// and that a second run of the pass changes nothing. SINTER_UPDATE_GOLDENS=1 writes what came out
// into the files; the diff is to be read.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/region_form.h"
#include "core/text.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"
#include "tests/golden/graph_cases.h"
#include "tests/support/graph_runs.h"

namespace sinter::golden {
namespace {

namespace fs = std::filesystem;
using testing_support::compare;
using testing_support::random_feeds;
using testing_support::run_reference;

const fs::path kFolder = fs::path(SINTER_SOURCE_DIR) / "tests/golden/passes";

bool updating() { return std::getenv("SINTER_UPDATE_GOLDENS") != nullptr; }

std::vector<std::string> pass_names() {
  std::vector<std::string> names;
  for (const Pass& pass : all_passes()) names.push_back(pass.name);
  return names;
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { register_ops(); }

  PassContext context(const GraphCase& c) {
    target_.fuses_elementwise = target_.fuses_epilogues = true;
    target_.claims = [&c](const Graph& g, int32_t node) {
      const std::string& op = g.node(node).op->name;
      return std::find(c.claims.begin(), c.claims.end(), op) != c.claims.end();
    };
    PassContext context;
    context.verify = true;
    context.mixed_precision = c.mixed_precision;
    context.memory_budget = c.budget;
    target_.contracts_bfloat16 = !c.emulated;
    context.target = &target_;
    context.evaluate = [](const Graph& g) { return evaluate_graph(g, {}); };
    return context;
  }

  Graph before(const GraphCase& c) {
    Graph graph = parse_graph(c.before);
    if (c.batch > 0) graph = specialize(graph, c.batch);
    for (const std::string& pass : c.first) graph = run_pass(pass, graph, context(c));
    return graph;
  }

  Graph run(const GraphCase& c, const Graph& graph, std::vector<std::string>* remarks) {
    PassContext with_remarks = context(c);
    with_remarks.remarks = remarks;
    return run_pass(GetParam(), graph, with_remarks);
  }

  // The same numbers before and after.
  void check_values(const GraphCase& c, const Graph& before, const Graph& after) {
    if (c.any_values || has_symbolic_batch(before)) return;
    for (unsigned seed = 1; seed <= 3; ++seed) {
      const auto feeds = random_feeds(before, seed, seed == 1 ? 0.1 : -1.5);
      const std::string difference =
          compare(run_reference(after, feeds), run_reference(before, feeds), c.tolerance);
      EXPECT_EQ(difference, "") << "the pass changed values, seed " << seed;
    }
  }

 private:
  Target target_;
};

TEST_P(Golden, Cases) {
  GraphFile file = read_graph_file((kFolder / (GetParam() + ".graph")).string());
  ASSERT_FALSE(file.cases.empty()) << "every pass has its golden file: " << file.path;
  for (GraphCase& c : file.cases) {
    SCOPED_TRACE(file.path + ":" + std::to_string(c.line) + ": " + c.name);
    const Graph source = before(c);
    std::vector<std::string> remarks;
    const Graph result = run(c, source, &remarks);
    check_regions(result);
    check_values(c, source, result);
    EXPECT_TRUE(equal_graphs(run(c, result, nullptr), result)) << "a second run changed\n"
                                                               << to_text(result);
    if (!c.remarks.empty()) EXPECT_EQ(remarks, c.remarks);
    EXPECT_TRUE(equal_graphs(parse_graph(to_text(result)), result)) << to_text(result);
    switch (c.kind) {
      case GraphCase::Kind::kUnchanged:
        EXPECT_TRUE(equal_graphs(result, source)) << "it became\n" << to_text(result);
        break;
      case GraphCase::Kind::kSameAs: {
        const auto other = std::find_if(file.cases.begin(), file.cases.end(),
                                        [&](const GraphCase& o) { return o.name == c.other; });
        ASSERT_NE(other, file.cases.end());
        const Graph expected = run(*other, before(*other), nullptr);
        EXPECT_TRUE(equal_graphs(result, expected)) << "it became\n" << to_text(result);
        break;
      }
      case GraphCase::Kind::kBecomes:
        EXPECT_FALSE(equal_graphs(result, source)) << "nothing changed";
        if (updating()) {
          c.after = to_text(result);
        } else {
          EXPECT_EQ(to_text(result), to_text(parse_graph(c.after)));
        }
    }
  }
  if (updating()) write_graph_file(file);
}

INSTANTIATE_TEST_SUITE_P(Passes, Golden, testing::ValuesIn(pass_names()),
                         [](const auto& info) { return info.param; });

TEST(Golden, EveryFileBelongsToAPass) {
  const std::vector<std::string> names = pass_names();
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder)) {
    EXPECT_NE(std::find(names.begin(), names.end(), entry.path().stem().string()), names.end())
        << entry.path();
  }
}

}  // namespace
}  // namespace sinter::golden

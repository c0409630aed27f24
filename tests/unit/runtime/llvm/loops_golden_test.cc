// Golden loop programs: tests/golden/loops/*.txt (but for matmul_*, which have a test of their own)
// hold a graph, a line "=>", and the loop programs of its nodes after lowering for the llvm
// backend. SINTER_UPDATE_GOLDENS=1 writes what came out; the diff is to be read.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/file_io.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/llvm/loops/build.h"

namespace sinter {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kArrow = "\n=>\n";

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry :
       fs::directory_iterator(fs::path(SINTER_SOURCE_DIR) / "tests/golden/loops")) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() == ".txt" && !name.starts_with("matmul_")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string loops_of(const Graph& graph) {
  CompileOptions options;
  options.backend = "llvm";
  options.pipeline = "training";
  const Graph lowered = lower(graph, options);
  std::string text;
  for (int32_t i = 0; i < lowered.size(); ++i) {
    const Node& n = lowered.node(i);
    if (n.op->kind == KernelKind::kSource || n.is(KernelOp::kReshape)) continue;
    text += n.op->name + (n.is(KernelOp::kFusion) ? " " + n.attributes.get_string("kind") : "") +
            "\n" + codegen::build_loops(lowered, i).to_string();
  }
  return text;
}

class LoopGolden : public testing::TestWithParam<std::string> {};

TEST_P(LoopGolden, ProgramIsAsWritten) {
  register_ops();
  const std::string path =
      fs::path(SINTER_SOURCE_DIR) / "tests/golden/loops" / (GetParam() + ".txt");
  const std::string file = read_file(path);
  const size_t arrow = file.find(kArrow);
  ASSERT_NE(arrow, std::string::npos) << path;
  const std::string graph = file.substr(0, arrow);
  const std::string got = loops_of(parse_graph(graph));
  if (std::getenv("SINTER_UPDATE_GOLDENS") != nullptr) {
    write_file_atomically(path, graph + std::string(kArrow) + got);
    return;
  }
  EXPECT_EQ(got, file.substr(arrow + kArrow.size())) << path;
}

INSTANTIATE_TEST_SUITE_P(All, LoopGolden, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sinter

// Each fault of bugs.txt is found, made small and blamed on what has it; and the small graph is
// right in a program that has none.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "frontend/verify/case_file.h"
#include "frontend/verify/check.h"
#include "tests/planted/bugs.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

using planted_bugs::Bug;
using testing::TemporaryFolder;

std::vector<Bug> bugs() { return planted_bugs::read_bugs(SINTER_PLANTED_BUGS); }

std::string value_of(const std::string& output, const std::string& key) {
  std::stringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + ": ")) return line.substr(key.size() + 2);
  }
  return "";
}

testing::ProcessResult verified(const std::string& graph, const std::string& bug,
                                const std::string& file) {
  return testing::run_process(
      {SINTER_VERIFY_PLANTED, graph, file},
      {"SINTER_PLANTED=" + bug, std::string("SINTER_CODEGEN=") + SINTER_PLANTED_CODEGEN});
}

class PlantedBug : public ::testing::TestWithParam<std::string> {};

TEST_P(PlantedBug, IsFoundAndBlamed) {
  const std::vector<Bug> all = bugs();
  const Bug bug = *std::ranges::find(all, GetParam(), &Bug::name);
  const TemporaryFolder folder;
  const std::string file = folder.file("small.graph");
  const testing::ProcessResult r = verified(bug.graph, bug.name, file);
  SCOPED_TRACE(r.out + r.err);
  ASSERT_EQ(r.exit_code, 1);
  EXPECT_TRUE(value_of(r.out, "blame").starts_with(bug.blame)) << bug.blame;
  EXPECT_LE(std::stoi(value_of(r.out, "nodes")), bug.nodes);
  const verification::CaseFile small = verification::read_case(file);
  for (const verification::Configuration& k : small.runs) {
    const verification::Verdict v = verification::check(small.c, k);
    EXPECT_TRUE(v.good()) << v.what;
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Bug& b : bugs()) all.push_back(b.name);
  return all;
}
std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }
INSTANTIATE_TEST_SUITE_P(All, PlantedBug, ::testing::ValuesIn(names()), name_of);

TEST(PlantedBugs, AreFiftyOfAllKinds) {
  std::set<std::string> small, names, kinds;
  for (const Bug& b : bugs()) {
    names.insert(b.name);
    if (b.nodes <= 5) small.insert(b.name);
    kinds.insert(b.blame.substr(0, b.blame.find(' ')));
  }
  EXPECT_GE(names.size(), 50u);
  EXPECT_GE(small.size(), 48u);
  EXPECT_EQ(kinds, (std::set<std::string>{"gradient", "kernel", "memory", "pass", "rule"}));
}

// With none switched on nothing is found.
class PlantedNone : public ::testing::TestWithParam<std::string> {};
TEST_P(PlantedNone, IsRight) {
  const testing::ProcessResult r = verified(GetParam(), "", "");
  EXPECT_EQ(r.exit_code, 0) << r.out << r.err;
}
std::set<std::string> graphs() {
  std::set<std::string> all;
  for (const Bug& b : bugs()) all.insert(b.graph);
  return all;
}
INSTANTIATE_TEST_SUITE_P(All, PlantedNone, ::testing::ValuesIn(graphs()), name_of);

}  // namespace
}  // namespace sinter

// gdb, driven as a user drives it: a breakpoint on the line of a layer stops in its kernels,
// forward and backward.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "core/file_io.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kGdb = "/usr/bin/gdb";
const std::string kProgram = SINTER_BINARY_DIR "/tests/debug_net";

// Of net_main.cc, counted from 1.
std::string line_with(const std::string& text) {
  std::istringstream source(read_file(SINTER_SOURCE_DIR "/tests/e2e/net_main.cc"));
  std::string row;
  for (int line = 1; std::getline(source, row); ++line) {
    if (row.find(text) != std::string::npos) return "net_main.cc:" + std::to_string(line);
  }
  ADD_FAILURE() << text;
  return "";
}

class Debugger : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kGdb)) GTEST_SKIP() << "needs gdb (frontend/install/packages.txt)";
  }
  // What gdb prints after each of these commands, errors of the program too.
  std::string run(const std::vector<std::string>& commands,
                  const std::vector<std::string>& environment) const {
    std::vector<std::string> arguments = {kGdb, "--batch", "-nx"};
    for (const char* setting : {"set debuginfod enabled off", "set breakpoint pending on",
                                "set width 0", "set startup-with-shell off"})
      arguments.insert(arguments.end(), {"-ex", setting});
    for (const std::string& command : commands) arguments.insert(arguments.end(), {"-ex", command});
    arguments.push_back(kProgram);
    std::vector<std::string> all = environment;
    all.push_back("SINTER_THREADS=1");
    const ProcessResult result = run_process(arguments, all);
    return result.out + result.err;
  }
  std::string folder() const { return folder_.file("kernels"); }

 private:
  TemporaryFolder folder_;
};

TEST_F(Debugger, StopsInTheKernelsOfALine) {
  const std::string line = line_with("// hidden"), other = line_with("// output");
  std::vector<std::string> commands = {"break " + line, "run"};
  // The call of the layer itself, then prediction, forward, backward and what else computes it.
  for (int i = 0; i < 8; ++i) commands.insert(commands.end(), {"continue", "backtrace"});
  const std::string out = run(commands, {"SINTER_DEBUG_KERNELS=" + folder()});
  EXPECT_THAT(out, ContainsRegex("Breakpoint 1, main \\(\\) at [^\n]*" + line)) << out;
  EXPECT_THAT(out, ContainsRegex("Breakpoint 1[.0-9]*, dense_n[0-9]+ \\(\\) at " + line)) << out;
  // The gradient of its weights, and what Adam makes of it.
  EXPECT_THAT(out, ContainsRegex("Breakpoint 1[.0-9]*, dense_adam_n[0-9]+ \\(\\) at " + line))
      << out;
  // The frames below it are those of the program.
  EXPECT_THAT(out, ContainsRegex("#0 +dense_n[0-9]+ \\(\\) at " + line + "(\n#.*)+ in main \\(\\)"))
      << out;
  EXPECT_THAT(out, Not(ContainsRegex("Breakpoint 1[.0-9]*, [^\n]* at " + other))) << out;
}

TEST_F(Debugger, ShowsTheLoopProgram) {
  const std::string line = line_with("// output");
  const std::string out =
      run({"break " + line, "run", "continue", "step", "step", "backtrace", "info source"},
          {"SINTER_DEBUG_KERNELS=" + folder()});
  // A line of the plan within the function of the line.
  EXPECT_THAT(out, ContainsRegex("#0 .*loops_of_dense_1_[^\n]* at " + folder() + "/dense_1_"))
      << out;
  EXPECT_THAT(out, ContainsRegex("#1 .*dense_1_n[0-9]+ \\(\\) at " + line)) << out;
  std::string listing;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().filename().string().starts_with("dense_1_n"))
      listing = read_file(entry.path().string());
  }
  EXPECT_THAT(listing, HasSubstr("acc[row, column] +="));
}

// Needs no gdb.
TEST(DebuggedKernels, FolderThatIsEmptyOrCannotBe) {
  EXPECT_EQ(run_process({kProgram}, {"SINTER_DEBUG_KERNELS="}).exit_code, 0);
  const ProcessResult refused = run_process({kProgram}, {"SINTER_DEBUG_KERNELS=/proc/none"});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("cannot write '/proc/none/dense_n"));
}

TEST_F(Debugger, KernelsAsUsualAreNotKnown) {
  const std::string out = run({"break " + line_with("// hidden"), "run", "continue"}, {});
  EXPECT_THAT(out, HasSubstr("Breakpoint 1, main ()")) << out;
  EXPECT_THAT(out, HasSubstr("exited normally")) << out;
  EXPECT_FALSE(std::filesystem::exists(folder()));
}

}  // namespace
}  // namespace sinter::testing

// sinter verify and sinter bisect.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kModel = SINTER_SOURCE_DIR "/frontend/examples/exported_training.json";

TEST(CliVerify, SaysThatAModelIsRight) {
  const ProcessResult r = run_sinter({"verify", kModel});
  EXPECT_EQ(r.exit_code, 0) << r.err;
  for (const char* line :
       {"training graph of", "inference graph of", "\n  as built ", "\n  fuse_elementwise ",
        "\n  kernels of llvm ", "\n  within the least memory ", "\n  gradients of ops ",
        "\n  gradient of the loss ", "\nright\n"})
    EXPECT_THAT(r.out, HasSubstr(line));
  const ProcessResult one =
      run_sinter({"verify", kModel, "--graph", "inference", "--backend", "llvm", "--batch", "2"});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_THAT(one.out, HasSubstr("batch 2"));
  EXPECT_THAT(one.out, Not(HasSubstr("training graph")));
  EXPECT_THAT(one.out, Not(HasSubstr("onednn")));
}

TEST(CliVerify, RepeatsCases) {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& run) {
    std::ofstream(folder.file("c.graph")) << "// run: " << run << R"(
// value x: 1 2
graph "g" {
  %x = input() : float32[2]
  %1 = exp(%x) : float32[2]
  output "y" = %1
}
)";
  };
  write("backend=reference");
  const ProcessResult right = run_sinter({"verify", folder.file("c.graph")});
  EXPECT_EQ(right.exit_code, 0) << right.err;
  EXPECT_THAT(right.out, HasSubstr(": right\nright\n"));
  const ProcessResult nothing =
      run_sinter({"bisect", folder.file("c.graph"), "--output", folder.file("s.graph")});
  EXPECT_EQ(nothing.exit_code, 0) << nothing.err;
  EXPECT_THAT(nothing.out, HasSubstr("nothing to look for"));
  EXPECT_FALSE(std::filesystem::exists(folder.file("s.graph")));
  // What raises is a finding too.
  write("backend=passes disabled=no_such_pass");
  const ProcessResult wrong = run_sinter({"verify", folder.file("c.graph")});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("no_such_pass"));
  const ProcessResult found =
      run_sinter({"bisect", folder.file("c.graph"), "--output", folder.file("s.graph")});
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_TRUE(std::filesystem::exists(folder.file("s.graph"))) << found.out << found.err;
}

TEST(CliVerify, RefusesWhatItCannotLookAt) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_sinter({"verify"}).exit_code, 2);
  EXPECT_EQ(run_sinter({"bisect", kModel}).exit_code, 2);
  EXPECT_EQ(run_sinter({"bisect", kModel, "--output", folder.file("x.txt")}).exit_code, 2);
  EXPECT_EQ(run_sinter({"verify", kModel, "--batch", "0"}).exit_code, 2);
  const ProcessResult absent = run_sinter({"verify", folder.file("no.graph")});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.err, HasSubstr("no.graph"));
  const ProcessResult backend = run_sinter({"verify", kModel, "--backend", "cuda"});
  EXPECT_EQ(backend.exit_code, 1);
  EXPECT_THAT(backend.err, HasSubstr("cuda"));
}

}  // namespace
}  // namespace sinter::testing

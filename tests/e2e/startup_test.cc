// What a start loads: the code generator (and with it libLLVM) only when a kernel is not in the
// cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

#if SINTER_WITH_LLVM

using ::testing::HasSubstr;
using ::testing::Not;

class Startup : public ::testing::Test {
 protected:
  /// Trains for some steps, with this test's own cache.
  ProcessResult train(std::vector<std::string> environment) const {
    environment.push_back("SINTER_CACHE_DIR=" + cache_.path());
    return run_process(
        {SINTER_BINARY_DIR "/sinter", "bench", "mlp_train", "--threads", "1", "--seconds", "0.001"},
        environment);
  }
  TemporaryFolder cache_;
};

const char* const kNoGenerator = "SINTER_CODEGEN=/nowhere/codegen.so";

TEST_F(Startup, LlvmIsMappedOnlyWhenAKernelIsCompiled) {
  const ProcessResult cold = train({"LD_DEBUG=files"});
  EXPECT_EQ(cold.exit_code, 0) << cold.err;
  EXPECT_THAT(cold.err, HasSubstr("libLLVM"));
  const ProcessResult warm = train({"LD_DEBUG=files"});
  EXPECT_EQ(warm.exit_code, 0) << warm.err;
  EXPECT_THAT(warm.err, HasSubstr("libc.so"));
  EXPECT_THAT(warm.err, Not(HasSubstr("libLLVM")));
}

TEST_F(Startup, AMissingGeneratorIsNamed) {
  const ProcessResult cold = train({kNoGenerator});
  EXPECT_EQ(cold.exit_code, 1);
  EXPECT_THAT(cold.err, HasSubstr("a kernel must be compiled, but Sinter's code generator was not "
                                  "found (the environment variable SINTER_CODEGEN may name its "
                                  "file); tried: /nowhere/codegen.so"));
  EXPECT_EQ(train({}).exit_code, 0);
  const ProcessResult warm = train({kNoGenerator});
  EXPECT_EQ(warm.exit_code, 0) << warm.err;
}

TEST_F(Startup, AnotherCpuFindsNothingOfThisOne) {
  EXPECT_EQ(train({"SINTER_CPU=x86-64"}).exit_code, 0);
  EXPECT_EQ(train({"SINTER_CPU=x86-64", kNoGenerator}).exit_code, 0);
  EXPECT_EQ(train({"SINTER_CPU=x86-64-v3", kNoGenerator}).exit_code, 1);
}

TEST_F(Startup, ProcessesMayFillOneCacheAtTheSameTime) {
  std::vector<std::thread> threads;
  std::vector<ProcessResult> results(4);
  for (ProcessResult& result : results) threads.emplace_back([&] { result = train({}); });
  for (std::thread& t : threads) t.join();
  for (const ProcessResult& result : results) EXPECT_EQ(result.exit_code, 0) << result.err;
  const ProcessResult warm = train({kNoGenerator});
  EXPECT_EQ(warm.exit_code, 0) << warm.err;
}

#endif

}  // namespace
}  // namespace sinter::testing

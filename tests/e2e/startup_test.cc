// What a start loads: the code generator (LLVM is in it) only when a kernel is not in the cache,
// oneDNN only when a node may be given to it.
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
  /// Runs some steps of a work of `sinter bench`, with this test's own cache.
  ProcessResult bench(std::vector<std::string> arguments,
                      std::vector<std::string> environment) const {
    environment.push_back("SINTER_CACHE_DIR=" + cache_.path());
    std::vector<std::string> command = {SINTER_BINARY_DIR "/sinter", "bench"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    for (const char* argument : {"--threads", "1", "--seconds", "0.001"})
      command.emplace_back(argument);
    return run_process(command, environment);
  }
  ProcessResult train(std::vector<std::string> environment) const {
    return bench({"mlp_train"}, std::move(environment));
  }
  TemporaryFolder cache_;
};

const char* const kNoGenerator = "SINTER_CODEGEN=/nowhere/codegen.so";

TEST_F(Startup, LlvmIsMappedOnlyWhenAKernelIsCompiled) {
  const ProcessResult cold = train({"LD_DEBUG=files"});
  EXPECT_EQ(cold.exit_code, 0) << cold.err;
  EXPECT_THAT(cold.err, HasSubstr("libsinter_codegen"));
  const ProcessResult warm = train({"LD_DEBUG=files"});
  EXPECT_EQ(warm.exit_code, 0) << warm.err;
  EXPECT_THAT(warm.err, HasSubstr("libc.so"));
  EXPECT_THAT(warm.err, Not(HasSubstr("libsinter_codegen")));
  EXPECT_THAT(cold.err, Not(HasSubstr("libLLVM")));
}

// A folder that cannot be used costs time, so it is told, once; nothing else changes.
TEST_F(Startup, ACacheThatCannotBeWrittenIsToldOnce) {
  const std::string sinter = SINTER_BINARY_DIR "/sinter";
  const std::string bench = sinter + " bench mlp_b1 --threads 1 --seconds 0.001";
  const auto run = [](const std::string& command, const std::string& folder) {
    return run_process({"/bin/sh", "-c", command}, {"SINTER_CACHE_DIR=" + folder});
  };
  const auto warnings = [](const std::string& text) {
    size_t count = 0;
    for (size_t at = text.find("sinter: the code cache"); at < text.size();
         at = text.find("sinter: the code cache", at + 1))
      ++count;
    return count;
  };
  const ProcessResult full = run("trap '' XFSZ; ulimit -f 0; " + bench, cache_.path());
  EXPECT_EQ(full.exit_code, 0) << full.err;
  EXPECT_THAT(full.err, HasSubstr("cannot be written to: File too large ("));
  EXPECT_EQ(warnings(full.err), 1u) << full.err;
  const ProcessResult none = run(bench, "/proc/1/nowhere");
  EXPECT_EQ(none.exit_code, 0) << none.err;
  EXPECT_THAT(none.err, HasSubstr("'/proc/1/nowhere' cannot be made: "));
  EXPECT_EQ(warnings(none.err), 1u) << none.err;
  // One that is full enough is only read.
  EXPECT_EQ(run(bench, cache_.path()).err, "");
  EXPECT_EQ(run("trap '' XFSZ; ulimit -f 0; " + bench, cache_.path()).err, "");
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

#if SINTER_WITH_ONEDNN

const char* const kNoDnnl = "SINTER_DNNL=/nowhere/dnnl.so";
const char* const kNoDnnlMessage =
    "backend onednn needs the part of Sinter that calls oneDNN, which was not found (the "
    "environment variable SINTER_DNNL may name its file); tried: /nowhere/dnnl.so";

TEST_F(Startup, OneDnnIsMappedOnlyWhenItIsAskedFor) {
  for (const char* work : {"mlp_train", "mlp_b1"}) {
    for (int run = 0; run < 2; ++run) {  // with an empty cache, and with a warm one
      const ProcessResult automatic = bench({work}, {"LD_DEBUG=files"});
      EXPECT_EQ(automatic.exit_code, 0) << automatic.err;
      EXPECT_THAT(automatic.err, HasSubstr("libc.so"));
      EXPECT_THAT(automatic.err, Not(HasSubstr("libdnnl"))) << work;
    }
    const ProcessResult asked = bench({work, "--backend", "onednn"}, {"LD_DEBUG=files"});
    EXPECT_EQ(asked.exit_code, 0) << asked.err;
    EXPECT_THAT(asked.err, HasSubstr("libdnnl"));
  }
}

TEST_F(Startup, MissingOneDnnIsAnErrorWhereItIsAskedFor) {
  const ProcessResult asked = bench({"mlp_train", "--backend", "onednn"}, {kNoDnnl});
  EXPECT_EQ(asked.exit_code, 1);
  EXPECT_THAT(asked.err, HasSubstr(kNoDnnlMessage));
  const ProcessResult automatic = train({kNoDnnl});
  EXPECT_EQ(automatic.exit_code, 0) << automatic.err;
}

TEST_F(Startup, APluginOfSomethingElseIsRefused) {
  const ProcessResult asked = bench({"mlp_train", "--backend", "onednn"},
                                    {"SINTER_DNNL=" SINTER_BINARY_DIR "/lib/libsinter_codegen.so"});
  EXPECT_EQ(asked.exit_code, 1);
  EXPECT_THAT(asked.err, HasSubstr("libsinter_codegen.so (not a plugin sinter_dnnl)"));
}

#endif

#endif

}  // namespace
}  // namespace sinter::testing

// tests/bench/compare, with a Sinter and a peer that print figures chosen here: what it asks of
// them, and its tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>

#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

class Compare : public ::testing::Test {
 protected:
  void script(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name)) << "#!/bin/sh\n" << text;
    ::chmod(folder_.file(name).c_str(), 0755);
  }

  ProcessResult compare(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"/usr/bin/env", "python3", SINTER_SOURCE_DIR "/tests/bench/compare",
                      "--sinter", folder_.file("sinter"), "--python", folder_.file("python")});
    return run_process(arguments);
  }

  TemporaryFolder folder_;
};

// Sinter takes 100 us with one thread and 60 with more, the peer 90 and 150 (2.5 times as much at
// batch 8).
void make_contestants(const std::function<void(std::string, std::string)>& script) {
  script("sinter", R"(us=60; case "$*" in *"--threads 1 "*) us=100;; esac
case "$*" in bench\ mlp_*) ;; *) exit 3;; esac
echo "{\"peer\": \"sinter_auto\", \"threads\": $(echo "$*" | sed 's/.*--threads \([0-9]*\).*/\1/'), \"median_us\": $us}"
)");
  script(
      "python",
      R"(case "$*" in *--list) echo '{"jax": {"version": "1.2", "engine": false}, "ncnn": {"version": "3", "engine": true}}'; exit;; esac
us=150; threads=$(echo "$*" | sed 's/.*--threads \([0-9]*\).*/\1/'); [ "$threads" = 1 ] && us=90
for work in "$@"; do case "$work" in
  mlp*batch=8*) echo "{\"work\": \"$work\", \"peer\": \"$2\", \"threads\": $threads, \"median_us\": 225}";;
  mlp_b128) echo "{\"work\": \"$work\", \"peer\": \"$2\", \"threads\": $threads, \"median_us\": $us, \"max_err\": 0.25}";;
  mlp*) echo "{\"work\": \"$work\", \"peer\": \"$2\", \"threads\": $threads, \"median_us\": $us, \"max_err\": 1e-6}";;
esac; done
)");
}

TEST_F(Compare, TakesEachAtItsBetterThreadCount) {
  make_contestants([&](std::string name, std::string text) { script(name, text); });
  const ProcessResult result = compare({"mlp_b1", "--rounds", "2", "--seconds", "0"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("| work | Sinter | best framework | best C++ engine |"));
  // With one core there is one count to choose from.
  EXPECT_THAT(
      result.out,
      ::testing::AnyOf(
          ::testing::ContainsRegex(
              "mlp_b1 . 60.0 us .[0-9]+T. . jax 90.0 us .1T., ..1.50x.. . ncnn 90.0 us"),
          HasSubstr("| mlp_b1 | 100 us (1T) | jax 90.0 us (1T), **0.90x** | ncnn 90.0 us")));
}

TEST_F(Compare, LeavesOutWhoComputesSomethingElse) {
  make_contestants([&](std::string name, std::string text) { script(name, text); });
  const ProcessResult result = compare({"mlp_b128", "--rounds", "1", "--seconds", "0"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::ContainsRegex("mlp_b128 . [0-9.]+ us .[0-9]+T. . - . - ."));
  EXPECT_THAT(result.out, HasSubstr("its result has a relative error of 0.25"));
}

TEST_F(Compare, TheGridHasOneRowABatch) {
  make_contestants([&](std::string name, std::string text) { script(name, text); });
  const ProcessResult result = compare({"--grid", "--rounds", "1", "--seconds", "0"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("| batch | width 32 | width 64 | width 128 | width 256 | width "
                                    "512 | width 1024 |\n"));
  EXPECT_THAT(result.out, ::testing::ContainsRegex("\n. 8 . (60.0|100) us; (3.75|2.25) "));
  EXPECT_THAT(result.out, ::testing::ContainsRegex("\n. 512 . (60.0|100) us; (1.50|0.90) "));
}

TEST_F(Compare, SaysWhatItCannotDo) {
  make_contestants([&](std::string name, std::string text) { script(name, text); });
  ProcessResult result = compare({"mlp_tran"});
  EXPECT_THAT(result.err, HasSubstr("compare: unknown work 'mlp_tran'; there are "));
  result = compare({"mlp_b1", "--peers", "torch"});
  EXPECT_EQ(result.err, "compare: peer 'torch' is not installed; there are jax, ncnn\n");
  script("python", "echo '{}'\n");
  result = compare({"mlp_b1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("VENV/bin/pip install numpy jax"));
}

}  // namespace
}  // namespace sinter::testing

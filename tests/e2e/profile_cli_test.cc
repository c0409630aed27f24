// `sinter profile`: its table, its trace and its errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/file_io.h"
#include "frontend/sinter.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class ProfileCli : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    const KerasTensor x = Input({6}, {.name = "x"});
    Model model(x, Dense(3, {.activation = "softmax"})(
                       Dense(5, {.activation = "relu", .name = "first"})(x)));
    write_file_atomically(file("m.json"), model.to_json());
    model.export_inference(file("exported.sinter"));
    model.compile({.optimizer = Adam(), .loss = "sparse_categorical_crossentropy"});
    model.save(file("m.sinter"));
    before_ = read_file(file("m.sinter"));
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  std::string ok(const std::vector<std::string>& arguments) const {
    const ProcessResult result = run_sinter(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return result.out;
  }

  TemporaryFolder folder_;
  std::string before_;
};

TEST_F(ProfileCli, StepOfTraining) {
  const std::string out = ok({"profile", file("m.sinter"), "--batch", "64", "--steps", "7",
                              "--threads", "1", "--trace", file("t.json")});
  EXPECT_THAT(out, HasSubstr("a step of training \"functional\", 64 rows: 7 runs, "));
  EXPECT_THAT(out, HasSubstr(" backward "));
  EXPECT_THAT(out, HasSubstr(" update "));
  EXPECT_THAT(out, ContainsRegex("\n +[0-9.]+ +[0-9.]+ % +1 +[0-9.]+ G[A-Z/a-z]+ .*first"));
  EXPECT_THAT(out, HasSubstr("\nwrote " + file("t.json") + "\n"));
  const json trace = json::parse(read_file(file("t.json")));
  EXPECT_EQ(trace["otherData"]["runs"], 7);
  EXPECT_EQ(read_file(file("m.sinter")), before_) << "the model stays as it is";
}

TEST_F(ProfileCli, InferenceOfEachKindOfFile) {
  for (const char* name : {"m.sinter", "m.json", "exported.sinter"}) {
    const std::string out = ok({"profile", file(name), "--graph", "inference", "--batch", "8",
                                "--steps", "3", "--threads", "1"});
    EXPECT_THAT(out, HasSubstr("8 rows: 3 runs, ")) << name;
    EXPECT_THAT(out, HasSubstr("first")) << name;
    EXPECT_THAT(out, Not(HasSubstr("training"))) << name;
    EXPECT_THAT(out, Not(HasSubstr(" update "))) << name;
  }
  // What is not compiled predicts unless it is told to.
  EXPECT_THAT(ok({"profile", file("exported.sinter"), "--steps", "2"}), HasSubstr("32 rows"));
}

TEST_F(ProfileCli, SeveralInputsAndOutputs) {
  const KerasTensor a = Input({4}), b = Input({3});
  const KerasTensor h = Dense(6, {.name = "both"})(Concatenate()({a, b}));
  Model model(std::vector<KerasTensor>{a, b},
              std::vector<KerasTensor>{Dense(3, {.activation = "softmax", .name = "c"})(h),
                                       Dense(1, {.name = "d"})(h)});
  model.compile(
      {.optimizer = SGD(0.1), .loss = {{"c", "sparse_categorical_crossentropy"}, {"d", "mse"}}});
  model.save(file("two.sinter"));
  for (const char* graph : {"inference", "training"}) {
    EXPECT_THAT(ok({"profile", file("two.sinter"), "--graph", graph, "--steps", "4"}),
                ::testing::AllOf(HasSubstr("4 runs"), HasSubstr("both")))
        << graph;
  }
}

TEST_F(ProfileCli, CountersOrWhyNot) {
  EXPECT_THAT(ok({"profile", file("m.sinter"), "--steps", "2", "--counters"}),
              ContainsRegex("instructions a cycle|no hardware counters: .*perf_event_open"));
}

TEST_F(ProfileCli, Errors) {
  const auto expect_error = [](const std::vector<std::string>& arguments, int code,
                               const std::string& text) {
    const ProcessResult result = run_sinter(arguments);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(text));
    EXPECT_EQ(result.out, "");
  };
  expect_error({"profile", file("none.sinter")}, 1, "none.sinter");
  expect_error({"profile", file("exported.sinter"), "--graph", "training"}, 1,
               "holds no model, so it has no training graph");
  expect_error({"profile", file("m.json"), "--graph", "training"}, 1, "is not compiled");
  expect_error({"profile", file("m.sinter"), "--steps", "0"}, 2, "--steps");
  expect_error({"profile", file("m.sinter"), "--batch", "0"}, 2, "--batch");
  expect_error({"profile", file("m.sinter"), "--graph", "forward"}, 2, "--graph");
  expect_error({"profile", file("m.sinter"), "--trace", file("m.sinter")}, 2, "--trace");
  // The table came already.
  const ProcessResult unwritten =
      run_sinter({"profile", file("m.sinter"), "--steps", "1", "--trace", file("no/t.json")});
  EXPECT_EQ(unwritten.exit_code, 1);
  EXPECT_THAT(unwritten.err, HasSubstr("no/t.json"));
}

}  // namespace
}  // namespace sinter::testing

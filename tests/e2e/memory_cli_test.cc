// `sinter memory`, and budgets of memory in the tool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/file_io.h"
#include "frontend/sinter.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MemoryCli : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    const KerasTensor x = Input({6}, {.name = "x"});
    KerasTensor h = Dense(64, {.activation = "relu", .name = "first"})(x);
    for (int i = 0; i < 5; ++i) h = Dense(64, {.activation = "relu"})(h);
    const Model model(x, Dense(2, {.activation = "softmax"})(h));
    write_file_atomically(file("m.json"), model.to_json());
    model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
    model.save(file("m.sinter"));
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  std::string ok(const std::vector<std::string>& arguments) const {
    const ProcessResult result = run_sinter(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return result.out;
  }
  void expect_error(const std::vector<std::string>& arguments, int code,
                    const std::string& text) const {
    const ProcessResult result = run_sinter(arguments);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(text));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }

  TemporaryFolder folder_;
};

// What is known of memory before anything is allocated.
TEST_F(MemoryCli, IsKnownBeforehand) {
  const std::string prediction = ok({"memory", file("m.json"), "--batch", "16"});
  EXPECT_THAT(prediction, HasSubstr("16 rows, prediction, on "));
  EXPECT_THAT(prediction, HasSubstr("\nfirst "));
  EXPECT_THAT(prediction, Not(HasSubstr("optimizer")));
  expect_error(
      {"memory", file("m.json"), "--training"}, 1,
      "sinter memory: '" + file("m.json") + "' is not compiled, so it has no training step\n");
  const std::string training =
      ok({"memory", file("m.sinter"), "--training", "--batch", "1000000000"});
  EXPECT_THAT(training, HasSubstr("1000000000 rows, a training step, on "));
  EXPECT_THAT(training, HasSubstr("activations"));
}

TEST_F(MemoryCli, WithinABudget) {
  const std::vector<std::string> memory = {"memory", file("m.sinter"), "--training", "--batch",
                                           "512",    "--threads",      "1",          "--budget"};
  const auto with = [&](const char* budget) {
    std::vector<std::string> all = memory;
    all.emplace_back(budget);
    return all;
  };
  EXPECT_THAT(ok(with("1.5G")), HasSubstr("\nwithout a budget: "));
  expect_error(with("100"), 1,
               "sinter memory: memory_budget: 100 bytes are not enough for a run of graph ");
  expect_error(
      with("much"), 1,
      "sinter memory: the memory budget is 'much', but must be an amount of memory such as "
      "512M or 1.5G\n");
  expect_error({"memory", file("m.sinter"), "--budget", "64M"}, 2,
               "--budget is for a training step: add --training (see");
}

TEST_F(MemoryCli, TrainKeepsItsBudget) {
  save_npy(file("x.npy"), Tensor(DType::kFloat32, {64, 6}));
  save_npy(file("y.npy"), Tensor(DType::kInt64, {64}));
  const auto train = [&](const char* budget) -> std::vector<std::string> {
    return {"train",       file("m.sinter"), "--x", file("x.npy"),     "--y",
            file("y.npy"), "--verbose",      "0",   "--memory-budget", budget,
            "--output",    file("n.sinter")};
  };
  ok(train("64M"));
  EXPECT_EQ(load_model(file("n.sinter")).compile_arguments().memory_budget, 64 << 20);
  expect_error(train("1K"), 1, "sinter train: memory_budget: 1.0 KiB are not enough");
}

TEST_F(MemoryCli, DumpsShowWhatIsComputedAgain) {
  const std::vector<std::string> dump = {
      "dump", file("m.sinter"), "--graph",       "training", "--batch", "512", "--threads",
      "1",    "--after",        "rematerialize", "--format", "text"};
  std::vector<std::string> within = dump;
  within.insert(within.end(), {"--memory-budget", "100"});
  std::string text = run_sinter(within).err;
  text = text.substr(text.find('(') + 1);
  within.back() = text.substr(0, text.find(' '));
  EXPECT_NE(ok(within), ok(dump));
}

}  // namespace
}  // namespace sinter::testing

// The order of hooks, and callbacks whose numbers Keras's cases do not hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>
#include <utility>

#include "tests/support/error_of.h"

namespace sinter {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

class Callbacks : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
    for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i % 7) / 7);
    for (int64_t i = 0; i < y.elements(); ++i) y.set(i, static_cast<double>(i % 3));
    auto in = Input({3});
    model.emplace(in, Dense(1)(in));
    model->compile({.optimizer = SGD(0.1), .loss = "mse"});
  }
  void TearDown() override { set_backend("auto"); }

  History fit(int epochs, std::vector<CallbackItem> callbacks, double split = 0) {
    return model->fit(x, y,
                      {.epochs = epochs,
                       .batch_size = 4,
                       .verbose = 0,
                       .validation_split = split,
                       .callbacks = std::move(callbacks)});
  }

  Tensor x{DType::kFloat32, {8, 3}}, y{DType::kFloat32, {8, 1}};
  std::optional<Model> model;
};

TEST_F(Callbacks, HooksComeInKerassOrder) {
  struct Recorder : Callback {
    std::string text;
    void on_train_begin(Logs&) override { text += "train("; }
    void on_train_end(Logs&) override { text += ")"; }
    void on_epoch_begin(int e, Logs&) override { text += "e" + std::to_string(e) + "("; }
    void on_epoch_end(int, Logs& logs) override {
      text += ")";
      logs["mine"] = 7;
    }
    void on_train_batch_begin(int64_t b, Logs&) override { text += "b" + std::to_string(b); }
    void on_train_batch_end(int64_t, Logs&) override { text += "."; }
    void on_test_begin(Logs&) override { text += "t("; }
    void on_test_end(Logs&) override { text += ")"; }
  };
  Recorder recorder;
  const History history = fit(2, {std::ref(recorder)}, 0.25);
  EXPECT_EQ(recorder.text, "train(e0(b0.b1.t())e1(b0.b1.t()))");
  EXPECT_EQ(history["mine"], (std::vector<double>{7, 7}));
  EXPECT_EQ(history.epoch, (std::vector<int>{0, 1}));
}

// A name that is not there is never 0, and lands in no history.
TEST_F(Callbacks, LogsKnowTheirNames) {
  LambdaCallback reads({.on_epoch_end = [](int, Logs& logs) {
    const double loss = logs["loss"];
    EXPECT_EQ(loss, logs.at("loss"));
    EXPECT_EQ(loss, std::as_const(logs)["loss"]);
    EXPECT_THAT(error_of([&] { logs.at("los"); }),
                HasSubstr("unknown entry of the logs 'los'; did you mean 'loss'? Known: loss"));
    EXPECT_THAT(error_of([&] { logs.at("los"); }), ::testing::StartsWith("callbacks_test.cc:"));
    EXPECT_THAT(error_of([&] {
                  const double value = logs["val_loss"];
                  logs["copy"] = value;
                }),
                HasSubstr("unknown entry of the logs 'val_loss'"));
    EXPECT_THAT(error_of([&] { logs["sum"] += 1; }), HasSubstr("unknown entry of the logs 'sum'"));
    EXPECT_EQ(logs.size(), 1u);
    logs["twice"] = logs["loss"];
    logs["twice"] *= 2;
  }});
  const History history = fit(1, {reads});
  EXPECT_EQ(history["twice"][0], 2 * history["loss"][0]);
  EXPECT_THAT(error_of([&] { return history.history["los"].size(); }),
              HasSubstr("unknown entry of the history 'los'; did you mean 'loss'?"));
  EXPECT_EQ(history.history.size(), 2u);
}

// Where the kernels' NaN has a sign, as that of inf - inf has.
TEST_F(Callbacks, NaNHasNoSign) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::full(DType::kFloat32, {8, 3}, infinity);
  const History history = model->fit(x, y, {.verbose = 0});
  EXPECT_TRUE(std::isnan(history["loss"][0]));
  EXPECT_FALSE(std::signbit(history["loss"][0]));
}

TEST_F(Callbacks, StopTrainingEndsAfterTheBatch) {
  int batches = 0;
  LambdaCallback stop({.on_train_batch_end = [&](int64_t, Logs& logs) {
    EXPECT_TRUE(logs.contains("loss"));
    ++batches;
    model->set_stop_training(true);
  }});
  EXPECT_EQ(fit(5, {stop}).epoch.size(), 1u);
  EXPECT_EQ(batches, 1);
}

TEST_F(Callbacks, EarlyStoppingKnowsAfterwardsWhatHappened) {
  LambdaCallback rise({.on_epoch_end = [](int epoch, Logs& logs) {
    logs["loss_of_mine"] = std::vector<double>{3, 1, 2, 2, 2}[static_cast<size_t>(epoch)];
  }});
  EarlyStopping stop({.monitor = "loss_of_mine", .patience = 2, .mode = "min"});
  EXPECT_EQ(fit(5, {rise, stop}).epoch.size(), 4u);
  EXPECT_EQ(stop.stopped_epoch(), 3);
  EXPECT_EQ(stop.best_epoch(), 1);
  EXPECT_EQ(stop.best(), 1.0);
}

TEST_F(Callbacks, ReduceLROnPlateau) {
  LambdaCallback flat({.on_epoch_end = [](int, Logs& logs) { logs["flat_loss"] = 1; }});
  const History history = fit(
      7,
      {flat,
       ReduceLROnPlateau(
           {.monitor = "flat_loss", .factor = 0.5, .patience = 2, .cooldown = 1, .min_lr = 0.03})});
  // Logged before it changes. Epochs 1 and 2 do not improve: 0.05 from epoch 3; a cooldown; 3 and
  // 4: 0.03, the least.
  const std::vector<double> expected = {0.1, 0.1, 0.1, 0.05, 0.05, 0.03, 0.03};
  ASSERT_EQ(history["learning_rate"].size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(history["learning_rate"][i], expected[i], 1e-7) << i;
}

TEST_F(Callbacks, LearningRateScheduler) {
  const History history = fit(
      3,
      {LearningRateScheduler([](int epoch, double rate) { return epoch == 0 ? 0.4 : rate / 2; })});
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(history["learning_rate"][i], 0.4 / (1 << i), 1e-7);
}

TEST_F(Callbacks, TerminateOnNaNStopsAtOnce) {
  model->compile({.optimizer = SGD(1e30), .loss = "mse"});
  EXPECT_EQ(fit(10, {TerminateOnNaN()}).epoch.size(), 1u);
}

TEST_F(Callbacks, CSVLoggerWritesWhatKerasWrites) {
  const std::string path = ::testing::TempDir() + "callbacks_test.csv";
  const History history = fit(2, {CSVLogger(path)});
  std::ifstream file(path);
  std::string header, first, second;
  std::getline(file, header);
  std::getline(file, first);
  std::getline(file, second);
  EXPECT_EQ(header, "epoch,loss,val_loss");
  EXPECT_TRUE(first.starts_with("0,")) << first;
  EXPECT_TRUE(second.ends_with(",NA")) << second;
  EXPECT_EQ(std::stod(second.substr(2)), history["loss"][1]);
  fit(1, {CSVLogger(path, {.append = true})});
  std::ifstream again(path);
  std::stringstream all;
  all << again.rdbuf();
  EXPECT_EQ(std::ranges::count(all.str(), '\n'), 4);
  // Fields are quoted as Python's csv module quotes them.
  CSVLogger own(path);
  Logs logs = {{"a,\"b\"", -std::numeric_limits<double>::quiet_NaN()}, {"val_c", 0.5}};
  own.on_train_begin(logs);
  own.on_epoch_end(0, logs);
  own.on_train_end(logs);
  std::ifstream quoted(path);
  std::stringstream text;
  text << quoted.rdbuf();
  EXPECT_EQ(text.str(), "epoch,\"a,\"\"b\"\"\",val_c\n0,nan,0.5\n");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace sinter

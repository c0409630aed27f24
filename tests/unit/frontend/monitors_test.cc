// What callbacks that watch a number take for the best, and where they save.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <filesystem>
#include <limits>

#include "tests/support/wave.h"

namespace sinter {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class Monitors : public testing::Test {
 protected:
  void SetUp() override { set_backend("reference"); }
  void TearDown() override { set_backend("auto"); }
  static Model linear() {
    clear_session();
    auto x = Input({3});
    Model model(x, Dense(2)(x));
    model.compile({.optimizer = SGD(0.1), .loss = "mse"});
    return model;
  }
  static LambdaCallback logs(const std::string& key, std::vector<double> values) {
    return LambdaCallback({.on_epoch_end = [=](int epoch, Logs& l) {
      l[key] = values[static_cast<size_t>(epoch) % values.size()];
    }});
  }
  static History fit(const Model& model, int epochs, std::vector<CallbackItem> callbacks) {
    return model.fit(wave({6, 3}, 1), wave({6, 2}, 2),
                     {.epochs = epochs, .verbose = 0, .callbacks = std::move(callbacks)});
  }
};

TEST_F(Monitors, NaNIsNeverTheBest) {
  for (const char* mode : {"min", "max"}) {
    const Model model = linear();
    EarlyStopping stop({.monitor = "w", .patience = 2, .mode = mode, .restore_best_weights = true});
    const double sign = mode == std::string("min") ? 1 : -1;
    fit(model, 6, {logs("w", {kNaN, sign * 3, sign * 2, kNaN, kNaN, kNaN}), stop});
    EXPECT_EQ(stop.best_epoch(), 2);
    EXPECT_EQ(stop.best(), sign * 2);
    EXPECT_EQ(stop.stopped_epoch(), 4);
    fit(model, 3, {logs("w", {kNaN, kNaN, kNaN}), stop});
    EXPECT_FALSE(stop.best().has_value());
  }
}

TEST_F(Monitors, CheckpointRemembersItsBest) {
  const std::string path = testing::TempDir() + "monitors_best.sinter";
  std::filesystem::remove(path);
  const Model model = linear();
  const ModelCheckpoint best(path, {.monitor = "w", .save_best_only = true, .mode = "min"});
  fit(model, 1, {logs("w", {kNaN}), best});
  EXPECT_FALSE(std::filesystem::exists(path));
  fit(model, 2, {logs("w", {2, 1}), best});
  const Tensor saved = load_model(path).get_weights()[0].clone();
  fit(model, 2, {logs("w", {1.5, kNaN}), best});
  EXPECT_TRUE(load_model(path).get_weights()[0].identical(saved));
  fit(model, 1, {logs("w", {0.5}), best});
  EXPECT_FALSE(load_model(path).get_weights()[0].identical(saved));
  std::filesystem::remove(path);
}

TEST_F(Monitors, FieldsOfPathsHaveWidthsOfPaths) {
  const Model model = linear();
  for (const char* field : {"{epoch:1000000000d}", "{loss:.99999f}", "{epoch:{epoch}}"}) {
    const ModelCheckpoint save(testing::TempDir() + field + ".sinter");
    EXPECT_THROW(fit(model, 1, {save}), Error) << field;
  }
  fit(model, 1, {ModelCheckpoint(testing::TempDir() + "monitors_{{12345}}_{epoch:03d}.sinter")});
  const std::string path = testing::TempDir() + "monitors_{12345}_001.sinter";
  EXPECT_TRUE(std::filesystem::remove(path));
}

// Keras counts the batch from 1 in each epoch, and has none at the end of one.
TEST_F(Monitors, PathsMayHoldTheBatch) {
  const std::string stem = testing::TempDir() + "monitors_batch_";
  const std::string path = stem + "{epoch}_{batch:02d}_{loss:.0f}.sinter";
  const Model model = linear();
  const Tensor x(float32, {6, 3}), y(float32, {6, 2});
  model.fit(x, y,
            {.epochs = 2,
             .batch_size = 2,
             .verbose = 0,
             .callbacks = {ModelCheckpoint(path, {.save_freq = 2})}});
  const auto saved = [&](const char* of) {
    return std::filesystem::remove(stem + of + "_0.sinter");
  };
  for (const char* of : {"1_02", "2_01", "2_03"}) EXPECT_TRUE(saved(of)) << of;
  EXPECT_THROW(fit(model, 1, {ModelCheckpoint(path)}), NameError);
}

TEST_F(Monitors, DirectionIsThatOfTheMetric) {
  const auto best_epoch = [](const Metric& metric, const std::string& monitor, bool rising) {
    clear_session();
    auto x = Input({3});
    const Model model(x, Dense(1, {.activation = "sigmoid"})(x));
    model.compile({.optimizer = SGD(0.1), .loss = "binary_crossentropy", .metrics = {metric}});
    EarlyStopping stop({.monitor = monitor, .patience = 1});
    const double sign = rising ? 1 : -1;
    model.fit(wave({6, 3}, 1), Tensor::from<float>({6, 1}, std::vector<float>{0, 1, 0, 1, 0, 1}),
              {.epochs = 4,
               .verbose = 0,
               .validation_split = 0.5,
               .callbacks = {logs(monitor, {0, sign, 2 * sign, 3 * sign}), stop}});
    return stop.best_epoch();
  };
  EXPECT_EQ(best_epoch(metrics::BinaryAccuracy({.name = "loss_of_mine"}), "val_loss_of_mine", true),
            3);
  EXPECT_EQ(best_epoch(metrics::MeanSquaredError({.name = "brier"}), "val_brier", false), 3);
  EXPECT_EQ(best_epoch("accuracy", "val_accuracy", true), 3);
  EXPECT_EQ(best_epoch("crossentropy", "val_crossentropy", false), 3);
  EXPECT_EQ(best_epoch("cosine_similarity", "cosine_similarity", true), 3);
  const Metric own("accuracy_of_mine", [](Symbol t, Symbol p) { return mean(t * p, {-1}); });
  EXPECT_THROW(best_epoch(own, "val_accuracy_of_mine", true), Error);
}

// A name that is not among the logs is told once, with what there is, what may be meant, and the
// line where the callback was made.
TEST_F(Monitors, NamesThatAreNotLoggedAreTold) {
  const auto told = [](const CallbackItem& callback, const Logs& more = {}) {
    const LambdaCallback add(
        {.on_epoch_end = [=](int, Logs& l) { l.insert(more.begin(), more.end()); }});
    testing::internal::CaptureStderr();
    fit(linear(), 3, {add, callback});
    return testing::internal::GetCapturedStderr();
  };
  const std::string line = " (monitors_test.cc:" + std::to_string(__LINE__ + 1) + "): ";
  EXPECT_EQ(told(EarlyStopping({.monitor = "los"})),
            "sinter: EarlyStopping" + line +
                "'los' is not among the logs; did you mean 'loss'? Known: loss. Nothing is done\n");
  const std::string validation =
      "loss. This epoch had no validation: give fit() .validation_split or .validation_data, and "
      "a .validation_freq that its epochs reach. Nothing is done\n";
  const std::string second = " (monitors_test.cc:" + std::to_string(__LINE__ + 1) + "): ";
  EXPECT_EQ(told(ReduceLROnPlateau()), "sinter: ReduceLROnPlateau" + second +
                                           "'val_loss' is not among the logs. Known: "
                                           "learning_rate, " +
                                           validation);
  const std::string path = testing::TempDir() + "monitors_named.sinter";
  const std::string third = " (monitors_test.cc:" + std::to_string(__LINE__ + 1) + "): ";
  EXPECT_EQ(
      told(ModelCheckpoint(path, {.save_best_only = true})),
      "sinter: ModelCheckpoint" + third + "'val_loss' is not among the logs. Known: " + validation);
  EXPECT_NE(told(EarlyStopping({.monitor = "val_los", .mode = "min"}), {{"val_loss", 1}})
                .find("did you mean 'val_loss'? Known: loss, val_loss. Nothing"),
            std::string::npos);
  EXPECT_EQ(told(EarlyStopping({.monitor = "loss"})), "");
}

// Epochs without validation between those with one miss nothing.
TEST_F(Monitors, ValidationNeedNotBeInEachEpoch) {
  const std::string path = testing::TempDir() + "monitors_freq_{epoch}_{val_loss:.0f}.sinter";
  const auto told = [](const CallbackItem& callback, FitOptions options) {
    options.verbose = 0;
    options.callbacks = {callback};
    testing::internal::CaptureStderr();
    linear().fit(wave({6, 3}, 1), wave({6, 2}, 2), options);
    return testing::internal::GetCapturedStderr();
  };
  const FitOptions third{.epochs = 4, .validation_split = 0.5, .validation_freq = 3};
  EarlyStopping stop;
  EXPECT_EQ(told(stop, third), "");
  EXPECT_EQ(stop.best_epoch(), 2);
  EXPECT_EQ(told(ReduceLROnPlateau(), third), "");
  EXPECT_EQ(told(ModelCheckpoint(path, {.save_best_only = true}), third), "");
  // Neither is what comes in no epoch of them passed over, ...
  FitOptions never = third;
  never.epochs = 2;
  EXPECT_NE(told(EarlyStopping(), never).find("a .validation_freq that its epochs reach"),
            std::string::npos);
  never.epochs = 5;
  never.initial_epoch = 3;
  EXPECT_NE(told(EarlyStopping(), never).find("This epoch had no validation"), std::string::npos);
  never.epochs = 6;
  EXPECT_EQ(told(EarlyStopping(), never), "");
  EXPECT_NE(told(EarlyStopping(), {.epochs = 1}).find("This epoch had no validation"),
            std::string::npos);
  // ... nor another name.
  EXPECT_NE(told(EarlyStopping({.monitor = "val_los", .mode = "min"}), third)
                .find("did you mean 'val_loss'?"),
            std::string::npos);
  EXPECT_NE(told(EarlyStopping({.monitor = "los", .mode = "min"}), third)
                .find("did you mean 'loss'? Known: loss."),
            std::string::npos);
}

// So is one in the path of a checkpoint, which cannot be saved then.
TEST_F(Monitors, NamesInPathsAreTold) {
  const auto error = [](const std::string& path) -> std::string {
    try {
      fit(linear(), 1, {ModelCheckpoint(testing::TempDir() + path)});
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  const auto has = [&](const std::string& path, const std::string& part) {
    EXPECT_NE(error(path).find(part), std::string::npos) << error(path);
  };
  has("m-{val_loss:.2f}.sinter",
      "cannot be filled in: 'val_loss' is not among the logs. Known: "
      "epoch, loss. This epoch had no validation: give fit()");
  has("m-{lss}.sinter", "'lss' is not among the logs; did you mean 'loss'? Known: epoch, loss.");
  has("m-{epochs:02d}.sinter", "'epochs' is not among the logs; did you mean 'epoch'?");
  has("m-{}.sinter", "'' is not among the logs.");
  has("m-{0}.sinter", "'0' is not among the logs.");
  has("m-{loss:d}.sinter", "cannot be filled in: ");
  has("m-{loss:1000}.sinter", "no file name is as wide");
  EXPECT_EQ(error("m-{{{epoch:02d}}}-{loss:.3f}.sinter"), "no error");
}

// An optimizer that follows a schedule has no rate for callbacks to set: said before the first
// epoch, with what to do.
TEST_F(Monitors, SchedulesLeaveNoRateToSet) {
  int epochs = 0;
  const LambdaCallback count({.on_epoch_begin = [&](int, Logs&) { ++epochs; }});
  const Model model = linear();
  model.compile({.optimizer = SGD(CosineDecay({.decay_steps = 10})), .loss = "mse"});
  const auto error = [&](const CallbackItem& callback) -> std::string {
    try {
      fit(model, 2, {count, callback});
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  for (const std::string& text :
       {error(ReduceLROnPlateau({.monitor = "loss"})),
        error(LearningRateScheduler([](int, double rate) { return rate / 2; }))}) {
    EXPECT_NE(
        text.find("the learning rate of optimizer 'sgd' follows a schedule, which no callback "
                  "can change: leave out the callback, or give the optimizer a number"),
        std::string::npos)
        << text;
  }
  EXPECT_EQ(epochs, 0);
}

}  // namespace
}  // namespace sinter

// What optimizers share (clipping, decay, averages, schedules) against the formulas, on a model
// whose gradient is known.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>

#include "tests/support/own_names.h"

namespace sinter {
namespace {

// y = w1 x1 + w2 x2 with x = (3, 4) and the loss mean(y): the gradient is (3, 4), of norm 5, at
// every step.
class Optimizers : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }

  // The weights after each of `steps` steps, from (1, -1).
  std::vector<std::array<double, 2>> run(const Optimizer& optimizer, int steps) {
    auto x = Input({2});
    const Model model(x, Dense(1, {.use_bias = false})(x));
    model.set_weights({Tensor::from<float>({2, 1}, std::vector<float>{1, -1})});
    model.compile(
        {.optimizer = optimizer, .loss = [](Symbol, Symbol y_pred) { return mean(y_pred, {-1}); }});
    const Tensor rows = Tensor::from<float>({1, 2}, std::vector<float>{3, 4});
    std::vector<std::array<double, 2>> path;
    for (int i = 0; i < steps; ++i) {
      model.train_on_batch(rows, Tensor(DType::kFloat32, {1, 1}));
      const Tensor w = model.get_weights()[0];
      path.push_back({w.at(0), w.at(1)});
    }
    return path;
  }

  void expect_near(const std::array<double, 2>& found, double a, double b) {
    EXPECT_NEAR(found[0], a, 2e-6);
    EXPECT_NEAR(found[1], b, 2e-6);
  }
};

TEST_F(Optimizers, Clipnorm) {
  // c / max(|g|, c)
  expect_near(run(SGD({.learning_rate = 0.1, .clipnorm = 1.0}), 1)[0], 1 - 0.1 * 0.6,
              -1 - 0.1 * 0.8);
  expect_near(run(SGD({.learning_rate = 0.1, .clipnorm = 10.0}), 1)[0], 1 - 0.3, -1 - 0.4);
}

TEST_F(Optimizers, GlobalClipnormAndClipvalue) {
  expect_near(run(SGD({.learning_rate = 0.1, .global_clipnorm = 2.5}), 1)[0], 1 - 0.15, -1 - 0.2);
  expect_near(run(SGD({.learning_rate = 0.1, .clipvalue = 3.5}), 1)[0], 1 - 0.3, -1 - 0.35);
}

TEST_F(Optimizers, WeightDecayComesBeforeTheStep) {
  expect_near(run(SGD({.learning_rate = 0.1, .weight_decay = 0.5}), 1)[0], 1 - 0.05 - 0.3,
              -1 + 0.05 - 0.4);
  // AdamW: decay, then a step of about the learning rate.
  expect_near(run(AdamW({.learning_rate = 0.01}), 1)[0], 1 - 1 * 0.004 * 0.01 - 0.01,
              -1 + 0.004 * 0.01 - 0.01);
}

TEST_F(Optimizers, AveragesOfWeights) {
  // average: w after the first step, then m avg + (1 - m) w; every second step the weight becomes
  // it.
  const auto path = run(SGD({.learning_rate = 0.1,
                             .use_ema = true,
                             .ema_momentum = 0.75,
                             .ema_overwrite_frequency = 2}),
                        4);
  double w = 1, average = 0;
  for (int t = 1; t <= 4; ++t) {
    w -= 0.3;
    average = t == 1 ? w : 0.75 * average + 0.25 * w;
    if (t % 2 == 0) w = average;
    EXPECT_NEAR(path[static_cast<size_t>(t - 1)][0], w, 2e-6) << t;
  }
}

TEST_F(Optimizers, SchedulesAreReadWithTheStepsDone) {
  struct Example {
    LearningRate rate;
    std::function<double(double)> formula;
  };
  const std::vector<Example> examples = {
      {ExponentialDecay({.initial_learning_rate = 0.1, .decay_steps = 2, .decay_rate = 0.5}),
       [](double s) { return 0.1 * std::pow(0.5, s / 2); }},
      {ExponentialDecay(
           {.initial_learning_rate = 0.1, .decay_steps = 2, .decay_rate = 0.5, .staircase = true}),
       [](double s) { return 0.1 * std::pow(0.5, std::floor(s / 2)); }},
      {InverseTimeDecay({.initial_learning_rate = 0.1, .decay_steps = 2, .decay_rate = 0.5}),
       [](double s) { return 0.1 / (1 + 0.5 * s / 2); }},
      {PiecewiseConstantDecay({.boundaries = {1, 3}, .values = {0.1, 0.05, 0.01}}),
       [](double s) { return s <= 1   ? 0.1
                             : s <= 3 ? 0.05
                                      : 0.01; }},
      {PolynomialDecay(
           {.initial_learning_rate = 0.1, .decay_steps = 4, .end_learning_rate = 0.02, .power = 2}),
       [](double s) { return 0.08 * std::pow(1 - std::min(s, 4.0) / 4, 2) + 0.02; }},
      {PolynomialDecay({.initial_learning_rate = 0.1,
                        .decay_steps = 2,
                        .end_learning_rate = 0.02,
                        .cycle = true}),
       [](double s) { return 0.08 * (1 - s / (2 * std::max(std::ceil(s / 2), 1.0))) + 0.02; }},
      {CosineDecay({.initial_learning_rate = 0.1, .decay_steps = 4, .alpha = 0.1}),
       [](double s) {
         return 0.1 * (0.9 * 0.5 * (1 + std::cos(std::numbers::pi * std::min(s, 4.0) / 4)) + 0.1);
       }},
      {CosineDecay({.initial_learning_rate = 0.0,
                    .decay_steps = 4,
                    .warmup_target = 0.1,
                    .warmup_steps = 2}),
       [](double s) {
         return s < 2 ? 0.1 * s / 2
                      : 0.1 * 0.5 * (1 + std::cos(std::numbers::pi * std::min(s - 2, 4.0) / 4));
       }},
  };
  for (size_t i = 0; i < examples.size(); ++i) {
    const auto path = run(SGD(examples[i].rate), 6);
    double w = 1;
    for (int s = 0; s < 6; ++s) {
      w -= 3 * examples[i].formula(s);
      EXPECT_NEAR(path[static_cast<size_t>(s)][0], w, 5e-6) << "schedule " << i << ", step " << s;
      EXPECT_NEAR(examples[i].rate.at(int64_t{s}), examples[i].formula(s), 1e-6);
    }
  }
}

TEST_F(Optimizers, SettingsRoundTrip) {
  for (const std::string& name : names_of_library(optimizer_names())) {
    const Optimizer optimizer(name);
    EXPECT_EQ(Optimizer::from_config(optimizer.to_config()).to_config(), optimizer.to_config())
        << name;
  }
  const Optimizer scheduled =
      Adam({.learning_rate = ExponentialDecay({.initial_learning_rate = 0.1, .decay_steps = 7}),
            .amsgrad = true,
            .clipnorm = 2.0});
  EXPECT_EQ(Optimizer::from_config(scheduled.to_config()).to_config(), scheduled.to_config());
}

TEST_F(Optimizers, VariablesHaveKerassNamesAndOrder) {
  auto x = Input({2});
  const Model model(x, Dense(1)(x));
  model.compile({.optimizer = RMSprop({.momentum = 0.5, .centered = true}), .loss = "mse"});
  std::vector<std::string> paths;
  for (const VariablePtr& v : model.optimizer().variables()) paths.push_back(v->path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{
                "rm_sprop/iteration", "rm_sprop/learning_rate", "rm_sprop/dense_kernel_velocity",
                "rm_sprop/dense_bias_velocity", "rm_sprop/dense_kernel_momentum",
                "rm_sprop/dense_bias_momentum", "rm_sprop/dense_kernel_average_gradient",
                "rm_sprop/dense_bias_average_gradient"}));
}

}  // namespace
}  // namespace sinter

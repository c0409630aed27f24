// Settings of optimizers beyond their rules: weights without decay, gradients of several steps,
// schedules of one's own; and that files keep them.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>

#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

class OptimizerSettings : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }
};

Tensor numbers(Shape shape) {
  Tensor x(DType::kFloat32, shape);
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>((i * 37) % 101) / 101);
  return x;
}

// Labels that a network of zeros predicts: only the decay moves its weights.
Model decayed(const Optimizer& optimizer) {
  clear_session();
  auto x = Input(3);
  const Model model(x, Dense(2, {.kernel_initializer = "zeros", .bias_initializer = "ones"})(x));
  model.compile({.optimizer = optimizer, .loss = "mse"});
  return model;
}

TEST_F(OptimizerSettings, WeightsWithoutDecay) {
  const sinter::testing::TemporaryFolder folder;
  const Tensor x = numbers({4, 3}), ones = Tensor::full(DType::kFloat32, {4, 2}, 1.0);
  const auto bias_after = [&](const Model& model) {
    model.fit(x, ones, {.epochs = 3, .verbose = 0});
    return model.get_weights()[1].at(0);
  };
  const SGDOptions options{.learning_rate = 0.1, .weight_decay = 0.5};
  EXPECT_LT(bias_after(decayed(SGD(options))), 0.95);
  const SGD by_name(options), by_weight(options);
  by_name.exclude_from_weight_decay({"bias"});
  EXPECT_EQ(bias_after(decayed(by_name)), 1.0);
  const Model model = decayed(by_weight);
  by_weight.exclude_from_weight_decay({model.variables()[1]});
  model.save(folder.file("m.sinter"));
  EXPECT_EQ(bias_after(model), 1.0);
  EXPECT_EQ(bias_after(load_model(folder.file("m.sinter"))), 1.0);
  EXPECT_THROW(by_weight.exclude_from_weight_decay({"kernel"}), Error);
}

// Two steps of half the rows are one step of all of them.
TEST_F(OptimizerSettings, AccumulatedGradientsAreThoseOfTheWholeBatch) {
  const Tensor x = numbers({8, 3}), y = numbers({8, 2});
  const auto train = [&](const Optimizer& optimizer, int64_t batch) {
    clear_session();
    auto in = Input(3);
    const Model model(in, Dense(2)(Dense(4, "tanh")(in)));
    model.compile({.optimizer = optimizer, .loss = "mse"});
    model.fit(x, y, {.epochs = 5, .batch_size = batch, .verbose = 0, .shuffle = false});
    return model.get_weights();
  };
  const AdamOptions whole{.learning_rate = 0.01, .clipnorm = 0.1};
  AdamOptions halves = whole;
  halves.gradient_accumulation_steps = 2;
  const auto a = train(Adam(whole), 8), b = train(Adam(halves), 4), c = train(Adam(whole), 4);
  bool differs = false;
  for (size_t i = 0; i < a.size(); ++i) {
    for (int64_t k = 0; k < a[i].elements(); ++k) {
      EXPECT_NEAR(a[i].at(k), b[i].at(k), 1e-6);
      differs = differs || std::abs(a[i].at(k) - c[i].at(k)) > 1e-4;
    }
  }
  EXPECT_TRUE(differs);
  EXPECT_THROW(Adam({.gradient_accumulation_steps = 1}), Error);
}

TEST_F(OptimizerSettings, SchedulesOfOnesOwn) {
  const sinter::testing::TemporaryFolder folder;
  const auto slower = [](Symbol step) { return 0.5 / (1.0 + step); };
  EXPECT_NEAR(SGD(slower).learning_rate(), 0.5, 1e-7);
  EXPECT_NEAR(LearningRate(slower).at(int64_t{4}), 0.1, 1e-7);
  const Model model = decayed(SGD(LearningRate("slower", slower)));
  const Tensor x = numbers({4, 3}), y = numbers({4, 2});
  model.fit(x, y, {.epochs = 3, .verbose = 0});
  EXPECT_NEAR(model.optimizer().learning_rate(), 0.125, 1e-7);
  model.save(folder.file("m.sinter"));
  EXPECT_THROW(load_model(folder.file("m.sinter")), NameError);
  const Model again = load_model(folder.file("m.sinter"), {.custom_objects = {{"slower", slower}}});
  EXPECT_NEAR(again.optimizer().learning_rate(), 0.125, 1e-7);
  EXPECT_EQ(again.fit(x, y, {.verbose = 0})["loss"], model.fit(x, y, {.verbose = 0})["loss"]);
}

TEST_F(OptimizerSettings, RestartsFallOnTheirSteps) {
  const LearningRate rate = CosineDecayRestarts(
      {.initial_learning_rate = 1.0, .first_decay_steps = 10, .t_mul = 2.0, .m_mul = 0.5});
  for (const auto& [step, expected] : std::vector<std::pair<int64_t, double>>{
           {0, 1.0}, {5, 0.5}, {10, 0.5}, {20, 0.25}, {30, 0.25}, {70, 0.125}, {150, 0.0625}})
    EXPECT_NEAR(rate.at(step), expected, 1e-6) << step;
  EXPECT_EQ(LearningRate::from_config(rate.to_config(), 0).to_config(), rate.to_config());
}

}  // namespace
}  // namespace sinter

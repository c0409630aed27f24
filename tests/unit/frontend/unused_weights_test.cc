// Weights that no loss depends on stay as they are, as in Keras on TensorFlow: no decay, no
// constraint, no slot changes. What counts is the way from the loss to the weight, not the value of
// the gradient.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <functional>

#include "ops/gradients.h"

namespace sinter {
namespace {

Tensor wave(Shape shape) {
  Tensor t(float32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i) t.set(i, std::sin(1.3 * static_cast<double>(i)));
  return t;
}

class UnusedWeights : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    clear_session();
    set_backend(GetParam());
    const KerasTensor in = Input({3});
    // What is told is told once, of each name.
    aside = std::string("unused_") + GetParam();
    used.emplace(Dense(2, {.name = "used"}));
    unused.emplace(Dense(2, {.kernel_constraint = UnitNorm(), .name = aside}));
    model.emplace(in, std::vector<KerasTensor>{(*used)(in), (*unused)(in)});
    unused->set_weights(
        std::vector<Tensor>{Tensor::full(float32, {3, 2}, 3), Tensor::full(float32, {2}, 3)});
  }
  void TearDown() override { set_backend("auto"); }

  std::string fit(int epochs = 1) const {
    testing::internal::CaptureStderr();
    model->fit(x, {y, y}, {.epochs = epochs, .batch_size = 4, .verbose = 0});
    return testing::internal::GetCapturedStderr();
  }
  void expect_threes() const {
    for (const Tensor& t : unused->get_weights())
      for (int64_t i = 0; i < t.elements(); ++i) EXPECT_EQ(t.at(i), 3) << i;
  }

  const Tensor x = wave({12, 3}), y = wave({12, 2});
  std::string aside;
  std::optional<Layer> used, unused;
  std::optional<Model> model;
};

TEST_P(UnusedWeights, StayWhateverTheOptimizerDoesBesides) {
  const std::vector<Optimizer> optimizers = {
      SGD({.learning_rate = 0.1, .weight_decay = 0.5}),
      SGD({.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.5, .clipnorm = 0.1}),
      Adam({.learning_rate = 0.1, .weight_decay = 0.5, .global_clipnorm = 1.0}),
      AdamW({.learning_rate = 0.1, .gradient_accumulation_steps = 2}),
      Adam({.learning_rate = 0.1,
            .weight_decay = 0.5,
            .use_ema = true,
            .ema_momentum = 0.7,
            .ema_overwrite_frequency = 2}),
      RMSprop({.learning_rate = 0.1, .weight_decay = 0.5, .loss_scale_factor = 8.0}),
      Ftrl({.learning_rate = 0.1, .l1_regularization_strength = 0.1}),
      Lion({.learning_rate = 0.1, .weight_decay = 0.5})};
  for (const Optimizer& optimizer : optimizers) {
    SCOPED_TRACE(optimizer.name());
    const auto before = used->get_weights();
    model->compile({.optimizer = optimizer, .loss = {"mse", nullptr}});
    const std::vector<VariablePtr> state = optimizer.variables();
    std::vector<Tensor> slots;
    for (const VariablePtr& v : state) slots.push_back(v->value.clone());
    fit(2);
    model->train_on_batch(x, {y, y});
    expect_threes();
    EXPECT_FALSE(before[0].identical(used->get_weights()[0]));
    for (size_t i = 0; i < state.size(); ++i) {
      if (state[i]->path.find("unused") != std::string::npos)
        EXPECT_TRUE(slots[i].identical(state[i]->value)) << state[i]->path;
    }
  }
}

TEST_P(UnusedWeights, MomentumOfAnEarlierLossDoesNotMoveThem) {
  const Optimizer optimizer = SGD({.learning_rate = 0.1, .momentum = 0.9});
  model->compile({.optimizer = optimizer, .loss = {"mse", "mse"}});
  fit();
  model->compile({.optimizer = optimizer, .loss = {"mse", nullptr}});
  const auto before = unused->get_weights();
  fit();
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(before[i].identical(unused->get_weights()[i]));
}

TEST_P(UnusedWeights, AreNamedOnceWithTheLineOfCompile) {
  model->compile({.optimizer = "sgd", .loss = {"mse", nullptr}});
  const std::string text = fit();
  EXPECT_NE(text.find("unused_weights_test.cc:"), std::string::npos) << text;
  EXPECT_NE(
      text.find("gradients do not exist for the weights " + aside + "/kernel, " + aside + "/bias:"),
      std::string::npos)
      << text;
  EXPECT_EQ(fit(), "");
  model->compile({.optimizer = "sgd", .loss = {"mse", "mse"}});
  EXPECT_EQ(fit(), "");
}

// A gradient that is 0 is one all the same: decay goes on.
TEST_P(UnusedWeights, ZeroGradientsDecay) {
  model->compile({.optimizer = SGD({.learning_rate = 0.5, .weight_decay = 0.5}),
                  .loss = {"mse", [](Symbol, Symbol p) { return 0.0 * mean(p, {-1}); }}});
  model->train_on_batch(x, {y, y});
  EXPECT_EQ(unused->get_weights()[1].at(0), 3 * 0.75);
}

TEST_P(UnusedWeights, WithARegularizerAreUsed) {
  const KerasTensor in = Input({3});
  const Layer aside = Dense(1, {.kernel_regularizer = L2(0.5)});
  const Model two(in, {Dense(2)(in), aside(in)});
  aside.set_weights(
      std::vector<Tensor>{Tensor::full(float32, {3, 1}, 2), Tensor::full(float32, {1}, 2)});
  two.compile(
      {.optimizer = SGD({.learning_rate = 0.5, .weight_decay = 0.5}), .loss = {"mse", nullptr}});
  two.train_on_batch(x, {y, wave({12, 1})});
  EXPECT_EQ(aside.get_weights()[0].at(0), 2 * 0.75 - 0.5 * 2);
  EXPECT_EQ(aside.get_weights()[1].at(0), 2);
}

TEST_P(UnusedWeights, InALoopOfYourOwn) {
  const Optimizer optimizer = SGD({.learning_rate = 0.5, .weight_decay = 0.5});
  const auto weights = model->variables();
  const auto step =
      [&](const std::function<std::vector<Symbol>(CallContext&, Symbol)>& gradients_of) {
        const CompiledFunction f([&](CallContext& c, Symbol in) {
          const std::vector<Symbol> xs = {in};
          const Symbol loss = mean(square(model->call(c, xs)[0]));
          optimizer.apply_gradients(c, gradients_of(c, loss), weights);
          return loss;
        });
        return f(x);
      };
  const auto before = used->get_weights();
  testing::internal::CaptureStderr();
  step([&](CallContext& c, Symbol loss) { return c.gradients(loss, weights); });
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find(aside + "/kernel, " + aside + "/bias"), std::string::npos) << text;
  expect_threes();
  EXPECT_FALSE(before[0].identical(used->get_weights()[0]));
  step([&](CallContext& c, Symbol loss) {
    std::vector<Symbol> wrt;
    for (const VariablePtr& v : weights) wrt.push_back(c.variable(v));
    return gradients(std::span(&loss, 1), wrt, {}, UnconnectedGradients::kNone);
  });
  expect_threes();
  // Zeros of your own are gradients.
  step([&](CallContext& c, Symbol loss) {
    std::vector<Symbol> g = c.gradients(loss, weights);
    for (Symbol& one : g) one = one * 1.0;
    return g;
  });
  EXPECT_EQ(unused->get_weights()[1].at(0), 3 * 0.75);
}

TEST_P(UnusedWeights, WhatHasAPathOfDerivatives) {
  Graph graph("g");
  const Symbol a = graph.input("a", {float32, {3}});
  const auto connected = [&](Symbol y) {
    const std::vector<Symbol> wrt = {a};
    const Symbol loss = sum(y);
    return gradients(std::span(&loss, 1), wrt, {}, UnconnectedGradients::kNone)[0].valid();
  };
  EXPECT_TRUE(connected(a));
  EXPECT_TRUE(connected(a * 0.0));
  EXPECT_TRUE(connected(softmax(a)));
  EXPECT_TRUE(connected(select(greater(a, 0.0), a, zeros_like(a))));
  for (const Symbol y : {floor(a), ceil(a), round(a), sign(a), stop_gradient(a), zeros_like(a),
                         cast(greater(a, 0.0), float32), cast(cast(a, DType::kInt32), float32),
                         floor(a * 2.0) + 1.0}) {
    EXPECT_FALSE(connected(y)) << y.id().node;
    EXPECT_TRUE(connected(y * a));
    EXPECT_EQ(gradients(sum(y), {a})[0].shape(), a.shape());  // zeros
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, UnusedWeights, testing::Values("reference", "auto"));

}  // namespace
}  // namespace sinter

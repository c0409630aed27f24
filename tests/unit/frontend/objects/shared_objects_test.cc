// One optimizer, loss, metric, schedule or callback given to two models: an error where there is
// one state that both would change, else each has the numbers that it has alone.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <functional>

#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

Tensor wave(Shape shape, double from = 0) {
  Tensor t(float32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i)
    t.set(i, std::sin(from + 1.3 * static_cast<double>(i)));
  return t;
}

class SharedObjects : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }

  static Model network() {
    const KerasTensor in = Input({3});
    const Model model(
        in, Dense(2, {.name = "last"})(Dense(4, {.activation = "tanh", .name = "first"})(in)));
    double from = 0;
    std::vector<Tensor> weights;
    for (const VariablePtr& v : model.variables())
      weights.push_back(wave(v->value.shape(), ++from));
    model.set_weights(weights);
    return model;
  }
  Logs fit(const Model& model, int epochs = 1) const {
    const History history =
        model.fit(x, y, {.epochs = epochs, .batch_size = 4, .verbose = 0, .shuffle = false});
    Logs last;
    for (const auto& [name, values] : history.history) last[name] = values.back();
    return last;
  }
  static void expect_same(const Model& a, const Model& b) {
    const auto left = a.get_weights(), right = b.get_weights();
    ASSERT_EQ(left.size(), right.size());
    for (size_t i = 0; i < left.size(); ++i) EXPECT_TRUE(left[i].identical(right[i])) << i;
  }
  static void expect_error(const std::function<void()>& f) {
    try {
      f();
      FAIL() << "no error";
    } catch (const Error& error) {
      const std::string text = error.what();
      EXPECT_EQ(text.rfind("shared_objects_test.cc:", 0), 0u) << text;
      EXPECT_NE(text.find("give each model an optimizer of its own"), std::string::npos) << text;
    }
  }

  const Tensor x = wave({12, 3}), y = wave({12, 2}, 0.5);
};

TEST_F(SharedObjects, AnOptimizerThatTrainsIsRefusedToAnotherModel) {
  const Optimizer optimizer = Adam(0.01);
  const Model a = network(), b = network(), alone = network();
  a.compile({.optimizer = optimizer, .loss = "mse"});
  alone.compile({.optimizer = Adam(0.01), .loss = "mse"});
  fit(a);
  fit(alone);
  b.compile({.optimizer = "sgd", .loss = "mse"});
  expect_error([&] { b.compile({.optimizer = optimizer, .loss = "mae"}); });
  EXPECT_EQ(b.optimizer().name(), "sgd");  // what is refused leaves the model as it was
  fit(b);
  expect_error([&] { clone_model(a).compile(a.compile_arguments()); });
  const CompiledFunction step([&](CallContext& c, Symbol in) {
    const Symbol loss = sum(b.call(c, in));
    optimizer.apply_gradients(c, c.gradients(loss, b.variables()), b.variables());
    return loss;
  });
  expect_error([&] { step(x); });
  fit(a);
  fit(alone);
  expect_same(a, alone);
  EXPECT_EQ(optimizer.iterations(), 6);
  optimizer.set_learning_rate(0.0);
  const auto before = a.get_weights();
  fit(a);
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(before[i].identical(a.get_weights()[i]));
}

// As in Keras, where fit() makes the state: who trains first has it.
TEST_F(SharedObjects, AnOptimizerThatHasNotTrainedIsOfWhoTrainsFirst) {
  for (const bool first : {true, false}) {
    const Optimizer optimizer = SGD({.learning_rate = 0.1, .momentum = 0.9, .use_ema = true});
    const Model a = network(), b = network(), alone = network();
    a.compile({.optimizer = optimizer, .loss = "mse"});
    b.compile({.optimizer = optimizer, .loss = "mse"});
    alone.compile({.optimizer = SGD({.learning_rate = 0.1, .momentum = 0.9, .use_ema = true}),
                   .loss = "mse"});
    const Model &trained = first ? a : b, &other = first ? b : a;
    other.training_graph();
    const auto before = other.get_weights();
    fit(trained);
    expect_error([&] { fit(other); });
    expect_error([&] { other.train_on_batch(x, y); });
    for (size_t i = 0; i < before.size(); ++i)
      EXPECT_TRUE(before[i].identical(other.get_weights()[i]));
    fit(trained);
    fit(alone);  // each ends with the averages
    fit(alone);
    expect_same(trained, alone);
    // The state is that of the other model: it is not saved with this one.
    const testing::TemporaryFolder folder;
    other.save(folder.file("m.sinter"));
    EXPECT_EQ(load_model(folder.file("m.sinter")).optimizer().iterations(), 0);
  }
}

TEST_F(SharedObjects, OneModelKeepsTheStateWhenItIsCompiledAgain) {
  const Optimizer optimizer = Adam(0.01);
  const Model model = network(), alone = network();
  model.compile({.optimizer = optimizer, .loss = "mse"});
  alone.compile({.optimizer = Adam(0.01), .loss = "mse"});
  fit(model);
  model.compile({.optimizer = optimizer, .loss = "mse"});
  fit(model);
  fit(alone, 2);
  expect_same(model, alone);
  EXPECT_EQ(optimizer.iterations(), 6);
  // Fewer weights: those that stay keep their slots, and a file has them.
  model.get_layer("first").set_trainable(false);
  model.compile({.optimizer = optimizer, .loss = "mse"});
  fit(model);
  EXPECT_EQ(optimizer.iterations(), 9);
  EXPECT_EQ(optimizer.variables().size(), 2u + 2 * 2);
  const testing::TemporaryFolder folder;
  model.save(folder.file("m.sinter"));
  const Model loaded = load_model(folder.file("m.sinter"));
  EXPECT_EQ(loaded.optimizer().iterations(), 9);
  fit(model);
  loaded.fit(x, y, {.batch_size = 4, .verbose = 0, .shuffle = false});
  expect_same(model, loaded);
  // And all of them again: the optimizer knows them.
  model.get_layer("first").set_trainable(true);
  model.compile({.optimizer = optimizer, .loss = "mse"});
  fit(model);
  EXPECT_EQ(optimizer.iterations(), 15);
  EXPECT_EQ(optimizer.variables().size(), 2u + 4 * 2);
}

TEST_F(SharedObjects, MoreWeightsThanBeforeNeedANewOptimizer) {
  const Optimizer optimizer = Adam(0.01);
  const Model model = network();
  model.get_layer("first").set_trainable(false);
  model.compile({.optimizer = optimizer, .loss = "mse"});
  fit(model);
  model.get_layer("first").set_trainable(true);
  expect_error([&] { model.compile({.optimizer = optimizer, .loss = "mse"}); });
  model.compile({.optimizer = Optimizer::from_config(optimizer.to_config()), .loss = "mse"});
  fit(model);
  EXPECT_EQ(model.optimizer().iterations(), 3);
}

// Two models of the same layers have the same weights: one optimizer may train both.
TEST_F(SharedObjects, ModelsOfTheSameWeightsMayShareAnOptimizer) {
  const Optimizer optimizer = Adam(0.01);
  const Model model = network(), again(model.inputs(), model.outputs()), alone = network();
  model.compile({.optimizer = optimizer, .loss = "mse"});
  again.compile({.optimizer = optimizer, .loss = "mse"});
  alone.compile({.optimizer = Adam(0.01), .loss = "mse"});
  fit(model);
  fit(again);
  fit(alone, 2);
  expect_same(model, alone);
}

// Losses, metrics and schedules keep nothing of a model: each has the numbers that it has alone.
TEST_F(SharedObjects, OtherObjectsServeSeveralModels) {
  const Loss loss = losses::Huber();
  const std::vector<Metric> metrics = {metrics::MeanSquaredError(), metrics::R2Score(),
                                       metrics::RootMeanSquaredError()};
  const LearningRate schedule =
      ExponentialDecay({.initial_learning_rate = 0.1, .decay_steps = 2, .decay_rate = 0.5});
  const auto compiled = [&](const Model& model) {
    model.compile({.optimizer = SGD(schedule), .loss = loss, .metrics = metrics});
    return model;
  };
  const Model a = compiled(network()), b = compiled(network()), alone = compiled(network());
  class Between final : public Callback {
   public:
    explicit Between(std::function<void()> f) : f_(std::move(f)) {}
    void on_train_batch_end(int64_t, Logs&) override { f_(); }

   private:
    std::function<void()> f_;
  };
  Between between([&] {
    fit(b);
    b.evaluate(x, y, {.verbose = 0});
  });
  const History history = a.fit(
      x, y, {.batch_size = 4, .verbose = 0, .callbacks = {std::ref(between)}, .shuffle = false});
  const Logs expected = fit(alone);
  for (const auto& [name, value] : expected)
    EXPECT_EQ(history.history.at(name).back(), value) << name;
  expect_same(a, alone);
}

}  // namespace
}  // namespace sinter

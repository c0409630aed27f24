// What training does beyond the reference cases of tests/data/keras: weights, steps, clipping,
// monitors, settings out of range. Values marked so were written by Keras 3.15.1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <limits>
#include <optional>

#include "frontend/interop/json.h"
#include "frontend/interop/keras_compile.h"
#include "frontend/model_state.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "tests/support/error_of.h"
#include "tests/support/wave.h"

namespace sinter {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Tensor numbers(Shape shape, const std::vector<float>& values) {
  return Tensor::from<float>(std::move(shape), values);
}

class TrainingRules : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(0);
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }

  static Model linear(const Optimizer& optimizer, Loss loss = "mse") {
    clear_session();
    auto x = Input({3});
    Model model(x, Dense(2)(x));
    model.set_weights({wave({3, 2}, 4), wave({2}, 5)});
    model.compile({.optimizer = optimizer, .loss = std::move(loss)});
    return model;
  }
  /// A model whose gradient is the input itself: the weight after one step of rate 1 from (1, -1).
  static std::pair<double, double> step(SGDOptions options, double gx, double gy) {
    options.learning_rate = 1.0;
    clear_session();
    auto x = Input({2});
    const Dense dense(1, {.use_bias = false});
    Model model(x, dense(x));
    dense.set_weights(std::vector<Tensor>{numbers({2, 1}, {1, -1})});
    model.compile(
        {.optimizer = SGD(options), .loss = [](Symbol, Symbol p) { return mean(p, {-1}); }});
    model.train_on_batch(numbers({1, 2}, {static_cast<float>(gx), static_cast<float>(gy)}),
                         numbers({1, 1}, {0}));
    const Tensor w = dense.get_weights()[0];
    return {w.at(0), w.at(1)};
  }
};

TEST_F(TrainingRules, WeightsOfOneColumnAreWeightsOfRows) {
  const Tensor x = wave({6, 3}, 1), y = wave({6, 2}, 2);
  const Tensor w = numbers({6}, {0, 1, 2, 0, 1, 2});
  for (const Tensor& given : {w, w.reshaped({6, 1})}) {
    const Model model = linear(SGD(0.1));
    EXPECT_NEAR(model.train_on_batch(x, y, given).loss(), 0.8472554, 1e-6);  // Keras
  }
}

// The same weights in any shape, for losses that keep further dimensions, in loss and metrics.
TEST_F(TrainingRules, WeightsOfAnyRankMeanTheSame) {
  Graph g("weights");
  const Symbol p = g.input("p", {float32, Shape{4, 3, 2}}), y = g.input("y", {float32, {4, 3, 2}}),
               flat = g.input("w", {float32, Shape{4}});
  const Loss loss("mse");
  const Metric metric("mae");
  for (int rank = 1; rank <= 3; ++rank) {
    Symbol w = flat;
    while (w.rank() < rank) w = expand_dims(w, -1);
    g.add_output("loss" + std::to_string(rank), loss(y, p, w).id());
    g.add_output("metric" + std::to_string(rank), metric.update(y, p, w).total.id());
  }
  const auto found = evaluate_graph(
      g, std::vector<Tensor>{wave({4, 3, 2}, 1), wave({4, 3, 2}, 2), numbers({4}, {0, 1, 2, 3})});
  for (size_t i = 2; i < found.size(); ++i) EXPECT_TRUE(found[i].identical(found[i % 2])) << i;
}

TEST_F(TrainingRules, LossesOfOutputsAddUpWithAShortLastBatch) {
  const int n = 36;
  Tensor x = Tensor::full(float32, {n, 1}, 1), a(float32, {n, 1}), b(float32, {n, 1});
  for (int i = 32; i < n; ++i) a.set(i, 1), b.set(i, 2);
  auto in = Input({1});
  const Model model(in, {Dense(1, {.kernel_initializer = "zeros", .name = "a"})(in),
                         Dense(1, {.kernel_initializer = "zeros", .name = "b"})(in)});
  model.compile({.optimizer = SGD(0.0), .loss = {"mse", "mse"}, .loss_weights = {1.0, 0.5}});
  const Evaluation e = model.evaluate(x, {a, b}, {.verbose = 0});
  EXPECT_NEAR(e["a_loss"], 4 / 36.0, 1e-7);
  EXPECT_NEAR(e["b_loss"], 16 / 36.0, 1e-7);
  EXPECT_NEAR(e.loss(), e["a_loss"] + 0.5 * e["b_loss"], 1e-7);
  const History h = model.fit(x, {a, b}, {.verbose = 0});
  EXPECT_NEAR(h["loss"][0], h["a_loss"][0] + 0.5 * h["b_loss"][0], 1e-7);
}

TEST_F(TrainingRules, WeightsThatAreAllZeroGiveZero) {
  for (const std::string& backend : backend_names()) {
    set_backend(backend);
    const Model model = linear(
        SGD(0.5), Loss::make("MeanSquaredError", {{"reduction", "mean_with_sample_weight"}}));
    const Tensor before = model.get_weights()[0].clone();
    EXPECT_EQ(model.train_on_batch(wave({6, 3}, 1), wave({6, 2}, 2), Tensor(float32, {6})).loss(),
              0.0);
    EXPECT_TRUE(model.get_weights()[0].identical(before)) << backend;
  }
}

TEST_F(TrainingRules, StepsGoOnWhereTheyStopped) {
  // Three batches of two rows; the loss tells which one was taken.
  const Tensor x(float32, {6, 3});
  const Tensor y = numbers({6, 2}, {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3});
  const auto losses = [&](int64_t steps, const std::string& key) {
    const Model model = linear(SGD(0.0));
    model.set_weights({Tensor(float32, {3, 2}), Tensor(float32, {2})});
    return model.fit(x, y,
                     {.epochs = 4,
                      .batch_size = 2,
                      .verbose = 0,
                      .validation_data = ValidationData{x, y},
                      .shuffle = false,
                      .steps_per_epoch = steps,
                      .validation_steps = steps})[key];
  };
  // The second epoch of two steps finds one batch, as in Keras.
  EXPECT_EQ(losses(1, "loss"), (std::vector<double>{1, 4, 9, 1}));
  EXPECT_EQ(losses(2, "loss"), (std::vector<double>{2.5, 9, 2.5, 9}));
  EXPECT_EQ(losses(2, "val_loss"), (std::vector<double>(4, 2.5)));  // always the first ones
  EXPECT_EQ(losses(5, "loss")[3], 14 / 3.0);
}

TEST_F(TrainingRules, ShuffledStepsMeetEveryRowOnce) {
  Tensor x(float32, {8, 3}), y(float32, {8, 2});
  for (int i = 0; i < 8; ++i) y.set(2 * i, 1 << i), y.set(2 * i + 1, 1 << i);
  const Model model = linear(SGD(0.0), "mae");
  model.set_weights({Tensor(float32, {3, 2}), Tensor(float32, {2})});
  const History h =
      model.fit(x, y, {.epochs = 8, .batch_size = 2, .verbose = 0, .steps_per_epoch = 1});
  for (size_t pass : {0u, 4u}) {
    double total = 0;
    for (size_t i = 0; i < 4; ++i) total += 2 * h["loss"][pass + i];
    EXPECT_EQ(total, 255);
  }
}

TEST_F(TrainingRules, CountsOutOfRangeAreRefused) {
  const Tensor x = wave({6, 3}, 1), y = wave({6, 2}, 2);
  const Model model = linear(SGD(0.1));
  for (const int64_t steps : {int64_t{0}, int64_t{-1}}) {
    EXPECT_THROW(model.fit(x, y, {.verbose = 0, .steps_per_epoch = steps}), Error);
    EXPECT_THROW(model.fit(x, y, {.verbose = 0, .validation_steps = steps}), Error);
    EXPECT_THROW(model.evaluate(x, y, {.verbose = 0, .steps = steps}), Error);
  }
  EXPECT_THROW(model.fit(x, y, {.verbose = 0, .initial_epoch = -1}), Error);
  for (
      const char* json :
      {R"({"epochs": 4294967297})", R"({"initial_epoch": -4294967296})",
       R"({"validation_freq": 4294967297})", R"({"verbose": 8589934592})",
       R"({"callbacks": [{"class_name": "EarlyStopping", "config": {"patience": 4294967297}}]})"}) {
    EXPECT_THROW(fit_options_from_config(parse_json(json, "fit")), Error) << json;
  }
}

TEST_F(TrainingRules, CountOfEpochsFromAFileMayBeAnything) {
  const Model model = linear(SGD(0.1));
  model.state()->epochs_done = std::numeric_limits<int64_t>::max();
  model.fit(wave({6, 3}, 1), wave({6, 2}, 2), {.epochs = 2, .verbose = 0});
}

TEST_F(TrainingRules, ClippingByNothing) {
  for (const double c : {0.0, -1.0, std::numeric_limits<double>::infinity()}) {
    for (const SGDOptions& o : {SGDOptions{.clipnorm = c}, SGDOptions{.clipvalue = c},
                                SGDOptions{.global_clipnorm = c}}) {
      EXPECT_EQ(step(o, 3, 4), std::make_pair(-2.0, -5.0)) << c;
      EXPECT_EQ(step(o, 0, 0), std::make_pair(1.0, -1.0)) << c;
    }
  }
  EXPECT_THROW(SGD(SGDOptions{.clipnorm = kNaN}), Error);
  EXPECT_THROW(SGD(SGDOptions{.clipvalue = kNaN}), Error);
  EXPECT_THROW(SGD(SGDOptions{.global_clipnorm = kNaN}), Error);
}

TEST_F(TrainingRules, ClippingAtTheBoundAndBeyondAllNumbers) {
  for (const std::string& backend : backend_names()) {
    set_backend(backend);
    for (const SGDOptions& o : {SGDOptions{.clipnorm = 1.0}, SGDOptions{.global_clipnorm = 1.0}}) {
      EXPECT_EQ(step(o, 0, 0), std::make_pair(1.0, -1.0)) << backend;
      EXPECT_NEAR(step(o, 0.6, 0.8).first, 0.4, 1e-6) << backend;
      EXPECT_NEAR(step(o, 30, 40).second, -1.8, 1e-6) << backend;
      EXPECT_NEAR(step(o, 1e-25, 0).first, 1, 1e-6) << backend;
      // A norm that overflows is seen, not a step of 0.
      EXPECT_TRUE(std::isnan(step(o, 3e19, 4e19).first)) << backend;
      EXPECT_TRUE(std::isnan(step(o, 1, 3e38).first)) << backend;
    }
    EXPECT_EQ(step({.clipvalue = 1.0}, 3e19, -4e19), std::make_pair(0.0, 0.0)) << backend;
  }
}

TEST_F(TrainingRules, LossScaleFactorKeepsSmallGradientsAndChangesNothingElse) {
  const Tensor x = wave({6, 3}, 1), y = wave({6, 2}, 2);
  std::vector<Tensor> weights;
  for (const std::optional<double> factor :
       {std::optional<double>(), std::optional(4.0), std::optional(0.25)}) {
    const Model model = linear(SGD(SGDOptions{.learning_rate = 0.1, .loss_scale_factor = factor}));
    model.fit(x, y, {.epochs = 3, .batch_size = 2, .verbose = 0, .shuffle = false});
    weights.push_back(model.get_weights()[0]);
  }
  EXPECT_TRUE(weights[1].identical(weights[0]));  // powers of 2 round nothing
  EXPECT_TRUE(weights[2].identical(weights[0]));
  for (const double factor : {0.0, -1.0, kNaN})
    EXPECT_THROW(SGD(SGDOptions{.loss_scale_factor = factor}), Error);
}

TEST_F(TrainingRules, StepsAreCountedBeyond2To24) {
  for (const std::string& backend : backend_names()) {
    set_backend(backend);
    clear_session();
    auto x = Input({1});
    const Model model(x, Dense(1, {.use_bias = false})(x));
    model.set_weights({numbers({1, 1}, {2})});
    const auto schedule = PiecewiseConstantDecay(
        {.boundaries = {16777216.0, 16777218.0}, .values = {0.5, 0.25, 0.125}});
    model.compile({.optimizer = SGD(SGDOptions{.learning_rate = schedule}),
                   .loss = [](Symbol, Symbol p) { return mean(p, {-1}); }});
    const Tensor one = numbers({1, 1}, {1});
    model.train_on_batch(one, one);
    const VariablePtr count = model.optimizer().variables()[0];
    count->assign(Tensor::scalar<int64_t>(16777215));
    std::vector<double> rates;
    for (int i = 0; i < 6; ++i) {
      const double before = model.get_weights()[0].at(0);
      model.train_on_batch(one, one);
      rates.push_back(before - model.get_weights()[0].at(0));
    }
    EXPECT_EQ(rates, (std::vector<double>{0.5, 0.5, 0.25, 0.25, 0.125, 0.125})) << backend;
    EXPECT_EQ(model.optimizer().learning_rate(), 0.125);
  }
}

TEST_F(TrainingRules, AveragesAreTakenBeyond2To24) {
  clear_session();
  auto x = Input({1});
  const Model model(x, Dense(1, {.use_bias = false})(x));
  model.compile({.optimizer = SGD(SGDOptions{.learning_rate = 0.0,
                                             .use_ema = true,
                                             .ema_momentum = 0.0,
                                             .ema_overwrite_frequency = 2}),
                 .loss = "mse"});
  const Tensor one = numbers({1, 1}, {1});
  model.train_on_batch(one, one);
  model.optimizer().variables()[0]->assign(Tensor::scalar<int64_t>(int64_t{1} << 30));
  model.train_on_batch(one, one);
  EXPECT_TRUE(std::isfinite(model.get_weights()[0].at(0)));
}

TEST_F(TrainingRules, WeightsThatAreNoNumbersAreRefused) {
  const Tensor x = wave({6, 3}, 1);
  const Tensor y = Tensor::from<int32_t>({6}, std::vector<int32_t>{0, 1, 0, 1, 0, 1});
  const Model model =
      linear(SGD(0.1), Loss::make("SparseCategoricalCrossentropy", {{"from_logits", true}}));
  for (const double w : {kNaN, std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(model.fit(x, y, {.verbose = 0, .class_weight = {{0, 1.0}, {1, w}}}), Error);
    EXPECT_THROW(model.compile({.loss = "mse", .loss_weights = {w}}), Error);
  }
  EXPECT_THROW(model.optimizer().set_learning_rate(kNaN), Error);
}

// One weight for a row cannot be that of the classes of its steps, and a class that no label names
// is a mistake. Numbers may be of classes that a loss of the user's own knows.
TEST_F(TrainingRules, ClassWeightsAreOfClassesThatThereAre) {
  const auto in = Input({4, 2});
  const Model steps(in, Dense(3, {.activation = "softmax", .name = "out"})(in));
  steps.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  const Tensor x = numbers({2, 4, 2}, std::vector<float>(16, 0.5f));
  const Tensor y = Tensor::from<int32_t>({2, 4}, std::vector<int32_t>{0, 1, 2, 0, 1, 1, 2, 2});
  EXPECT_THAT(error_of([&] {
                steps.fit(x, y, {.verbose = 0, .class_weight = {{0, 1.0}}});
              }),
              HasSubstr("fit: class_weight is for one class a row, output 'out' "
                        "[batch,4,3] has 4 of them: give sample_weight, one for each"));

  const Tensor rows = wave({4, 3}, 1);
  const Tensor classes = Tensor::from({0, 1, 0, 1});
  const auto found = [&](const Model& model, const Tensor& labels, int label) {
    return error_of([&] {
      model.fit(rows, labels, {.verbose = 0, .class_weight = {{0, 1.0}, {label, 2.0}}});
    });
  };
  const Model sparse =
      linear(SGD(0.1), Loss::make("SparseCategoricalCrossentropy", {{"from_logits", true}}));
  EXPECT_THAT(found(sparse, classes, 9), HasSubstr("a weight for class 9"));
  EXPECT_EQ(found(sparse, classes, 1), "no error");
  const auto in_rows = Input({3});
  const Model sigmoid(in_rows, Dense(1, "sigmoid")(in_rows));
  sigmoid.compile({.optimizer = "sgd", .loss = "binary_crossentropy"});
  EXPECT_EQ(found(sigmoid, classes, 1), "no error");
  const Model squares = linear(SGD(0.1), "mse");
  EXPECT_THAT(found(squares, to_categorical(classes, 2), 2), HasSubstr("a weight for class 2"));
  EXPECT_EQ(found(squares, to_categorical(classes, 2), 1), "no error");
}

TEST_F(TrainingRules, WeightsOfNestedModelsComeLayerByLayer) {
  auto inner_in = Input({2});
  const Model inner(inner_in,
                    Dense(1, {.name = "d2"})(
                        BatchNormalization({.name = "bn"})(Dense(2, {.name = "d1"})(inner_in))),
                    "inner");
  auto x = Input({2});
  const Model outer(x, inner(x));
  std::vector<std::string> paths;
  for (const VariablePtr& v : outer.variables()) paths.push_back(v->path);
  EXPECT_EQ(paths, (std::vector<std::string>{"d1/kernel", "d1/bias", "bn/gamma", "bn/beta",
                                             "bn/moving_mean", "bn/moving_variance", "d2/kernel",
                                             "d2/bias"}));
  EXPECT_EQ(outer.get_weights().size(), inner.get_weights().size());
  for (size_t i = 0; i < paths.size(); ++i)
    EXPECT_TRUE(outer.get_weights()[i].identical(inner.get_weights()[i])) << paths[i];
}

TEST_F(TrainingRules, TopKOfRowsThatAreNoNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  Graph g("top_k");
  const Symbol p = g.input("p", {float32, Shape{6, 4}}), y = g.input("y", {int32, Shape{6}});
  for (const int64_t k : {1, 3, 9})
    g.add_output("k" + std::to_string(k), metrics::sparse_top_k_categorical_accuracy(y, p, k).id());
  const Tensor rows = numbers({6, 4}, {nan, nan, nan, nan, 1,    2, inf, 0, 1, 2, 3, nan,
                                       inf, 2,   3,   1,   -inf, 2, 3,   1, 4, 3, 2, 1});
  const Tensor classes = Tensor::from<int32_t>({6}, std::vector<int32_t>{0, 0, 0, 0, 0, 7});
  const auto found = evaluate_graph(g, std::vector<Tensor>{rows, classes});
  const std::vector<std::vector<double>> expected = {
      {0, 0, 0, 1, 0, 0}, {0, 1, 0, 1, 0, 0}, {0, 1, 0, 1, 1, 0}};
  for (size_t k = 0; k < 3; ++k) {
    for (int64_t i = 0; i < 6; ++i)
      EXPECT_EQ(found[k].at(i), expected[k][static_cast<size_t>(i)]) << k << " row " << i;
  }
}

// Settings that are read are used: every axis, of losses, metrics and constraints.
TEST_F(TrainingRules, AxesOfSettings) {
  const Tensor a = numbers({2, 2}, {1, 0, 0.5f, 0.25f}), b = numbers({2, 2}, {.3f, .6f, .9f, .2f});
  const auto loss = [&](const Loss& l) {
    Graph g("loss");
    const Symbol t = g.input("t", {float32, Shape{2, 2}}), p = g.input("p", {float32, {2, 2}});
    g.add_output("loss", l(t, p).id());
    return evaluate_graph(g, std::vector<Tensor>{a, b})[0].at(0);
  };
  // Keras's numbers.
  EXPECT_NEAR(loss(losses::CosineSimilarity({.axis = -1})), -0.7086780, 1e-6);
  EXPECT_NEAR(loss(losses::CosineSimilarity({.axis = 0})), -0.5116673, 1e-6);
  EXPECT_NEAR(loss(losses::CategoricalCrossentropy()), 0.8125674, 1e-6);
  EXPECT_NEAR(loss(losses::CategoricalCrossentropy({.axis = 0})), 0.9383545, 1e-6);
  EXPECT_THROW(loss(losses::CosineSimilarity({.axis = 2})), ShapeError);
  EXPECT_THROW(loss(losses::BinaryCrossentropy({.axis = -3})), ShapeError);
  const auto constrained = [](const Constraint& c) {
    Graph g("constraint");
    g.add_output("w", c(g.input("w", {float32, Shape{2, 2}})).id());
    return evaluate_graph(g, std::vector<Tensor>{numbers({2, 2}, {1, 2, 3, 4})})[0];
  };
  const double whole = std::sqrt(30.0);
  const Tensor unit = constrained(UnitNorm({.axis = {0, 1}}));
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(unit.at(i), (i + 1) / whole, 1e-6);
  EXPECT_NEAR(constrained(UnitNorm({.axis = {1}})).at(2), 0.6, 1e-6);
  EXPECT_THROW(constrained(UnitNorm({.axis = {2}})), Error);
  const Constraint read = Constraint::from_config(UnitNorm({.axis = {0, 1}}).to_config());
  EXPECT_TRUE(constrained(read).identical(unit));
}

}  // namespace
}  // namespace sinter

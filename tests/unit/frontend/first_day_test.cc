// Natural calls of Keras's users: that they compile, and mean what they say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <map>
#include <string>
#include <vector>

#include "core/file_io.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor counting(const Shape& shape) {
  Tensor t(float32, shape);
  for (int64_t i = 0; i < t.elements(); ++i) t.set(i, 0.05 * static_cast<double>(i % 11));
  return t;
}

class FirstDay : public ::testing::Test {
 protected:
  FirstDay() { clear_session(); }
};

// --- data by name

TEST_F(FirstDay, DataMayBeGivenByTheNamesOfInputsAndOutputs) {
  const KerasTensor a = Input(2, {.name = "a"}), b = Input(2, {.name = "b"});
  const Model m({a, b}, {Dense(1, {.name = "p"})(a), Dense(1, {.name = "q"})(b)});
  m.compile({.loss = "mse"});
  const Tensor xa = counting({6, 2}), xb = Tensor::full(float32, {6, 2}, 2), p = counting({6, 1}),
               q = Tensor::full(float32, {6, 1}, 3);
  const double wanted = m.evaluate({xa, xb}, {p, q}, {.verbose = 0}).loss();
  EXPECT_EQ(m.evaluate({{"b", xb}, {"a", xa}}, {{"q", q}, {"p", p}}, {.verbose = 0}).loss(),
            wanted);
  const std::map<std::string, Tensor> xs = {{"b", xb}, {"a", xa}};
  EXPECT_EQ(m.evaluate(xs, {p, q}, {.verbose = 0}).loss(), wanted);
  EXPECT_TRUE(m.predict_all(xs)[1].identical(m.predict_all({xa, xb})[1]));
  const Tensor w = Tensor::full(float32, {6}, 2), one = Tensor::full(float32, {6}, 1);
  EXPECT_EQ(m.evaluate(xs, {p, q}, {.verbose = 0, .sample_weight = {{"q", w}, {"p", one}}}).loss(),
            m.evaluate(xs, {p, q}, {.verbose = 0, .sample_weight = {one, w}}).loss());
  m.fit(xs, {{"q", q}, {"p", p}}, {.verbose = 0, .validation_data = {xs, {{"p", p}, {"q", q}}}});
  EXPECT_THAT(testing::error_of([&] { m.predict_all({{"a", xa}, {"c", xb}}); }), HasSubstr("'c'"));
  EXPECT_THAT(testing::error_of([&] {
                m.predict_all({{"a", xa}});
              }),
              HasSubstr("predict: x holds nothing for 'b'"));
  EXPECT_THAT(testing::error_of([&] {
                m.predict_all({{"a", xa}, {"a", xb}});
              }),
              HasSubstr("predict: x holds 'a' twice"));
}

// --- callbacks

TEST_F(FirstDay, LogsOfBatchesAreFilledForCallbacksOfOnesOwn) {
  struct Sums : Callback {
    double loss = 0, mae = 0;
    int64_t batches = 0;
    void on_train_batch_end(int64_t, Logs& logs) override {
      loss += logs.at("loss");
      mae += logs.at("mae");
      ++batches;
    }
  } sums;
  Sequential m({Input(2), Dense(1)});
  m.compile({.optimizer = SGD(0.0), .loss = "mse", .metrics = "mae"});
  const History h = m.fit(counting({8, 2}), counting({8, 1}),
                          {.batch_size = 8, .verbose = 0, .callbacks = std::ref(sums)});
  EXPECT_EQ(sums.batches, 1);
  EXPECT_EQ(sums.loss, h["loss"][0]);
  EXPECT_EQ(sums.mae, h["mae"][0]);
}

// --- a loop of one's own

TEST_F(FirstDay, PenaltiesOfALoopOfOnesOwnAreThoseOfFit) {
  const auto make = [] {
    return Sequential({Input(3),
                       Dense(4, {.activation = "tanh",
                                 .kernel_regularizer = l2(0.1),
                                 .activity_regularizer = l1(0.01)}),
                       Dense(2, {.bias_regularizer = l1(0.05)})});
  };
  Sequential fitted = make(), looped = make();
  looped.set_weights(fitted.get_weights());
  const Tensor x = counting({8, 3}), y = counting({8, 2});
  fitted.compile({.optimizer = SGD(0.1), .loss = "mse"});
  const History h =
      fitted.fit(x, y, {.epochs = 3, .batch_size = 8, .verbose = 0, .shuffle = false});
  Optimizer optimizer = SGD(0.1);
  const std::vector<VariablePtr> weights = looped.trainable_variables();
  const CompiledFunction step([&](CallContext& context, Symbol in, Symbol labels) {
    Symbol loss = mean(square(labels - looped.call(context, in)));
    for (const Symbol& penalty : context.losses(weights)) loss = loss + penalty;
    optimizer.apply_gradients(context, context.gradients(loss, weights), weights);
    return loss;
  });
  for (size_t epoch = 0; epoch < 3; ++epoch) EXPECT_NEAR(step(x, y).at(0), h["loss"][epoch], 1e-6);
  for (size_t i = 0; i < weights.size(); ++i) {
    const Tensor a = fitted.get_weights()[i], b = looped.get_weights()[i];
    for (int64_t k = 0; k < a.elements(); ++k) EXPECT_NEAR(a.at(k), b.at(k), 1e-6);
  }
}

// --- generic lambdas

TEST_F(FirstDay, GenericLambdasAreFunctionsOfSymbols) {
  const KerasTensor x = Input(2);
  const Model m(x, Lambda([](auto s) { return s * 2 + 1; })(x));
  EXPECT_EQ(m.predict(Tensor::from({{1.f, 3.f}})).at(1), 7);
  const CompiledFunction f([](CallContext&, auto p) { return p * 2; });
  EXPECT_EQ(f(Tensor::from({4.f})).at(0), 8);
  const CompiledFunction g([](auto& context, auto a, auto b) {
    (void)context;
    return a - b;
  });
  EXPECT_EQ(g(Tensor::from({4.f}), Tensor::from({1.f})).at(0), 3);
  const CompiledFunction all(
      [](CallContext&, std::span<const Symbol> xs) { return xs[0] * xs[1]; });
  EXPECT_EQ(all(Tensor::from({4.f}), Tensor::from({3.f})).at(0), 12);
  const KerasTensor y = Input(2);
  const Model sum({x, y}, Lambda([](std::span<const Symbol> xs) { return xs[0] + xs[1]; })({x, y}));
  EXPECT_EQ(sum.predict({Tensor::from({{1.f, 3.f}}), Tensor::from({{1.f, 2.f}})}).at(1), 5);
}

// --- results that are not one

class Halves : public LayerImpl {
 public:
  Halves() : LayerImpl("test>Halves", "", SourceLocation::current()) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext&, std::span<const Symbol> inputs) override {
    return {slice(inputs[0], 1, 0, 2), slice(inputs[0], 1, 2, 4)};
  }
};

TEST_F(FirstDay, SeveralResultsAreNotTakenForOne) {
  const KerasTensor x = Input(4);
  const Layer halves(std::make_shared<Halves>());
  EXPECT_THAT(testing::error_of([&] { halves(x); }), HasSubstr("has 2 outputs: use call()"));
  EXPECT_EQ(halves.call({x}).size(), 2u);
  const KerasTensor y = Input(4);
  const Model two(y, {Dense(2)(y), Dense(3)(y)});
  EXPECT_THAT(testing::error_of([&] { two(x); }), HasSubstr("has 2 outputs"));
  EXPECT_EQ(two.as_layer().call({x})[1].shape(), (Shape{kBatch, 3}));
}

// --- weights, decay, metrics, pictures

TEST_F(FirstDay, ListsInBraces) {
  const Layer dense = Dense(2);
  const KerasTensor x = Input(3);
  const Model m(x, dense(x));
  dense.set_weights({counting({3, 2}), counting({2})});
  EXPECT_TRUE(m.get_weights()[0].identical(counting({3, 2})));
  Optimizer optimizer = AdamW(0.1);
  optimizer.exclude_from_weight_decay({"bias", "gamma"});
  optimizer.exclude_from_weight_decay({"bias"});
  optimizer.exclude_from_weight_decay({"a", "b", "c"});
}

TEST_F(FirstDay, MetricsAreObjectsByTheirNames) {
  using namespace metrics;
  const std::vector<std::pair<Metric, std::string>> all = {
      {MeanAbsolutePercentageError(), "mean_absolute_percentage_error"},
      {MeanSquaredLogarithmicError(), "mean_squared_logarithmic_error"},
      {LogCoshError(), "logcosh"},
      {Hinge(), "hinge"},
      {SquaredHinge(), "squared_hinge"},
      {CategoricalHinge(), "categorical_hinge"},
      {KLDivergence(), "kl_divergence"},
      {Poisson(), "poisson"}};
  for (const auto& [metric, name] : all) EXPECT_EQ(metric.name(), name);
  EXPECT_EQ(Hinge({.name = "mine"}).name(), "mine");
}

TEST_F(FirstDay, APictureOfAModel) {
  const testing::TemporaryFolder folder;
  Sequential m({Input(3), Dense(2)});
  plot_model(m, folder.file("m.svg"));
  EXPECT_THAT(read_file(folder.file("m.svg")), HasSubstr("dense"));
  EXPECT_THAT(testing::error_of([&] { plot_model(Sequential({Dense(2)}), folder.file("n.svg")); }),
              HasSubstr("first_day_test.cc"));
}

// --- penalties that are no scalars

TEST_F(FirstDay, PenaltiesThatAreNoScalarsAreSummed) {
  const auto loss = [](Regularizer penalty) {
    clear_session();
    Sequential m({Input(2), Dense(2, {.kernel_initializer = "ones",
                                      .kernel_regularizer = std::move(penalty)})});
    m.compile({.loss = "mse"});
    return m.evaluate(Tensor(float32, {1, 2}), Tensor(float32, {1, 2}), {.verbose = 0}).loss();
  };
  EXPECT_EQ(loss([](Symbol w) { return 3.0 * w; }), 12);
  EXPECT_EQ(loss([](Symbol w) { return sum(3.0 * w); }), 12);
  class Penalised : public LayerImpl {
   public:
    Penalised() : LayerImpl("test>Penalised", "", SourceLocation::current()) {}
    Config config() const override { return base_config(); }
    std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
      context.add_loss(2.0 * inputs[0]);
      return {inputs[0]};
    }
  };
  const KerasTensor x = Input(3);
  const Model m(x, Layer(std::make_shared<Penalised>())(x));
  m.compile({.loss = "mse"});
  const Tensor ones = Tensor::full(float32, {2, 3}, 1);
  EXPECT_EQ(m.evaluate(ones, ones, {.verbose = 0}).loss(), 12);
}

// --- members

struct Base : LayerImpl {
  explicit Base(const std::string& name = "", SourceLocation where = SourceLocation::current())
      : LayerImpl("test>Base", name, where) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    return {net.call(context, head(context, base(context, inputs[0])))};
  }
  Dense base{6, "tanh"}, head{6};
  Sequential net{Dense(3, "relu"), Dense(2)};  // built at its first call
};

TEST_F(FirstDay, MembersStayFrozen) {
  register_layer("test>Base", [](const Config& config, SourceLocation where) {
    return Layer(std::make_shared<Base>(config.get_string("name", ""), where));
  });
  const auto layer = std::make_shared<Base>();
  const KerasTensor x = Input(6);
  const Model m(x, Layer(layer)(x));
  EXPECT_EQ(m.trainable_variables().size(), 8u);
  layer->base.set_trainable(false);
  layer->net.get_layer(1).set_trainable(false);
  EXPECT_EQ(m.trainable_variables().size(), 4u);
  m.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor in = counting({8, 6}), out = counting({8, 2});
  m.fit(in, out, {.verbose = 0});
  EXPECT_EQ(clone_model(m).trainable_variables().size(), 4u);
  EXPECT_EQ(model_from_json(m.to_json()).trainable_variables().size(), 4u);
  const testing::TemporaryFolder folder;
  m.save(folder.file("m.sinter"));
  const Model loaded = load_model(folder.file("m.sinter"));
  EXPECT_EQ(loaded.trainable_variables().size(), 4u);
  m.fit(in, out, {.verbose = 0, .shuffle = false});
  loaded.fit(in, out, {.verbose = 0, .shuffle = false});
  for (size_t i = 0; i < m.get_weights().size(); ++i)
    EXPECT_TRUE(m.get_weights()[i].identical(loaded.get_weights()[i])) << i;
}

TEST_F(FirstDay, ASequentialIsBuiltAtItsFirstCall) {
  Sequential chain{Dense(5, "relu"), Dense(6)};
  const KerasTensor x = Input(4);
  const Model m(x, chain(x));
  EXPECT_EQ(m.output_shape(), (Shape{kBatch, 6}));
  EXPECT_EQ(chain.count_params(), 61);
}

TEST_F(FirstDay, AModelThatMayComeLaterCanBeAsked) {
  Model model;
  EXPECT_FALSE(model);
  EXPECT_THAT(testing::error_of([&] { model.compile({.loss = "mse"}); }),
              HasSubstr("first_day_test.cc"));
  model = Sequential({Input(2), Dense(1)});
  EXPECT_TRUE(model);
}

// --- custom objects

TEST_F(FirstDay, GenericLambdasAreCustomObjects) {
  const testing::TemporaryFolder folder;
  const auto bump = [](auto x) { return exp(-1.0 * x * x); };
  const auto away = [](auto t, auto p) { return square(t - p); };
  const auto of_list = [](std::span<const Symbol> xs) { return xs[0] + xs[1]; };
  const KerasTensor a = Input(2), b = Input(2);
  const KerasTensor both = Lambda(of_list, {.function = "both"})({a, b});
  const Model m({a, b}, Dense(1, {.activation = ActivationFunction("bump", bump)})(both));
  m.compile({.loss = Loss("away", away)});
  m.save(folder.file("m.sinter"));
  const CustomObjects objects = {{"bump", bump}, {"away", away}, {"both", of_list}};
  const Model loaded = load_model(folder.file("m.sinter"), {.custom_objects = objects});
  const Tensor x = counting({3, 2});
  EXPECT_TRUE(loaded.predict({x, x}).identical(m.predict({x, x})));
}

// --- the history of values that are not there in each epoch

TEST_F(FirstDay, HistoryKnowsTheEpochsOfItsValues) {
  struct Now : Callback {
    void on_epoch_end(int epoch, Logs& logs) override {
      if (epoch == 10) logs["first"] = 1;
      if (epoch == 12 || epoch == 13) logs["late"] = 2;
    }
  };
  Sequential m({Input(2), Dense(1)});
  m.compile({.loss = "mse"});
  const Tensor x = counting({8, 2}), y = counting({8, 1});
  const History h = m.fit(x, y,
                          {.epochs = 16,
                           .verbose = 0,
                           .validation_data = {x, y},
                           .callbacks = Now(),
                           .initial_epoch = 10,
                           .validation_freq = 2});
  EXPECT_THAT(h.epoch, ElementsAre(10, 11, 12, 13, 14, 15));
  EXPECT_EQ(h["val_loss"].size(), 3u);
  EXPECT_THAT(h.epochs_of.at("val_loss"), ElementsAre(11, 13, 15));
  EXPECT_THAT(h.epochs_of.at("late"), ElementsAre(12, 13));
  EXPECT_FALSE(h.epochs_of.contains("loss"));
  const testing::TemporaryFolder folder;
  h.plot(folder.file("h.svg"));
  plot_history(h.history, folder.file("plain.svg"));
  EXPECT_NE(read_file(folder.file("h.svg")), read_file(folder.file("plain.svg")));
}

}  // namespace
}  // namespace sinter

// The arguments of fit, evaluate and predict that Keras's reference cases do not cover.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <atomic>
#include <thread>

namespace sinter {
namespace {

class Fit : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(0);
    set_backend("reference");
  }
  void TearDown() override {
    set_backend("auto");
    set_floatx("float32");
  }

  static Tensor values(Shape shape, DType dtype = DType::kFloat32) {
    Tensor t(dtype, std::move(shape));
    for (int64_t i = 0; i < t.elements(); ++i) t.set(i, static_cast<double>((i * 31) % 17) / 17);
    return t;
  }
  static Tensor labels(int64_t rows, int64_t classes, DType dtype = DType::kInt32) {
    Tensor t(dtype, {rows});
    for (int64_t i = 0; i < rows; ++i) t.set(i, static_cast<double>(i % classes));
    return t;
  }
  static Model classifier(DType input = DType::kFloat32) {
    clear_session();
    auto x = Input({4}, {.dtype = input});
    Model model(x, Dense(3, {.activation = "softmax"})(Dense(5, {.activation = "tanh"})(x)));
    model.compile({.optimizer = SGD(0.5),
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"}});
    return model;
  }
};

TEST_F(Fit, InitialEpochCountsWithinEpochs) {
  const History h = classifier().fit(values({10, 4}), labels(10, 3),
                                     {.epochs = 5, .verbose = 0, .initial_epoch = 3});
  EXPECT_EQ(h.epoch, (std::vector<int>{3, 4}));
}

TEST_F(Fit, StepsAndValidationFrequency) {
  int batches = 0;
  LambdaCallback count({.on_train_batch_end = [&](int64_t, Logs&) { ++batches; }});
  const History h = classifier().fit(values({40, 4}), labels(40, 3),
                                     {.epochs = 4,
                                      .batch_size = 4,
                                      .verbose = 0,
                                      .validation_split = 0.2,
                                      .callbacks = {count},
                                      .steps_per_epoch = 3,
                                      .validation_freq = 2});
  EXPECT_EQ(batches, 11);  // eight batches: the third epoch ends with the last one
  EXPECT_EQ(h["val_loss"].size(), 2u);
  EXPECT_EQ(h["loss"].size(), 4u);
}

// As in Keras: rows to validate with make validation_split needless, and all rows train.
TEST_F(Fit, ValidationDataComeBeforeASplit) {
  int batches = 0;
  LambdaCallback count({.on_train_batch_end = [&](int64_t, Logs&) { ++batches; }});
  const History h = classifier().fit(values({40, 4}), labels(40, 3),
                                     {.batch_size = 4,
                                      .verbose = 0,
                                      .validation_split = 0.5,
                                      .validation_data = {values({8, 4}), labels(8, 3)},
                                      .callbacks = {count}});
  EXPECT_EQ(batches, 10);
  EXPECT_EQ(h["val_loss"].size(), 1u);
}

int loss_calls = 0;
Symbol counted_loss(Symbol y_true, Symbol y_pred) {
  ++loss_calls;
  return mean(square(y_true - y_pred), {-1});
}

TEST_F(Fit, BatchSizesShareTheGraphOfAStep) {
  const auto calls_for = [&](int64_t rows, int64_t validation_rows) {
    const Model model = classifier();
    model.compile({.optimizer = SGD(0.5), .loss = counted_loss});
    loss_calls = 0;
    model.fit(values({rows, 4}), values({rows, 3}),
              {.batch_size = 4,
               .verbose = 0,
               .validation_data =
                   ValidationData{values({validation_rows, 4}), values({validation_rows, 3})}});
    return loss_calls;
  };
  const int whole_batches = calls_for(8, 4);
  EXPECT_GT(whole_batches, 0);
  EXPECT_EQ(calls_for(11, 6), whole_batches);
}

TEST_F(Fit, ClassWeightsAreSampleWeights) {
  const Tensor x = values({12, 4}), y = labels(12, 3);
  Tensor w(DType::kFloat32, {12});
  for (int64_t i = 0; i < 12; ++i) w.set(i, i % 3 == 0 ? 2.0 : i % 3 == 1 ? 0.5 : 1.0);
  const History a =
      classifier().fit(x, y, {.epochs = 3, .verbose = 0, .class_weight = {{0, 2.0}, {1, 0.5}}});
  const History b = classifier().fit(x, y, {.epochs = 3, .verbose = 0, .sample_weight = w});
  EXPECT_EQ(a["loss"], b["loss"]);
  const Model one_hot = classifier();
  one_hot.compile(
      {.optimizer = SGD(0.5), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  const History c = one_hot.fit(x, to_categorical(y),
                                {.epochs = 3, .verbose = 0, .class_weight = {{0, 2.0}, {1, 0.5}}});
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(a["loss"][i], c["loss"][i], 1e-6);
}

TEST_F(Fit, DataOfAnyDtypeMeansTheSame) {
  Tensor bytes(DType::kUint8, {10, 4});
  for (int64_t i = 0; i < 40; ++i) bytes.set(i, static_cast<double>(i % 5));
  const History a = classifier().fit(bytes, labels(10, 3), {.verbose = 0});
  const History b =
      classifier().fit(bytes.cast(DType::kFloat64), labels(10, 3, DType::kInt64), {.verbose = 0});
  const History c =
      classifier().fit(bytes.cast(DType::kFloat32),
                       labels(10, 3, DType::kFloat32).reshaped({10, 1}), {.verbose = 0});
  EXPECT_EQ(a["loss"], b["loss"]);
  EXPECT_EQ(a["loss"], c["loss"]);
}

TEST_F(Fit, Float64Models) {
  set_floatx("float64");
  const Model model = classifier(DType::kFloat64);
  EXPECT_EQ(model.variables()[0]->value.dtype(), DType::kFloat64);
  const History h = model.fit(values({10, 4}), labels(10, 3), {.epochs = 3, .verbose = 0});
  EXPECT_LT(h["loss"].back(), h["loss"].front());
  EXPECT_EQ(model.predict(values({2, 4})).dtype(), DType::kFloat64);
}

TEST_F(Fit, PredictionsDoNotDependOnTheBatchSize) {
  const Model model = classifier();
  const Tensor x = values({23, 4});
  const Tensor all = model.predict(x, {.batch_size = 23});
  for (int64_t batch : {1, 4, 7, 32})
    EXPECT_TRUE(all.identical(model.predict(x, {.batch_size = batch}))) << batch;
  EXPECT_TRUE(all.identical(model.predict_on_batch(x)));
}

TEST_F(Fit, ABatchMayBeLargerThanAllRows) {
  const Tensor x = values({23, 4}), y = labels(23, 3);
  const Model model = classifier();
  const Tensor initial = model.predict(x);
  const std::vector<Tensor> weights = model.get_weights();
  const std::vector<double> whole = model.evaluate(x, y, {.batch_size = 23, .verbose = 0});
  std::vector<double> losses;
  for (const int64_t batch : {int64_t{23}, int64_t{1000}, INT64_MAX - 22, INT64_MAX}) {
    model.set_weights(weights);
    EXPECT_TRUE(initial.identical(model.predict(x, {.batch_size = batch}))) << batch;
    EXPECT_EQ(std::vector<double>(model.evaluate(x, y, {.batch_size = batch, .verbose = 0})),
              whole);
    const History h = model.fit(x, y,
                                {.batch_size = batch,
                                 .verbose = 0,
                                 .validation_data = {x, y},
                                 .shuffle = false,
                                 .validation_batch_size = batch});
    losses.push_back(h["loss"].at(0));
    EXPECT_EQ(h["val_loss"].size(), 1u);
  }
  EXPECT_EQ(losses, std::vector<double>(4, losses[0]));
  EXPECT_THROW(Evaluation().loss(), Error);
}

TEST_F(Fit, ManyThreadsMayPredictAtOnce) {
  const Model model = classifier();
  const Tensor x = values({50, 4});
  const Tensor expected = model.predict(x);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) wrong += !model.predict(x).identical(expected);
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Fit, TrainOnBatchIsOneStepOfFit) {
  const Tensor x = values({8, 4}), y = labels(8, 3);
  const Model a = classifier(), b = classifier();
  a.fit(x, y, {.epochs = 2, .verbose = 0, .shuffle = false});
  b.train_on_batch(x, y);
  const Evaluation second = b.train_on_batch(x, y);
  EXPECT_TRUE(a.get_weights()[0].identical(b.get_weights()[0]));
  EXPECT_EQ(second.values[0].first, "loss");
  EXPECT_EQ(b.test_on_batch(x, y).loss(), a.evaluate(x, y, {.verbose = 0}).loss());
}

TEST_F(Fit, ShufflingIsAPermutationThatChangesByEpoch) {
  const Tensor x = values({30, 4}), y = labels(30, 3);
  const auto losses = [&](bool shuffle) {
    return classifier().fit(
        x, y, {.epochs = 2, .batch_size = 7, .verbose = 0, .shuffle = shuffle})["loss"];
  };
  EXPECT_EQ(losses(true), losses(true));
  EXPECT_NE(losses(true), losses(false));
}

TEST_F(Fit, FrozenLayersStay) {
  const Model model = classifier();
  model.layers()[1].set_trainable(false);
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  const std::vector<Tensor> before = model.get_weights();
  model.fit(values({10, 4}), labels(10, 3), {.verbose = 0});
  const std::vector<Tensor> after = model.get_weights();
  EXPECT_TRUE(before[0].identical(after[0]));
  EXPECT_FALSE(before[2].identical(after[2]));
  EXPECT_EQ(model.optimizer().variables().size(), 2u + 2 * 2);
}

TEST_F(Fit, CallbacksMayEvaluateAndPredict) {
  const Model model = classifier();
  const Tensor x = values({10, 4}), y = labels(10, 3);
  double inside = 0;
  LambdaCallback look({.on_epoch_end = [&](int, Logs&) {
    inside = model.evaluate(x, y, {.verbose = 0}).loss();
    model.predict(x);
  }});
  model.fit(x, y, {.verbose = 0, .callbacks = {look}});
  EXPECT_EQ(inside, model.evaluate(x, y, {.verbose = 0}).loss());
}

TEST_F(Fit, LayersStandInKerassOrder) {
  // Two branches of different depth: deepest first, then in the order of a walk from the output.
  auto a = Input({4}, {.name = "a"}), b = Input({4}, {.name = "b"});
  auto left = Dense(2, {.name = "left2"})(Dense(3, {.name = "left1"})(a));
  auto right = Dense(2, {.name = "right1"})(b);
  const Model model({a, b}, Dense(1, {.name = "out"})(Add({.name = "sum"})({right, left})));
  std::string order;
  for (const Layer& layer : model.layers()) order += layer.name() + " ";
  EXPECT_EQ(order, "a b left1 right1 left2 sum out ");
}

}  // namespace
}  // namespace sinter

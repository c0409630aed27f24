// The whole road: a perceptron described, compiled, trained and evaluated on real images.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "tests/e2e/backends.h"

namespace sinter {
namespace {

Model digits_model() {
  const auto x = Input({64});
  auto h = Dense(64, {.activation = "relu"})(x);
  const auto y = Dense(10, {.activation = softmax})(h);
  return Model(x, y);
}

class Mlp : public testing::TestWithParam<std::string> {};

TEST_P(Mlp, LearnsDigits) {
  clear_session();
  const auto [train, test] = datasets::digits();
  const Model model = digits_model();
  model.compile({.optimizer = Adam(5e-3),
                 .loss = "categorical_crossentropy",
                 .metrics = {"accuracy"},
                 .backend = GetParam()});
  const History history = model.fit(
      train.x, train.y, {.epochs = 25, .batch_size = 64, .verbose = 0, .validation_split = 0.1});
  ASSERT_EQ(history.epoch.size(), 25u);
  EXPECT_LT(history["loss"].back(), history["loss"].front());
  EXPECT_GT(history["accuracy"].back(), 0.98);
  EXPECT_GT(history["val_accuracy"].back(), 0.95);
  const Evaluation result = model.evaluate(test.x, test.y, {.verbose = 0});
  EXPECT_GT(result["accuracy"], 0.88);  // the last images are by other hands
  // What evaluate says is what predictions say.
  const Tensor p = model.predict(test.x);
  ASSERT_EQ(p.shape(), (Shape{360, 10}));
  int64_t right = 0;
  for (int64_t i = 0; i < 360; ++i) {
    int64_t best = 0;
    double total = 0;
    for (int64_t c = 0; c < 10; ++c) {
      total += p.at(i * 10 + c);
      if (p.at(i * 10 + c) > p.at(i * 10 + best)) best = c;
    }
    EXPECT_NEAR(total, 1, 1e-5);
    right += best == static_cast<int64_t>(test.labels.at(i));
  }
  EXPECT_NEAR(static_cast<double>(right) / 360, result["accuracy"], 1e-6);
}

// Products in bfloat16, master weights in float32: the loss follows that of float32 to about two
// digits, and as many images are read.
TEST_P(Mlp, LearnsInMixedPrecision) {
  const auto [train, test] = datasets::digits();
  const auto run = [&](const std::string& mixed_precision) {
    clear_session();
    set_random_seed(3);
    const Model model = digits_model();
    model.compile({.optimizer = Adam(5e-3),
                   .loss = "categorical_crossentropy",
                   .metrics = {"accuracy"},
                   .backend = GetParam(),
                   .mixed_precision = mixed_precision});
    const History history =
        model.fit(train.x, train.y, {.epochs = 10, .batch_size = 64, .verbose = 0});
    for (const VariablePtr& v : model.variables())
      EXPECT_NE(v->value.dtype(), DType::kBFloat16) << v->name;
    const Evaluation result = model.evaluate(test.x, test.y, {.verbose = 0});
    return std::make_pair(history["loss"], result["accuracy"]);
  };
  const auto [loss, accuracy] = run("");
  const auto [mixed_loss, mixed_accuracy] = run("bfloat16");
  EXPECT_NE(loss, mixed_loss);
  for (size_t e = 0; e < loss.size(); ++e)
    EXPECT_NEAR(mixed_loss[e], loss[e], 0.03 * loss[e] + 2e-3) << "epoch " << e;
  EXPECT_NEAR(mixed_accuracy, accuracy, 0.02);
}

// The course's own loss and metric.
Symbol my_entropy(Symbol y_true, Symbol y_pred) {
  const Symbol loss = backend::binary_crossentropy(y_true, y_pred);
  return mean(loss, {-1});
}

Symbol my_accuracy(Symbol y_true, Symbol y_pred) {
  const Symbol equals = equal(y_true, cast(y_pred > 0.5, float32));
  return mean(cast(equals, float32));
}

TEST_P(Mlp, TrainsWithTheUsersLossAndMetric) {
  const auto [train, test] = datasets::digits();
  const auto run = [&](LossArgument loss, MetricsArgument metrics) {
    clear_session();
    const Model model = digits_model();
    model.compile({.optimizer = optimizers::Adam(0.003),
                   .loss = std::move(loss),
                   .metrics = std::move(metrics),
                   .backend = GetParam()});
    return model.fit(train.x, train.y, {.epochs = 6, .batch_size = 128, .verbose = 0});
  };
  const History own = run(my_entropy, {Metric("my_accuracy", my_accuracy)});
  EXPECT_GT(own["my_accuracy"].back(), 0.9);
  EXPECT_LT(own["loss"].back(), own["loss"].front());
  const History ours = run("binary_crossentropy", {"binary_accuracy"});
  for (size_t e = 0; e < 6; ++e) EXPECT_NEAR(own["loss"][e], ours["loss"][e], 1e-5);
  // A metric that gives one number a batch is averaged over batches, as Keras does.
  EXPECT_NEAR(own["my_accuracy"].back(), ours["binary_accuracy"].back(), 1e-3);
}

TEST_P(Mlp, RegularizersDropoutAndBatchNormalizationTrain) {
  clear_session();
  const auto [train, test] = datasets::digits();
  auto x = Input({64});
  auto h = Dense(48, {.activation = "relu", .kernel_regularizer = l2(1e-4f)})(x);
  h = Dropout(0.2)(BatchNormalization({.momentum = 0.9})(h));
  auto y = Dense(10, {.activation = softmax})(h);
  Model model(x, y);
  EarlyStopping stop({.monitor = "val_loss", .patience = 5});
  model.compile({.optimizer = Adam(1e-2),
                 .loss = "categorical_crossentropy",
                 .metrics = {"accuracy"},
                 .backend = GetParam()});
  const History history = model.fit(train.x, train.y,
                                    {.epochs = 15,
                                     .batch_size = 128,
                                     .verbose = 0,
                                     .validation_split = 0.2,
                                     .callbacks = {stop}});
  EXPECT_GT(history["val_accuracy"].back(), 0.93);
  EXPECT_GT(model.evaluate(test.x, test.y, {.verbose = 0})["accuracy"], 0.88);
  // Inference is deterministic: no dropout, moving averages.
  EXPECT_TRUE(model.predict(test.x).identical(model.predict(test.x)));
}

INSTANTIATE_TEST_SUITE_P(Backends, Mlp, testing::ValuesIn(tested_backends()));

}  // namespace
}  // namespace sinter

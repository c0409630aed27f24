// What a user of Keras reads from a model, a layer and an optimizer.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <string>
#include <vector>

#include "core/file_io.h"
#include "frontend/loss_table.h"
#include "frontend/metric_table.h"
#include "tests/support/own_names.h"

namespace sinter {
namespace {

using Names = std::vector<std::string>;

TEST(KerasNames, OfModels) {
  clear_session();
  const auto x = Input(4, {.name = "x"}), z = Input(3, {.name = "z"});
  const auto h = BatchNormalization({.name = "bn"})(Dense(5, {.name = "h"})(x));
  const Model model({x, z}, {Dense(2, {.activation = "softmax", .name = "kind"})(h),
                             Dense(1, {.name = "size"})(z)});
  EXPECT_TRUE(model.built());
  EXPECT_EQ(model.inputs().size(), 2u);
  EXPECT_EQ(model.outputs().size(), 2u);
  EXPECT_EQ(model.output_names(), (Names{"kind", "size"}));
  EXPECT_EQ(model.weights(), model.variables());
  EXPECT_EQ(model.trainable_weights(), model.trainable_variables());
  EXPECT_EQ(model.non_trainable_weights(), model.non_trainable_variables());
  EXPECT_EQ(model.non_trainable_weights().size(), 2u);
  EXPECT_EQ(model.count_params(), 4 * 5 + 5 + 4 * 5 + 5 * 2 + 2 + 3 + 1);
  model.compile({.optimizer = SGD(0.1, 0.9),
                 .loss = {{"kind", "categorical_crossentropy"}, {"size", "mse"}},
                 .metrics = {{"kind", "accuracy"}, {"size", {"mae", "mse"}}},
                 .weighted_metrics = {{"size", "mae"}}});
  const std::vector<Tensor> data = {Tensor(float32, {6, 4}), Tensor(float32, {6, 3})};
  const std::vector<Tensor> labels = {Tensor(float32, {6, 2}), Tensor(float32, {6, 1})};
  // The names of what evaluate() gives, before it has given it.
  const Names names = model.metrics_names();
  Names evaluated;
  for (const auto& [name, value] : model.evaluate(data, labels, {.verbose = 0}).values)
    evaluated.push_back(name);
  EXPECT_EQ(names, evaluated);
  EXPECT_EQ(names[0], "loss");
  EXPECT_EQ(names[1], "kind_loss");
  EXPECT_EQ(model.loss().named().size(), 2u);

  const Model one(x, Dense(2)(x));
  EXPECT_EQ(one.input_shape(), (Shape{kBatch, 4}));
  EXPECT_EQ(one.output_shape(), (Shape{kBatch, 2}));
  one.compile({.loss = "mse", .metrics = {"mae"}});
  EXPECT_EQ(one.metrics_names(), (Names{"loss", "mae"}));
  EXPECT_EQ(one.loss().list()[0].name(), "mean_squared_error");
  EXPECT_EQ(one.optimizer().name(), "rm_sprop");
  const Sequential unbuilt({Dense(2)});
  EXPECT_FALSE(unbuilt.built());
}

TEST(KerasNames, OfLayers) {
  clear_session();
  const Dense layer(2, {.name = "d"});
  EXPECT_FALSE(layer.built());
  const auto y = layer(Input(3));
  EXPECT_TRUE(layer.built());
  EXPECT_EQ(layer.dtype(), float32);
  EXPECT_EQ(layer.weights(), layer.variables());
  EXPECT_EQ(layer.trainable_weights().size(), 2u);
  layer.set_trainable(false);
  EXPECT_EQ(layer.trainable_weights().size(), 0u);
  EXPECT_EQ(layer.non_trainable_weights().size(), 2u);
  EXPECT_EQ(y.shape(), (Shape{kBatch, 2}));
}

// optimizer.iterations: steps of any kind, and those of a file.
TEST(KerasNames, IterationsOfOptimizers) {
  clear_session();
  const auto x = Input(3);
  const Model model(x, Dense(1)(x));
  const Adam adam(0.01);
  EXPECT_EQ(adam.iterations(), 0);
  model.compile({.optimizer = adam, .loss = "mse"});
  EXPECT_EQ(model.optimizer().iterations(), 0);
  const Tensor data = Tensor::full(float32, {10, 3}, 1), labels(float32, {10, 1});
  model.fit(data, labels, {.epochs = 2, .batch_size = 4, .verbose = 0});
  EXPECT_EQ(model.optimizer().iterations(), 6);
  model.evaluate(data, labels, {.verbose = 0});
  model.train_on_batch(data, labels);
  EXPECT_EQ(adam.iterations(), 7);
  EXPECT_DOUBLE_EQ(adam.learning_rate(), static_cast<double>(0.01f));
}

TEST(KerasNames, StandInTheReadme) {
  const std::string readme = read_file(SINTER_SOURCE_DIR "/README.md");
  const auto expect = [&](const std::string& name) {
    EXPECT_NE(readme.find("`" + name + "`"), std::string::npos) << name;
  };
  for (const std::string& name : names_of_library(layer_names())) {
    if (name != "InputLayer") expect(name);
  }
  for (const char* name : {"Input", "Maxout"}) expect(name);
  for (const std::string& name : names_of_library(optimizer_names()))
    expect(Optimizer(name).impl().class_name());
  for (const LossOfKeras& loss : losses_of_keras()) expect(loss.class_name);
  for (const PlainMetric& metric : plain_metrics()) {
    // "LogCoshError" is the loss "LogCosh".
    expect(metric.class_name == "LogCoshError" ? "LogCosh" : metric.class_name);
  }
  for (const StatefulMetric& metric : stateful_metrics()) expect(metric.class_name);
}

}  // namespace
}  // namespace sinter

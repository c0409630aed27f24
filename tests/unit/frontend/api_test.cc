// Every way of writing a model that the course and the README use must compile and mean the same.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

namespace sinter {
namespace {

class Api : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }
};

Model course_model(ActivationFunction hidden, ActivationFunction last) {
  backend::clear_session();
  auto X = layers::Input({12});
  auto H = layers::Dense(8, {.activation = hidden})(X);
  H = layers::Dense(8, {.activation = hidden})(H);
  auto Y = layers::Dense(3, {.activation = last})(H);
  return models::Model(X, Y);
}

Tensor inputs(int64_t rows, int64_t columns) {
  Tensor x(DType::kFloat32, {rows, columns});
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>((i * 37) % 101) / 101);
  return x;
}

Tensor one_hot_labels(int64_t rows, int64_t classes) {
  Tensor y(DType::kFloat32, {rows, classes});
  for (int64_t i = 0; i < rows; ++i) y.set(i * classes + i % classes, 1);
  return y;
}

TEST_F(Api, StringsAndFunctionsAreTheSame) {
  const Model by_name = course_model("relu", "softmax");
  by_name.compile(
      {.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  const Model by_function = course_model(activations::relu, activations::softmax);
  by_function.compile({.optimizer = optimizers::Adam(0.001),
                       .loss = losses::categorical_crossentropy,
                       .metrics = {metrics::categorical_accuracy}});
  const Tensor x = inputs(20, 12), y = one_hot_labels(20, 3);
  const History a = by_name.fit(x, y, {.epochs = 2, .verbose = 0});
  const History b = by_function.fit(x, y, {.epochs = 2, .verbose = 0});
  EXPECT_EQ(a["loss"], b["loss"]);
  EXPECT_EQ(a["accuracy"], b["categorical_accuracy"]);
  EXPECT_EQ(by_name.layers()[1].config(), by_function.layers()[1].config());
}

TEST_F(Api, AllActivationFunctionsKeepTheirNames) {
  const std::vector<std::pair<ActivationFunction, std::string>> table = {
      {relu, "relu"},
      {sigmoid, "sigmoid"},
      {sinter::tanh, "tanh"},
      {elu, "elu"},
      {selu, "selu"},
      {softmax, "softmax"},
      {softplus, "softplus"},
      {softsign, "softsign"},
      {swish, "silu"},
      {silu, "silu"},
      {gelu, "gelu"},
      {mish, "mish"},
      {relu6, "relu6"},
      {leaky_relu, "leaky_relu"},
      {exponential, "exponential"},
      {linear, "linear"},
      {hard_sigmoid, "hard_sigmoid"},
  };
  for (const auto& [function, name] : table) {
    EXPECT_EQ(function.name(), name);
    EXPECT_EQ(ActivationFunction(name).name(), name);
  }
  EXPECT_EQ(ActivationFunction([](Symbol x) { return x * sigmoid(x); }).name(),
            "custom_activation");
  EXPECT_EQ(ActivationFunction(nullptr).name(), "linear");
}

TEST_F(Api, LayersShareWeightsWhenCalledTwice) {
  auto a = Input({4}), b = Input({4});
  const Dense shared(3);
  const Model model({a, b}, Add()({shared(a), shared(b)}));
  EXPECT_EQ(model.variables().size(), 2u);
  const Tensor x = inputs(2, 4);
  const Tensor zero(DType::kFloat32, {2, 4});
  const Tensor both = model.predict({x, x});
  const Tensor one = model.predict({x, zero});
  for (int64_t i = 0; i < 6; ++i) EXPECT_NEAR(both.at(i), 2 * one.at(i), 1e-6);
}

TEST_F(Api, ModelsAreLayersToo) {
  auto x = Input({4});
  const Model inner(x, Dense(3, {.activation = "tanh"})(x));
  auto outer_x = Input({4});
  const Model outer(outer_x, Dense(1)(inner(outer_x)));
  EXPECT_EQ(outer.variables().size(), 4u);
  EXPECT_EQ(outer.variables()[0], inner.variables()[0]);
  outer.compile({.optimizer = SGD(0.1), .loss = "mse"});
  const Tensor before = inner.get_weights()[0];
  outer.fit(inputs(8, 4), Tensor::full(DType::kFloat32, {8, 1}, 1.0), {.verbose = 0});
  EXPECT_FALSE(before.identical(inner.get_weights()[0]));
}

TEST_F(Api, PredictionSeesWeightsThatAnotherModelTrained) {
  auto x = Input({4});
  auto h = Dense(3, {.activation = "tanh"})(x);
  const Model encoder(x, h);
  const Model whole(x, Dense(1)(h));
  const Tensor data = inputs(8, 4);
  const Tensor before = encoder.predict(data);
  whole.compile({.optimizer = SGD(0.5), .loss = "mse"});
  whole.fit(data, Tensor::full(DType::kFloat32, {8, 1}, 1.0), {.epochs = 2, .verbose = 0});
  EXPECT_FALSE(before.identical(encoder.predict(data)));
}

TEST_F(Api, SequentialIsTheSameAsFunctional) {
  const Sequential chain({Input({12}), Dense(8, {.activation = "relu"}), Dense(3)});
  EXPECT_EQ(chain.layers().size(), 2u);
  clear_session();
  Sequential late;  // builds when it sees data
  late.add(Dense(8, {.activation = "relu"}));
  late.add(Dense(3));
  const Tensor x = inputs(5, 12);
  const Tensor y = late.predict(x);
  ASSERT_EQ(y.shape(), (Shape{5, 3}));
  chain.set_weights(late.get_weights());
  EXPECT_TRUE(y.identical(chain.predict(x)));
  EXPECT_EQ(late.name(), "sequential");
}

TEST_F(Api, SeveralInputsAndOutputs) {
  auto a = Input({4}, {.name = "left"}), b = Input({2}, {.name = "right"});
  auto h = Dense(6, {.activation = "relu"})(Concatenate()({a, b}));
  const Model model({a, b}, {Dense(1, {.name = "value"})(h),
                             Dense(3, {.activation = "softmax", .name = "kind"})(h)});
  model.compile({.optimizer = "adam",
                 .loss = {"mse", "sparse_categorical_crossentropy"},
                 .loss_weights = {1.0, 0.3},
                 .metrics = std::vector<std::vector<Metric>>{{"mae"}, {"accuracy"}}});
  const Tensor labels = Tensor::from<int32_t>({8}, std::vector<int32_t>{0, 1, 2, 0, 1, 2, 0, 1});
  const History history =
      model.fit({inputs(8, 4), inputs(8, 2)}, {inputs(8, 1), labels}, {.epochs = 2, .verbose = 0});
  std::vector<std::string> keys;
  for (const auto& [key, values] : history.history) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"kind_accuracy", "kind_loss", "loss", "value_loss",
                                            "value_mae"}));
  EXPECT_NEAR(history["loss"][1], history["value_loss"][1] + 0.3 * history["kind_loss"][1], 1e-6);
  const Evaluation e =
      model.evaluate({inputs(8, 4), inputs(8, 2)}, {inputs(8, 1), labels}, {.verbose = 0});
  EXPECT_EQ(e.values[0].first, "loss");
  EXPECT_EQ(e.values.size(), 5u);
  const std::vector<Tensor> p = model.predict_all({inputs(8, 4), inputs(8, 2)});
  EXPECT_EQ(p[1].shape(), (Shape{8, 3}));
}

TEST_F(Api, ProgramsOfTheUserCompile) {
  // Every keyword of the README's example, with small data.
  auto x = Input({12});
  auto h = Dense(16, {.activation = "relu", .kernel_regularizer = l2(1e-4f)})(x);
  h = Dropout(0.2)(BatchNormalization()(h));
  auto y = Dense(3, {.activation = softmax})(h);
  Model model(x, y);
  model.compile(
      {.optimizer = Adam(1e-3), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  auto history = model.fit(inputs(40, 12), one_hot_labels(40, 3),
                           {.epochs = 3,
                            .batch_size = 16,
                            .verbose = 0,
                            .validation_split = 0.2,
                            .callbacks = {EarlyStopping({.monitor = "val_loss", .patience = 5})}});
  EXPECT_EQ(history.history.size(), 4u);
  model.evaluate(inputs(9, 12), one_hot_labels(9, 3), {.verbose = 0});
}

// As in Keras 3: the head of a network, from any of its tensors on.
TEST_F(Api, ModelsMayBeginInTheMiddle) {
  const KerasTensor x = Input(4), other = Input(2);
  const Dense first(3, "tanh"), shared(3);
  const KerasTensor h = first(x);
  const KerasTensor deep = shared(shared(h)) + h;
  const KerasTensor y = Dense(2)(concat({deep, other}));
  const Model whole({x, other}, {y, h}), head({h, other}, y), tail(deep, deep * 2);
  const Tensor data = inputs(5, 4), more = inputs(5, 2);
  const std::vector<Tensor> all = whole.predict_all({data, more});
  EXPECT_TRUE(head.predict({all[1], more}).identical(all[0]));
  EXPECT_EQ(head.count_params(), whole.count_params() - first.count_params());
  EXPECT_EQ(tail.predict(inputs(5, 3)).at(7), 2 * inputs(5, 3).at(7));
  const Model again = model_from_json(head.to_json());
  again.set_weights(head.get_weights());
  EXPECT_TRUE(again.predict({all[1], more}).identical(all[0]));
  head.compile({.optimizer = SGD(0.1), .loss = "mse"});
  head.fit({all[1], more}, inputs(5, 2), {.verbose = 0});
  EXPECT_FALSE(whole.predict_all({data, more})[0].identical(all[0]));  // weights are shared
  EXPECT_THROW(Model(h, y), Error);                                    // depends on another input
  // Nothing, or something else than rows.
  EXPECT_THROW(Model(sum(h), sum(h) * 2), Error);
  EXPECT_THROW(Model(sum(h, 0), sum(h, 0) * 2), Error);
  // Chains of any length, and both halves of one.
  KerasTensor long_one = x;
  std::vector<KerasTensor> on_the_way;
  for (int i = 0; i < 3000; ++i) on_the_way.push_back(long_one = relu(long_one));
  const Model begin(x, on_the_way[1500]), end(on_the_way[1500], long_one);
  EXPECT_EQ(begin.layers().size() + end.layers().size(), 3002u);
}

}  // namespace
}  // namespace sinter

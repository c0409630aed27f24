// Losses, metrics, callbacks and their kin as objects, in every form that Keras takes them; and
// that what cannot work does not compile.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>
#include <functional>

#include "core/graph.h"
#include "frontend/layer_call.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

class Objects : public ::testing::Test {
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

Tensor one_hot_rows(int64_t rows, int64_t classes) {
  Tensor y(DType::kFloat32, {rows, classes});
  for (int64_t i = 0; i < rows; ++i) y.set(i * classes + i % classes, 1);
  return y;
}

Model two_outputs() {
  auto x = Input(4);
  return Model(
      x, {Dense(3, {.activation = "softmax", .name = "probs"})(x), Dense(1, {.name = "value"})(x)});
}

Symbol mean_of_difference(Symbol t, Symbol p) { return mean(t - p, -1); }

TEST_F(Objects, LossesStayWhatTheyAre) {
  const losses::CategoricalCrossentropy object({.from_logits = true});
  const Loss copied = object;
  const Loss made(losses::CategoricalCrossentropy({.from_logits = true}));
  const LossArgument argument = losses::CategoricalCrossentropy({.from_logits = true});
  const LossArgument list{losses::MeanSquaredError(), losses::Huber({.delta = 2.0})};
  const LossArgument named = {{"a", losses::Poisson()}, {"b", "mse"}};
  for (const Loss& loss : {copied, made, argument.list().at(0), list.list().at(0),
                           list.list().at(1), named.named().at("a")}) {
    EXPECT_FALSE(loss.is_custom()) << loss.name();
    EXPECT_NE(loss.to_config().as<ConfigObject>(), nullptr);
  }
  EXPECT_EQ(Loss(losses::huber).name(), "huber");
  EXPECT_TRUE(Loss(mean_of_difference).is_custom());
}

TEST_F(Objects, EveryLossObjectTrainsLikeAndLoadsAsItself) {
  const sinter::testing::TemporaryFolder folder;
  const std::vector<Loss> all = {
      losses::MeanSquaredError(),
      losses::MeanAbsoluteError(),
      losses::MeanAbsolutePercentageError(),
      losses::MeanSquaredLogarithmicError(),
      losses::BinaryCrossentropy({.label_smoothing = 0.1}),
      losses::CategoricalCrossentropy({.from_logits = true}),
      losses::Huber({.delta = 0.3}),
      losses::LogCosh(),
      losses::Hinge(),
      losses::SquaredHinge(),
      losses::CategoricalHinge(),
      losses::KLDivergence(),
      losses::Poisson({.reduction = "sum"}),
      losses::CosineSimilarity(),
      losses::BinaryFocalCrossentropy({.apply_class_balancing = true, .gamma = 1.5}),
      losses::CategoricalFocalCrossentropy({.alpha = 0.4}),
      losses::Dice({.axis = -1}),
      losses::Tversky({.alpha = 0.2, .beta = 0.8}),
  };
  const Tensor x = numbers({6, 4}), y = one_hot_rows(6, 3);
  for (const Loss& loss : all) {
    SCOPED_TRACE(loss.name());
    clear_session();
    auto in = Input(4);
    const Model model(in, Dense(3, "sigmoid")(in));
    model.compile({.optimizer = SGD(0.1), .loss = loss});
    model.fit(x, y, {.verbose = 0});
    model.save(folder.file("m.sinter"));
    const Model again = load_model(folder.file("m.sinter"));
    EXPECT_EQ(again.compile_arguments().loss.list().at(0).to_config(), loss.to_config());
    EXPECT_EQ(again.evaluate(x, y, {.verbose = 0}).loss(),
              model.evaluate(x, y, {.verbose = 0}).loss());
  }
}

TEST_F(Objects, LossObjectsTakeClassWeightsAndCheckLabels) {
  auto in = Input(4);
  const Model model(in, Dense(3)(in));
  model.compile(
      {.optimizer = SGD(0.1), .loss = losses::CategoricalCrossentropy({.from_logits = true})});
  EXPECT_NO_THROW(
      model.fit(numbers({6, 4}), one_hot_rows(6, 3), {.verbose = 0, .class_weight = {{0, 2.0}}}));
  model.compile({.optimizer = SGD(0.1),
                 .loss = losses::SparseCategoricalCrossentropy({.from_logits = true})});
  EXPECT_NO_THROW(model.fit(numbers({6, 4}), Tensor(DType::kInt32, {6}), {.verbose = 0}));
  EXPECT_THROW(model.fit(numbers({6, 4}), Tensor::full(DType::kInt32, {6}, 7), {.verbose = 0}),
               Error);
}

TEST_F(Objects, MetricsInEveryForm) {
  const Tensor x = numbers({6, 4}), y = one_hot_rows(6, 3), v = numbers({6, 1});
  const auto logged = [&](const MetricsArgument& metrics) {
    clear_session();
    auto in = Input(4);
    const Model model(in, Dense(3, {.activation = "softmax", .name = "probs"})(in));
    model.compile({.loss = "categorical_crossentropy", .metrics = metrics});
    std::string names;
    for (const auto& [name, value] : model.evaluate(x, y, {.verbose = 0}).values)
      names += name + " ";
    return names;
  };
  EXPECT_EQ(logged("accuracy"), "loss accuracy ");
  EXPECT_EQ(logged({"accuracy", "mae"}), "loss accuracy mae ");
  EXPECT_EQ(logged(metrics::CategoricalAccuracy()), "loss categorical_accuracy ");
  EXPECT_EQ(logged({metrics::MeanAbsoluteError({.name = "err"}), "mse"}), "loss err mse ");
  EXPECT_EQ(logged(losses::Huber()), "loss huber ");
  EXPECT_EQ(logged({losses::huber == nullptr ? "" : "mse", losses::LogCosh()}),
            "loss mse log_cosh ");
  EXPECT_EQ(logged(mean_of_difference), "loss custom_metric ");
  EXPECT_EQ(logged([](Symbol t, Symbol p) { return mean(t - p, -1); }), "loss custom_metric ");
  EXPECT_EQ(logged({{"probs", "accuracy"}}), "loss accuracy ");
  EXPECT_EQ(logged({{"probs", {"accuracy", "mae"}}}), "loss accuracy mae ");
  EXPECT_EQ(logged({{"accuracy", "mae"}}), "loss accuracy mae ");
  EXPECT_EQ(logged({{"probs", "accuracy", metrics::MeanSquaredError()}}),
            "loss accuracy mean_squared_error ");

  const Model two = two_outputs();
  const auto names_of_two = [&](const MetricsArgument& metrics) {
    two.compile(
        {.loss = {"categorical_crossentropy", losses::MeanSquaredError()}, .metrics = metrics});
    std::string names;
    for (const auto& [name, value] : two.evaluate(x, {y, v}, {.verbose = 0}).values)
      names += name + " ";
    return names.substr(std::string("loss probs_loss value_loss ").size());
  };
  EXPECT_EQ(names_of_two({"accuracy", "mae"}), "probs_accuracy value_mae ");
  EXPECT_EQ(names_of_two({{"accuracy"}, {"mae", "mse"}}), "probs_accuracy value_mae value_mse ");
  EXPECT_EQ(names_of_two({"accuracy", {"mae", "mse"}}), "probs_accuracy value_mae value_mse ");
  EXPECT_EQ(names_of_two({{"value", "mae"}}), "value_mae ");
  EXPECT_EQ(names_of_two({{"value", {"mae", "mse"}}, {"probs", metrics::CategoricalAccuracy()}}),
            "probs_categorical_accuracy value_mae value_mse ");
  EXPECT_EQ(names_of_two({{}, {"mae"}}), "value_mae ");
  try {
    two.compile({.loss = "mse", .metrics = {{"valeu", "mae"}}});
    FAIL();
  } catch (const NameError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'value'"), std::string::npos)
        << error.what();
  }
}

TEST_F(Objects, LossesByOutput) {
  const Model model = two_outputs();
  const Tensor x = numbers({6, 4}), y = one_hot_rows(6, 3), v = numbers({6, 1});
  model.compile({.loss = {{"probs", "mse"}}});
  const double probs = model.evaluate(x, {y, v}, {.verbose = 0}).loss();
  model.compile({.loss = {{"value", losses::MeanSquaredError()}, {"probs", "mse"}}});
  const Evaluation both = model.evaluate(x, {y, v}, {.verbose = 0});
  EXPECT_EQ(both["probs_loss"], probs);
  model.compile({.loss = {{"value", [](Symbol t, Symbol p) { return mean(square(t - p), -1); }}}});
  EXPECT_EQ(model.evaluate(x, {y, v}, {.verbose = 0}).loss(), both["value_loss"]);
  EXPECT_THROW(model.compile({.loss = {{"vlaue", "mse"}}}), NameError);
  EXPECT_THROW(LossArgument({{"value", "mse"}, "mae"}), Error);
  EXPECT_THROW(LossArgument({{"value", "mse"}, {"value", "mae"}}), Error);
}

// --- callbacks
struct Count : Callback {
  void on_epoch_end(int, Logs&) override { ++epochs; }
  int epochs = 0;
};
struct OwnStopping : EarlyStopping {};

static_assert(!std::is_convertible_v<Count&, CallbackItem>, "training would fill a copy");
static_assert(!std::is_convertible_v<const Count&, CallbackItem>);
static_assert(!std::is_convertible_v<OwnStopping&, CallbackItem>);
static_assert(!std::is_convertible_v<Callback&, CallbackItem>);
static_assert(std::is_convertible_v<Count, CallbackItem>);
static_assert(std::is_convertible_v<std::reference_wrapper<Count>, CallbackItem>);
static_assert(std::is_convertible_v<std::shared_ptr<Count>, CallbackItem>);
static_assert(std::is_convertible_v<EarlyStopping&, CallbackItem>);
static_assert(std::is_convertible_v<const TerminateOnNaN&, CallbackItem>);
static_assert(!std::is_constructible_v<Axes, bool>);
// Numbers of another kind than is meant.
static_assert(std::is_constructible_v<Dense, size_t> &&
              std::is_constructible_v<Dense, int, DenseOptions>);
static_assert(!std::is_constructible_v<Dense, double> && !std::is_constructible_v<Dense, bool>);
static_assert(!std::is_constructible_v<Dense, char> &&
              !std::is_constructible_v<Maxout, int, double>);
static_assert(std::is_constructible_v<Dropout, float> && std::is_constructible_v<Dropout, int>);
static_assert(!std::is_constructible_v<Dropout, bool> && !std::is_constructible_v<ELU, bool>);
static_assert(!std::is_constructible_v<Softmax, double> &&
              !std::is_constructible_v<Concatenate, bool>);
static_assert(std::is_constructible_v<SGD, double, int> &&
              std::is_constructible_v<SGD, float, double, bool>);
static_assert(!std::is_constructible_v<SGD, double, bool> && !std::is_constructible_v<Adam, bool>);
static_assert(std::is_constructible_v<Adam, int> && !std::is_constructible_v<LearningRate, bool>);
static_assert(!std::is_invocable_v<decltype(set_random_seed), double>);
enum Constant { kUnits = 10 };
enum class Scoped { kUnits = 10 };
static_assert(std::is_constructible_v<Dense, Constant> &&
              std::is_constructible_v<Dropout, Constant>);
static_assert(!std::is_constructible_v<Dense, Scoped> && !std::is_constructible_v<Dense, wchar_t>);
template <typename T>
concept IndexOfLayers = requires(const Model& model, T index) {
  model.get_layer(index);
};
static_assert(IndexOfLayers<int> && IndexOfLayers<size_t> && IndexOfLayers<const char*>);
static_assert(!IndexOfLayers<double> && !IndexOfLayers<bool>);
static_assert(!std::is_convertible_v<double, std::optional<WholeNumber>>);  // of to_categorical

TEST_F(Objects, CallbacksAndValidationDataWithoutLists) {
  auto in = Input({4});
  const Model model(in, Dense(1)(in));
  model.compile({.optimizer = SGD(0.0), .loss = "mse"});
  const Tensor x = numbers({6, 4}), y = numbers({6, 1});
  EarlyStopping stop({.monitor = "val_loss", .patience = 1});
  Count count;
  const History one =
      model.fit(x, y, {.epochs = 9, .verbose = 0, .validation_data = {x, y}, .callbacks = stop});
  EXPECT_EQ(one.epoch.size(), 2u);
  EXPECT_EQ(stop.stopped_epoch(), 1);
  model.fit(x, y, {.epochs = 3, .verbose = 0, .callbacks = std::ref(count)});
  model.fit(x, y, {.epochs = 2, .verbose = 0, .callbacks = {TerminateOnNaN(), std::ref(count)}});
  EXPECT_EQ(count.epochs, 5);
  const Tensor w = Tensor::full(DType::kFloat32, {6}, 2.0);
  const History weighted = model.fit(x, y, {.verbose = 0, .validation_data = {x, y, w}});
  EXPECT_NEAR(weighted["val_loss"][0], 2 * one["val_loss"][0], 1e-6);
}

TEST_F(Objects, HistoryNamesWhatItHas) {
  auto in = Input(4);
  const Model model(in, Dense(1)(in));
  model.compile({.loss = "mse", .metrics = "mae"});
  const History history = model.fit(numbers({6, 4}), numbers({6, 1}), {.verbose = 0});
  try {
    history["val_loss"];
    FAIL();
  } catch (const NameError& error) {
    EXPECT_NE(std::string(error.what()).find("Known: loss, mae"), std::string::npos)
        << error.what();
  }
}

TEST_F(Objects, ShortForms) {
  const Layer by_name = Dense(3, "relu"), by_function = Dense(3, relu),
              by_lambda = Dense(3, [](Symbol x) { return maximum(x, 0); }), plain = Dense(3, {});
  EXPECT_EQ(by_name.config().get_string("activation", ""), "relu");
  EXPECT_EQ(by_function.config().get_string("activation", ""), "relu");
  EXPECT_EQ(by_lambda.config().get_string("activation", ""), "custom_activation");
  EXPECT_EQ(plain.config().get_string("activation", ""), "linear");
  EXPECT_EQ(Input(7).shape(), Shape({kBatch, 7}));
  EXPECT_EQ(Input({7}).shape(), Shape({kBatch, 7}));
  EXPECT_EQ(Input({}).shape(), Shape({kBatch}));
  EXPECT_EQ(Input(int64_t{7}, {.name = "x"}).call()->layer->name(), "x");
  Graph graph;
  const Symbol x = graph.input("x", {DType::kFloat32, {2, 3, 4}});
  EXPECT_EQ(mean(x, -1).shape(), Shape({2, 3}));
  EXPECT_EQ(sum(x, 0, true).shape(), Shape({1, 3, 4}));
  EXPECT_EQ(reduce_max(x, {0, 2}).shape(), Shape({3}));
  EXPECT_EQ(prod(x).shape(), Shape());
  EXPECT_EQ(sum(x, {}).shape(), Shape());
  EXPECT_EQ(graph.node(pow(x, 2.0).id()).op->name, "power");
  EXPECT_EQ(graph.node(pow(2.0, x).id()).op->name, "power");
}

TEST_F(Objects, DerivedObjectsKeepTheirIdentityEverywhere) {
  const Initializer initializer = HeNormal();
  EXPECT_EQ(initializer.to_config().as<ConfigObject>()->class_name, "HeNormal");
  const Regularizer regularizer = L2(0.5);
  EXPECT_EQ(regularizer.to_config().as<ConfigObject>()->class_name, "L2");
  const Constraint constraint = NonNeg();
  EXPECT_EQ(constraint.to_config().as<ConfigObject>()->class_name, "NonNeg");
  const Metric metric = metrics::BinaryAccuracy({.name = "b", .threshold = 0.3});
  EXPECT_EQ(metric.to_config().as<ConfigObject>()->class_name, "BinaryAccuracy");
  const Optimizer optimizer = Adam(0.1);
  EXPECT_EQ(optimizer.to_config().as<ConfigObject>()->class_name, "Adam");
  const Dense own(
      2, {.kernel_initializer = [](const Shape& s, DType d) { return Tensor::full(d, s, 3); },
          .kernel_regularizer = [](Symbol w) { return sum(abs(w)); },
          .kernel_constraint = [](Symbol w) { return maximum(w, 0); }});
  own(Input(4));
  EXPECT_EQ(own.kernel()->value.at(0), 3);
}

TEST_F(Objects, OrthogonalMatrices) {
  for (const Shape& shape : {Shape{5, 5}, Shape{7, 3}, Shape{3, 7}, Shape{2, 3, 4}, Shape{1, 1}}) {
    SCOPED_TRACE(shape.to_string());
    const Tensor w = Orthogonal({.gain = 2.0})(shape, DType::kFloat64, 5);
    const int64_t columns = shape.dim(-1), rows = shape.elements() / columns;
    const bool wide = columns > rows;
    const int64_t n = std::min(rows, columns);
    for (int64_t a = 0; a < n; ++a) {
      for (int64_t b = 0; b < n; ++b) {
        double product = 0;
        for (int64_t k = 0; k < std::max(rows, columns); ++k)
          product += wide ? w.at(a * columns + k) * w.at(b * columns + k)
                          : w.at(k * columns + a) * w.at(k * columns + b);
        EXPECT_NEAR(product, a == b ? 4.0 : 0.0, 1e-13);
      }
    }
  }
  // Uniform over the orthogonal matrices: entries of either sign, with variance 1 / n.
  double sum = 0, squares = 0;
  for (uint64_t key = 0; key < 400; ++key) {
    const double v = Orthogonal()({4, 4}, DType::kFloat64, key).at(0);
    sum += v;
    squares += v * v;
  }
  EXPECT_NEAR(sum / 400, 0.0, 0.15);
  EXPECT_NEAR(squares / 400, 0.25, 0.06);
  EXPECT_THROW(Orthogonal()({4}, DType::kFloat32, 1), ShapeError);
  EXPECT_EQ(Initializer("orthogonal").to_config().as<ConfigObject>()->class_name, "Orthogonal");
}

}  // namespace
}  // namespace sinter

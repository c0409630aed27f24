// Files tell functions and classes of the user's own by name: where one name would stand for two,
// saving refuses, with both places; where it stands for one, used often, it does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

Symbol squared(Symbol x) { return x * x; }
Symbol bump(Symbol x) { return exp(-x * x); }
Symbol absolute(Symbol t, Symbol p) { return abs(t - p); }
Symbol quadratic(Symbol t, Symbol p) { return square(t - p); }
Symbol penalty(Symbol w) { return sum(w * w); }
Symbol other_penalty(Symbol w) { return sum(abs(w)); }
Symbol halved(Symbol w) { return w * 0.5; }
Tensor halves(const Shape& shape, DType dtype) { return Tensor::full(dtype, shape, 0.5); }
Tensor thirds(const Shape& shape, DType dtype) { return Tensor::full(dtype, shape, 1.0 / 3); }

class OwnNames : public ::testing::Test {
 protected:
  void SetUp() override { clear_session(); }
  static Model chain(const DenseOptions& first, const DenseOptions& second) {
    const auto x = Input(3);
    return Model(x, Dense(2, second)(Dense(4, first)(x)));
  }
  static Model two_outputs() {
    const auto x = Input(3);
    return Model(x, {Dense(2, {.name = "a"})(x), Dense(2, {.name = "b"})(x)});
  }
  std::string refusal(const Model& model) const {
    const std::string text = error_of([&] { model.save(path); });
    // The architecture alone has the same functions, unless they are those of compile().
    EXPECT_EQ(error_of([&] { check_own_names(model); }) == "no error", text == "no error");
    EXPECT_EQ(error_of([&] { model.to_json(); }) == "no error", text == "no error");
    // What holds no names is written.
    model.save_weights(folder.file("m.weights.sinter"));
    model.export_inference(folder.file("i.sinter"));
    return text;
  }
  void expect_whole(const Model& model, const CustomObjects& objects) const {
    EXPECT_EQ(refusal(model), "no error");
    for (int i = 0; i < 2; ++i) {
      const Model loaded = load_model(path, {.custom_objects = objects});
      const std::vector<Tensor> expected = model.predict_all({x}), found = loaded.predict_all({x});
      ASSERT_EQ(found.size(), expected.size());
      for (size_t k = 0; k < found.size(); ++k) EXPECT_TRUE(found[k].identical(expected[k])) << k;
      EXPECT_EQ(refusal(loaded), "no error");  // and again
    }
  }
  TemporaryFolder folder;
  const std::string path = folder.file("m.sinter");
  const Tensor x = Tensor::full(float32, {4, 3}, 0.75);
};

TEST_F(OwnNames, TwoActivationsWithoutOneAreRefused) {
  const std::string text = refusal(chain({.activation = squared}, {.activation = bump}));
  const std::string place = "\\(own_names_test.cc:[0-9]+\\), given at own_names_test.cc:[0-9]+";
  EXPECT_THAT(text,
              MatchesRegex(".*own_names_test.cc:[0-9]+: two activations of your own were given "
                           "without a name, and a file would take one for the other: that of "
                           "Dense 'dense_1' " +
                           place + " and that of Dense 'dense' " + place + "\\. Give .*"));
  EXPECT_THAT(text, HasSubstr("ActivationFunction(\"mine\", f)"));
  const auto in = Input(3);
  // In layers whose settings are written when they are made, and in models inside.
  const Model inner(in, Activation(squared)(in));
  const auto out = Input(3);
  EXPECT_THAT(refusal(Model(out, Activation(bump)(inner(out)))), HasSubstr("two activations"));
  expect_whole(chain({.activation = ActivationFunction("sq", squared)},
                     {.activation = ActivationFunction("bump", bump)}),
               {{"sq", squared}, {"bump", bump}});
}

TEST_F(OwnNames, OneFunctionMayBeUsedOften) {
  const CustomObjects objects = {{"custom_activation", squared}};
  expect_whole(chain({.activation = squared}, {.activation = squared}), objects);
  const auto lambda = [](Symbol v) { return v * v; };
  expect_whole(chain({.activation = lambda}, {.activation = lambda}), objects);
  const int power = 2;
  const auto with_capture = [power](Symbol v) { return pow(v, power); };
  expect_whole(chain({.activation = with_capture}, {.activation = with_capture}),
               {{"custom_activation", with_capture}});
  // Nobody can say whether two copies of one std::function are one; one ActivationFunction is.
  const std::function<Symbol(Symbol)> standard = squared;
  EXPECT_THAT(refusal(chain({.activation = standard}, {.activation = standard})),
              HasSubstr("if they are one, make one such object for both"));
  const ActivationFunction one(standard);
  expect_whole(chain({.activation = one}, {.activation = one}), objects);
  // Captures that differ make two functions.
  const auto times = [](int k) { return [k](Symbol v) { return v * k; }; };
  EXPECT_THAT(refusal(chain({.activation = times(2)}, {.activation = times(3)})),
              HasSubstr("two activations"));
}

TEST_F(OwnNames, TwoLossesAndMetricsWithoutOneAreRefused) {
  const Model model = two_outputs();
  model.compile({.loss = {absolute, quadratic}});
  EXPECT_THAT(refusal(model), AllOf(HasSubstr("two losses of your own were given without a name"),
                                    HasSubstr("that of loss[0], given at own_names_test.cc:"),
                                    HasSubstr("and that of loss[1], given at own_names_test.cc:"),
                                    HasSubstr("Loss(\"mine\", f)")));
  model.save(path, {.include_optimizer = false});  // which holds no losses
  EXPECT_FALSE(load_model(path).is_compiled());
  model.compile({.loss = {{"a", absolute}, {"b", quadratic}}});
  EXPECT_THAT(refusal(model), AllOf(HasSubstr("loss of output 'a'"), HasSubstr("output 'b'")));
  model.compile({.loss = {absolute, absolute}});
  EXPECT_EQ(refusal(model), "no error");
  model.compile({.loss = absolute});
  EXPECT_EQ(refusal(model), "no error");
  model.compile({.loss = {Loss("abs", absolute), Loss("sq", quadratic)}});
  expect_whole(model, {{"abs", absolute}, {"sq", quadratic}});

  const auto in = Input(3);
  const Model one(in, Dense(2)(in));
  one.compile({.loss = "mse", .metrics = {absolute, quadratic}});
  EXPECT_THAT(refusal(one), AllOf(HasSubstr("two metrics of your own"), HasSubstr("metrics[1]"),
                                  HasSubstr("Metric(\"mine\", f)")));
  one.compile({.loss = absolute, .metrics = {quadratic}});  // of a name each
  EXPECT_EQ(refusal(one), "no error");
  one.compile({.loss = absolute, .metrics = {Metric(Loss(quadratic))}});
  EXPECT_THAT(refusal(one), HasSubstr("two"));
}

TEST_F(OwnNames, TwoRegularizersConstraintsAndInitializersWithoutOneAreRefused) {
  EXPECT_THAT(refusal(chain({.kernel_regularizer = penalty}, {.bias_regularizer = other_penalty})),
              HasSubstr("two regularizers of your own"));
  EXPECT_THAT(
      refusal(chain({.kernel_regularizer = penalty, .activity_regularizer = other_penalty}, {})),
      HasSubstr("two regularizers of your own"));
  EXPECT_THAT(refusal(chain({.kernel_constraint = halved}, {.kernel_constraint = bump})),
              HasSubstr("two constraints of your own"));
  EXPECT_THAT(refusal(chain({.kernel_initializer = halves}, {.kernel_initializer = thirds})),
              HasSubstr("two initializers of your own"));
  expect_whole(
      chain({.kernel_initializer = halves,
             .kernel_regularizer = penalty,
             .kernel_constraint = halved},
            {.kernel_initializer = halves, .bias_regularizer = penalty, .bias_constraint = halved}),
      {{"custom_initializer", halves},
       {"custom_regularizer", penalty},
       {"custom_constraint", halved}});
  // Keras's own, with settings of their own, are no functions of the user's.
  EXPECT_EQ(refusal(chain(
                {.kernel_regularizer = L2(0.1), .kernel_constraint = MaxNorm()},
                {.kernel_regularizer = L2(0.2), .kernel_constraint = MaxNorm({.max_value = 3})})),
            "no error");
}

TEST_F(OwnNames, TwoFunctionsOfLambdasWithoutOneAreRefused) {
  const auto nested = [](const Lambda& layer) {
    const auto in = Input(3);
    return Model(in, layer(in));
  };
  const auto both = [&](const Lambda& a, const Lambda& b) {
    const auto in = Input(3);
    return Model(in, nested(a)(nested(b)(in)));
  };
  const LambdaOptions named_layer{.name = "lambda"};
  EXPECT_THAT(refusal(both(Lambda(squared, named_layer), Lambda(bump, named_layer))),
              HasSubstr("two functions of Lambda layers of your own are named 'lambda'"));
  expect_whole(both(Lambda(squared, named_layer), Lambda(squared, named_layer)),
               {{"lambda", squared}});
  const Lambda first(squared), second(bump);
  expect_whole(both(first, second), {{"lambda", squared}, {"lambda_1", bump}});
}

TEST_F(OwnNames, TwoOfOneNameAreRefused) {
  EXPECT_THAT(refusal(chain({.activation = ActivationFunction("f", squared)},
                            {.activation = ActivationFunction("f", bump)})),
              AllOf(HasSubstr("two activations of your own are named 'f'"),
                    HasSubstr("Give each a name of its own")));
  const auto weighted = [](std::vector<double> weights) {  // that are equal, who knows?
    return Loss("weighted", [weights](Symbol t, Symbol p) { return weights[0] * square(t - p); });
  };
  const Model model = two_outputs();
  model.compile({.loss = {weighted({2}), weighted({2})}});
  EXPECT_EQ(refusal(model), "no error");
  model.compile({.loss = {Loss("f", absolute), Loss("f", quadratic)}});
  EXPECT_THAT(refusal(model), HasSubstr("two losses of your own are named 'f'"));
}

class One : public LayerImpl {
 public:
  explicit One(const std::string& class_name) : LayerImpl(class_name, "", {}) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext&, std::span<const Symbol> inputs) override {
    return {inputs[0] + 1.0};
  }
};
class Two : public One {
 public:
  using One::One;
};

TEST_F(OwnNames, TwoLayerClassesOfOneNameAreRefused) {
  const auto in = Input(3);
  const auto h = Layer(std::make_shared<One>("tests>Plus"))(in);
  EXPECT_EQ(refusal(Model(in, Layer(std::make_shared<One>("tests>Plus"))(h))), "no error");
  EXPECT_THAT(refusal(Model(in, Layer(std::make_shared<Two>("tests>Plus"))(h))),
              HasSubstr("two classes of layers are named 'tests>Plus'"));
}

TEST_F(OwnNames, ThatKerasHasAreWarnedOf) {
  const auto warnings = [&](const Model& model) {
    ::testing::internal::CaptureStderr();
    model.save(path);
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(warnings(chain({.activation = ActivationFunction("tanh", squared)}, {})),
              HasSubstr("the activation 'tanh' is a function of your own with a name of Keras's"));
  EXPECT_THAT(warnings(chain({.kernel_regularizer = Regularizer("l2", penalty)}, {})),
              HasSubstr("the regularizer 'l2'"));
  EXPECT_THAT(warnings(chain({.kernel_constraint = Constraint("non_neg", halved)}, {})),
              HasSubstr("the constraint 'non_neg'"));
  EXPECT_THAT(warnings(chain({.kernel_initializer = Initializer("ones", halves)}, {})),
              HasSubstr("the initializer 'ones'"));
  // Yours is found first where it is given.
  EXPECT_EQ(load_model(path, {.custom_objects = {{"ones", halves}}}).layers().size(), 3u);
  const Model model = chain({}, {});
  model.compile({.loss = Loss("mse", absolute), .metrics = {Metric("accuracy", quadratic)}});
  EXPECT_THAT(warnings(model), AllOf(HasSubstr("the loss 'mse'"), HasSubstr("metric 'accuracy'")));
  const auto in = Input(3);
  EXPECT_THAT(warnings(Model(in, Layer(std::make_shared<One>("Flatten"))(in))),
              HasSubstr("'Flatten' is a class of your own with a name of Keras's"));
  model.compile({.optimizer = SGD(LearningRate("CosineDecay", squared)), .loss = "mse"});
  EXPECT_THAT(warnings(model), HasSubstr("the learning rate schedule 'CosineDecay'"));
  model.compile({.optimizer = SGD(CosineDecay({})), .loss = "mse", .metrics = {"accuracy", "mae"}});
  EXPECT_EQ(warnings(model), "");
}

TEST_F(OwnNames, AreCheckedBeforeACheckpointedTrainingBegins) {
  const Sequential model({Dense(4, squared), Dense(2, bump)});  // built by fit()
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor y = Tensor::full(float32, {4, 2}, 1);
  int epochs = 0;
  const LambdaCallback count({.on_epoch_begin = [&](int, Logs&) { ++epochs; }});
  const std::string text = error_of([&] {
    model.fit(x, y, {.epochs = 3, .verbose = 0, .callbacks = {count, ModelCheckpoint(path)}});
  });
  EXPECT_THAT(text, AllOf(HasSubstr("ModelCheckpoint (own_names_test.cc:"),
                          HasSubstr("two activations of your own")));
  EXPECT_EQ(epochs, 0);
  EXPECT_EQ(model.optimizer().iterations(), 0);
  const ModelCheckpoint weights(folder.file("c.weights.sinter"), {.save_weights_only = true});
  model.fit(x, y, {.epochs = 1, .verbose = 0, .callbacks = {weights}});
  EXPECT_EQ(model.optimizer().iterations(), 1);
}

// Each of one class, whose name with its package is another than Keras's.
class Slow : public OptimizerImpl {
 public:
  explicit Slow(std::string class_name = "mine>SGD")
      : OptimizerImpl(std::move(class_name), 0.01, {}) {}
  static Optimizer make(const Config&) { return Optimizer(std::make_shared<Slow>()); }

 protected:
  std::vector<std::vector<Slot>> slots() const override { return {}; }
  void own_config(Config&) const override {}
  Symbol rule(StepContext& step, size_t, Symbol w, Symbol g) override {
    return w - 0.001 * step.lr * g;
  }
};

TEST_F(OwnNames, OfOptimizersKeepTheirPackage) {
  const Model model = chain({}, {});
  model.compile({.optimizer = Optimizer(std::make_shared<Slow>()), .loss = "mse"});
  model.save(path);
  EXPECT_THAT(error_of([&] { load_model(path); }), HasSubstr("unknown optimizer 'mine>SGD'"));
  register_optimizer("mine>SGD", Slow::make);
  EXPECT_NE(dynamic_cast<Slow*>(&load_model(path).optimizer().impl()), nullptr);
  const auto old = Optimizer::from_config(ConfigObject{"keras.optimizers", "Custom>SGD", {}});
  EXPECT_EQ(old.impl().class_name(), "SGD");
  model.compile({.optimizer = Optimizer(std::make_shared<Slow>("Adam")), .loss = "mse"});
  ::testing::internal::CaptureStderr();
  model.save(path);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("the optimizer 'Adam' is of a class of your own"));
}

}  // namespace
}  // namespace sinter::testing

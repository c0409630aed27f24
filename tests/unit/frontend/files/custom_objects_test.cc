// Objects of the user's own for one load: what is loaded keeps them, nothing else finds them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <string>
#include <thread>

#include "frontend/custom_object_scope.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

Symbol plus_one(Symbol x) { return x + 1.0; }
Symbol times_hundred(Symbol x) { return x * 100.0; }
Symbol scalar_penalty(Symbol w) { return sum(w * w); }
Tensor halves(const Shape& shape, DType dtype) { return Tensor::full(dtype, shape, 0.5); }
Symbol own_error(Symbol t, Symbol p) { return abs(t - p); }
Symbol own_rate(Symbol step) { return 0.5 / (1.0 + step); }

// Its activation is a setting, found by name when it is made.
class Own : public LayerImpl {
 public:
  Own(const Config& config, SourceLocation where)
      : LayerImpl("tests>Own", config.get_string("name", ""), where),
        activation_(ActivationFunction::from_config(config.get("activation"))) {}
  Config config() const override {
    return base_config().set("activation", activation_.to_config());
  }
  std::vector<Symbol> call(CallContext&, std::span<const Symbol> inputs) override {
    return {activation_(inputs[0])};
  }

 private:
  ActivationFunction activation_;
};
Layer own_layer(const Config& config, SourceLocation where) {
  return Layer(std::make_shared<Own>(config, where));
}

class CustomObjectsOfALoad : public ::testing::Test {
 protected:
  void SetUp() override { clear_session(); }
  static Model of(const Layer& layer) {
    const auto in = Input(2);
    return Model(in, layer(in));
  }
  static double value(const Model& model) {
    return model.predict(Tensor::full(float32, {1, 2}, 3)).at(0);
  }
  TemporaryFolder folder;
  const std::string a = folder.file("a.sinter"), b = folder.file("b.sinter");
};

TEST_F(CustomObjectsOfALoad, AreNotFoundByOtherFiles) {
  of(Lambda(plus_one, {.name = "lambda"})).save(a);
  of(Lambda(times_hundred, {.name = "lambda"})).save(b);
  const Model first = load_model(a, {.custom_objects = {{"lambda", plus_one}}});
  EXPECT_THAT(error_of<NameError>([&] { load_model(b); }), HasSubstr("'lambda'"));
  const Model second = load_model(b, {.custom_objects = {{"lambda", times_hundred}}});
  EXPECT_EQ(value(first), 4);
  EXPECT_EQ(value(second), 300);
  EXPECT_EQ(value(clone_model(first)), 4);
  first.save(b);
  EXPECT_EQ(value(load_model(b, {.custom_objects = {{"lambda", plus_one}}})), 4);
}

TEST_F(CustomObjectsOfALoad, OfEveryKindHoldForItAlone) {
  const CustomObjects objects = {{"scope_act", plus_one},       {"scope_init", halves},
                                 {"scope_reg", scalar_penalty}, {"scope_con", plus_one},
                                 {"scope_loss", own_error},     {"scope_metric", own_error},
                                 {"scope_rate", own_rate},      {"tests>Own", own_layer}};
  const Dense dense(2, {.activation = ActivationFunction("scope_act", plus_one),
                        .kernel_initializer = Initializer("scope_init", halves),
                        .kernel_regularizer = Regularizer("scope_reg", scalar_penalty),
                        .kernel_constraint = Constraint("scope_con", plus_one)});
  const auto in = Input(2);
  const Model model(in, own_layer({{"activation", "relu"}}, SourceLocation::current())(dense(in)));
  model.compile({.optimizer = SGD(LearningRate("scope_rate", own_rate)),
                 .loss = Loss("scope_loss", own_error),
                 .metrics = {Metric("scope_metric", own_error)}});
  model.save(a);
  const std::string json = model.to_json();
  const Model loaded = load_model(a, {.custom_objects = objects});
  const Model parsed = model_from_json(json, {.custom_objects = objects});
  EXPECT_EQ(parsed.get_weights()[0].at(0), 0.5);
  EXPECT_THROW(load_model(a), NameError);
  EXPECT_THROW(model_from_json(json), NameError);
  EXPECT_THROW(ActivationFunction("scope_act"), NameError);
  EXPECT_THROW(Initializer("scope_init"), NameError);
  EXPECT_THROW(Regularizer("scope_reg"), NameError);
  EXPECT_THROW(Constraint("scope_con"), NameError);
  EXPECT_THROW(Loss("scope_loss"), NameError);
  EXPECT_THROW(Metric("scope_metric"), NameError);
  EXPECT_THROW(LearningRate::from_config(ConfigObject{"", "scope_rate", {}}, 0), NameError);
  EXPECT_THROW(layer_from_config("tests>Own", {}), NameError);
  // What was loaded goes on.
  const Tensor x = Tensor::full(float32, {4, 2}, 0.5), y = Tensor::full(float32, {4, 2}, 9);
  for (int step = 0; step < 2; ++step)
    EXPECT_EQ(loaded.train_on_batch(x, y).loss(), model.train_on_batch(x, y).loss());
  const Model clone = clone_model(loaded);
  EXPECT_EQ(clone.get_weights()[0].at(0), 0.5);
  clone.set_weights(loaded.get_weights());
  EXPECT_TRUE(clone.predict(x).identical(loaded.predict(x)));
  loaded.save(b);
  EXPECT_TRUE(load_model(b, {.custom_objects = objects}).predict(x).identical(model.predict(x)));
}

TEST_F(CustomObjectsOfALoad, AreClonedWithALayerOfTheirs) {
  register_activation("scope_two", plus_one);
  of(own_layer({{"activation", "scope_two"}}, SourceLocation::current())).save(a);
  // This load takes another one by that name.
  const Model loaded =
      load_model(a, {.custom_objects = {{"scope_two", times_hundred}, {"tests>Own", own_layer}}});
  EXPECT_EQ(value(loaded), 300);
  EXPECT_EQ(value(clone_model(loaded)), 300);
  EXPECT_EQ(value(clone_model(clone_model(loaded))), 300);
  EXPECT_EQ(value(load_model(a, {.custom_objects = {{"tests>Own", own_layer}}})), 4);
}

TEST_F(CustomObjectsOfALoad, AreThoseOfScopesAroundIt) {
  of(Lambda(plus_one, {.name = "outer"})).save(a);
  of(Lambda(plus_one, {.name = "inner"})).save(b);
  {
    const CustomObjectScope scope({{"outer", times_hundred}, {"inner", times_hundred}});
    EXPECT_EQ(value(load_model(a, {.custom_objects = {{"inner", plus_one}}})), 300);
    EXPECT_EQ(value(load_model(b, {.custom_objects = {{"inner", plus_one}}})), 4);
    EXPECT_EQ(value(load_model(b)), 300);
    std::string in_another_thread;
    std::thread([&] { in_another_thread = error_of([&] { load_model(a); }); }).join();
    EXPECT_THAT(in_another_thread, HasSubstr("'outer'"));
  }
  EXPECT_THROW(load_model(a), NameError);
}

TEST_F(CustomObjectsOfALoad, EndWithOneThatFails) {
  const auto in = Input(2);
  Model(in, Lambda(plus_one, {.name = "known"})(Lambda(plus_one, {.name = "unknown"})(in))).save(a);
  EXPECT_THROW(load_model(a, {.custom_objects = {{"known", plus_one}}}), NameError);
  EXPECT_EQ(current_custom_objects(), nullptr);
}

}  // namespace
}  // namespace sinter::testing

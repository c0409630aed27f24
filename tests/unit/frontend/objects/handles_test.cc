// Handles that were moved from, empty ones and symbols of other graphs: the same object or an
// error, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "core/error.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

// Copies are the same object, and so is what was moved from.
TEST(Handles, WhatWasMovedFromIsStillTheSame) {
  clear_session();
  KerasTensor x = Input({4});
  const KerasTensor y = std::move(x);
  EXPECT_EQ(x.shape(), y.shape());
  Layer layer = Dense(3);
  const Layer same_layer = std::move(layer);
  EXPECT_EQ(layer.name(), same_layer.name());
  Model model(x, layer(x));
  Model same_model = std::move(model);
  EXPECT_EQ(model.name(), same_model.name());
  EXPECT_EQ(model.predict(Tensor(float32, {2, 4})).shape(), (Shape{2, 3}));
  same_model = std::move(model);
  model.compile({.loss = "mse"});
  EXPECT_TRUE(same_model.is_compiled());
  Optimizer optimizer = Adam(0.5);
  const Optimizer same_optimizer = std::move(optimizer);
  optimizer.set_learning_rate(0.25);
  EXPECT_EQ(same_optimizer.learning_rate(), 0.25);
  EarlyStopping stopping({.monitor = "loss"});
  const EarlyStopping same_stopping = std::move(stopping);
  EXPECT_EQ(stopping.stopped_epoch(), 0);
  Loss loss = "mse";
  const Loss same_loss = std::move(loss);
  EXPECT_EQ(loss.name(), same_loss.name());
  Sequential chain({Input({2}), Dense(1)});
  const Sequential same_chain = std::move(chain);
  EXPECT_EQ(chain.count_params(), same_chain.count_params());
}

TEST(Handles, EmptyOnesRaiseErrors) {
  EXPECT_THROW((void)Loss().name(), Error);
  EXPECT_THROW((void)Loss().reduction(), Error);
}

// As a member of a class is, before it is assigned one.
TEST(Handles, AModelMayComeLater) {
  clear_session();
  Model model;
  const Tensor x(float32, {2, 4});
  EXPECT_THROW((void)model.name(), Error);
  EXPECT_THROW((void)model.predict(x), Error);
  EXPECT_THROW((void)model.fit(x, x), Error);
  EXPECT_THROW(model.compile({.loss = "mse"}), Error);
  EXPECT_THROW(model.save("/nowhere"), Error);
  EXPECT_THROW((void)model(Input(4)), Error);
  EXPECT_THROW((void)Sequential({model}), Error);
  EXPECT_THROW((void)clone_model(model), Error);
  EXPECT_THROW((void)model.is_compiled(), Error);
  EXPECT_THROW(model.summary(), Error);
  EXPECT_THROW(model.set_stop_training(true), Error);
  EXPECT_THROW((void)model.inputs(), Error);
  EXPECT_THROW((void)model.as_layer(), Error);
  EXPECT_THROW((void)model.trainable(), Error);
  model = Sequential({Input(4), Dense(1)});
  EXPECT_EQ(model.predict(x).shape(), (Shape{2, 1}));
}

// A symbol of one call of a function, used in the next: its graph is another one, or gone.
TEST(Handles, ASymbolThatWasKeptIsAnError) {
  clear_session();
  const auto error_of = [](auto&& loss) -> std::string {
    const KerasTensor in = Input({4});
    const Model m(in, Dense(2)(in));
    try {
      m.compile({.loss = loss});
      const Tensor x(float32, {8, 4}), y(float32, {8, 2});
      m.fit(x, y, {.verbose = 0});
      m.evaluate(x, y, {.verbose = 0});
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  Symbol saved;
  const std::string used = error_of([&](Symbol t, Symbol p) {
    if (saved.valid()) return mean(square(saved - p), {-1});
    saved = t;
    return mean(square(t - p), {-1});
  });
  EXPECT_THAT(used, ::testing::AnyOf(HasSubstr("after its graph was gone"),
                                     HasSubstr("two different graphs")));
  Symbol result;
  const std::string returned = error_of([&](Symbol t, Symbol p) {
    if (!result.valid()) result = mean(square(t - p), {-1});
    return result;
  });
  EXPECT_THAT(returned,
              ::testing::AnyOf(HasSubstr("after its graph was gone"), HasSubstr("another graph"),
                               HasSubstr("two different graphs")));
  EXPECT_THAT(error_of([](Symbol, Symbol) { return Symbol(); }), HasSubstr("empty"));
}

// A layer that keeps the variable's symbol of the first graph it was written into.
TEST(Handles, ALayerThatKeepsASymbolIsAnError) {
  class Keeps final : public LayerImpl {
   public:
    Keeps() : LayerImpl("Keeps", "", SourceLocation::current()) {}
    Config config() const override { return base_config(); }
    std::vector<Symbol> call(CallContext&, std::span<const Symbol> x) override {
      if (!kept.valid()) kept = x[0] * 2.0;
      return {kept};
    }
    Symbol kept;
  };
  clear_session();
  const KerasTensor in = Input({4});
  try {
    const Model m(in, Layer(std::make_shared<Keeps>())(in));
    m.predict(Tensor(float32, {2, 4}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                ::testing::AnyOf(HasSubstr("after its graph was gone"), HasSubstr("another graph"),
                                 HasSubstr("two different graphs")));
  }
}

}  // namespace
}  // namespace sinter

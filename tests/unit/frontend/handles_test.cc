// Handles that were moved from, and empty ones: the same object or an error, never a crash.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "core/error.h"

namespace sinter {
namespace {

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

}  // namespace
}  // namespace sinter

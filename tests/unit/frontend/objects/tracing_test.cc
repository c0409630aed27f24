// The user's code is traced while a model makes a program: it may use that model, but not what it
// is part of.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

namespace sinter {
namespace {

class Tracing : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }
  const Tensor x = Tensor::full(float32, {8, 3}, 0.5), y = Tensor::full(float32, {8, 2}, 0.25);
};

TEST_F(Tracing, ALossMayPredict) {
  const KerasTensor in = Input({3});
  const Model model(in, Dense(2)(in));
  int predictions = 0;
  model.compile({.loss = Loss("own", [&](Symbol t, Symbol p) {
                   predictions += model.predict(x).shape()[0] == 8 ? 1 : 0;
                   return mean(square(t - p), {-1});
                 })});
  model.fit(x, y, {.verbose = 0});
  EXPECT_GT(predictions, 0);
}

TEST_F(Tracing, WhatIsTracedCannotAskForItself) {
  const Model* self = nullptr;
  const KerasTensor in = Input({3});
  const KerasTensor h = Lambda([&](Symbol s) {
    if (self != nullptr) self->predict(x);
    return s * 2.0;
  })(in);
  const Model model(in, Dense(2)(h));
  model.compile({.loss = "mse"});
  self = &model;
  EXPECT_THROW(model.predict(x), Error);
  EXPECT_THROW(model.fit(x, y, {.verbose = 0}), Error);
  self = nullptr;
  EXPECT_EQ(model.predict(x).shape()[0], 8);
}

}  // namespace
}  // namespace sinter

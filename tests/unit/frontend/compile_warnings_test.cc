// Combinations that train, but hardly as meant, are warned of once, with the line.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <functional>
#include <limits>
#include <memory>

namespace sinter {
namespace {

Tensor some(Shape shape) { return Tensor::full(DType::kFloat32, shape, 0.5); }

// What is written to the error stream meanwhile.
template <typename F>
std::string warned(F f) {
  ::testing::internal::CaptureStderr();
  f();
  return ::testing::internal::GetCapturedStderr();
}

class CompileWarnings : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }
  KerasTensor x = Input(4);
};

TEST_F(CompileWarnings, LossWithoutGradient) {
  const Model model(x, Dense(2)(x));
  const auto fit = [&](const Loss& loss) {
    return warned([&] {
      model.compile({.loss = loss});
      model.fit(some({3, 4}), some({3, 2}), {.verbose = 0});
    });
  };
  const Loss flat("flat", [](Symbol t, Symbol p) {
    return mean(cast(equal(t, cast(p > 0.5, DType::kFloat32)), DType::kFloat32), -1);
  });
  const std::string text = fit(flat);
  EXPECT_NE(text.find("sinter: compile_warnings_test.cc:"), std::string::npos) << text;
  EXPECT_NE(text.find("loss 'flat' has no gradient"), std::string::npos) << text;
  const Loss rounded("rounded", [](Symbol t, Symbol p) { return mean(square(t - round(p)), -1); });
  EXPECT_NE(fit(rounded).find("loss 'rounded' has no gradient"), std::string::npos);
  const Loss best(
      "best", [](Symbol t, Symbol p) { return mean(t, -1) - cast(argmax(p), DType::kFloat32); });
  EXPECT_NE(fit(best).find("loss 'best' has no gradient"), std::string::npos);
  const Loss both("both",
                  [](Symbol t, Symbol p) { return mean(abs(t - p) * cast(p > t, p.dtype()), -1); });
  EXPECT_EQ(fit(both), "");
  EXPECT_EQ(fit("mse"), "");
  model.set_trainable(false);
  const Loss frozen("frozen", [](Symbol t, Symbol p) { return mean(round(t - p), -1); });
  EXPECT_EQ(fit(frozen).find("loss 'frozen'"), std::string::npos);  // nothing is to be trained
}

TEST_F(CompileWarnings, ToldOnce) {
  const Model model(x, Dense(2)(x));
  const auto train = [&] {
    for (int i = 0; i < 2; ++i) {
      model.compile(
          {.loss = Loss("once", [](Symbol t, Symbol p) { return mean(sign(t - p), -1); })});
      model.fit(some({3, 4}), some({3, 2}), {.verbose = 0});
    }
  };
  const std::string text = warned(train);
  EXPECT_EQ(text.find("once"), text.rfind("once")) << text;
  EXPECT_EQ(warned(train), "");
}

TEST_F(CompileWarnings, SoftmaxOnOneUnit) {
  for (const auto& make : std::vector<std::function<void()>>{
           [&] { Dense(1, {.activation = "softmax", .name = "one"})(x); },
           [&] { Softmax(-1, {.name = "layer"})(Dense(1)(x)); },
           [&] { Activation("softmax", {.name = "activation"})(Dense(1)(x)); },
           [&] { softmax(Dense(1)(x)); }}) {
    const std::string text = warned(make);
    EXPECT_NE(text.find("(compile_warnings_test.cc:"), std::string::npos) << text;
    EXPECT_NE(text.find("softmax over one value is always 1"), std::string::npos) << text;
  }
  EXPECT_EQ(warned([&] { Dense(2, "softmax")(x); }), "");
}

TEST_F(CompileWarnings, CrossEntropyOfOneUnit) {
  const auto compile = [&](const Loss& loss, int64_t units, ActivationFunction activation) {
    clear_session();
    const Model model(x, Dense(units, {.activation = activation, .name = "out"})(x));
    return warned([&] { model.compile({.loss = loss}); });
  };
  const std::string text = compile("categorical_crossentropy", 1, "sigmoid");
  EXPECT_NE(text.find("compile_warnings_test.cc:"), std::string::npos) << text;
  EXPECT_NE(text.find("'out' (compile_warnings_test.cc:"), std::string::npos) << text;
  EXPECT_NE(text.find("use 'binary_crossentropy'"), std::string::npos) << text;
  EXPECT_EQ(compile("binary_crossentropy", 1, "sigmoid"), "");
  EXPECT_EQ(compile("categorical_crossentropy", 2, "softmax"), "");
  EXPECT_NE(compile(losses::CategoricalCrossentropy({.from_logits = true}), 3, "softmax")
                .find("comes from a softmax"),
            std::string::npos);
  EXPECT_NE(compile(losses::BinaryCrossentropy({.from_logits = true}), 3, "sigmoid")
                .find("comes from a sigmoid"),
            std::string::npos);
  EXPECT_EQ(compile(losses::CategoricalCrossentropy({.from_logits = true}), 3, "linear"), "");
}

TEST_F(CompileWarnings, LabelsThatAreNoProbabilities) {
  const auto fit = [&](const Loss& loss, const Tensor& y) {
    clear_session();
    const Model model(x, Dense(1, {.activation = "sigmoid", .name = "out"})(x));
    model.compile({.loss = loss});
    return warned([&] {
      model.fit(some({3, 4}), y, {.verbose = 0});
      model.fit(some({3, 4}), y, {.verbose = 0});
    });
  };
  const std::string text = fit("bce", Tensor::from({{1}, {0}, {-1}}));
  EXPECT_NE(text.find("compile_warnings_test.cc:"), std::string::npos) << text;
  EXPECT_NE(text.find("y holds -1 (row 2), but 'binary_crossentropy' at output 'out' takes labels"),
            std::string::npos)
      << text;
  for (const Loss& loss : {Loss("binary_crossentropy"), Loss(losses::BinaryFocalCrossentropy())}) {
    EXPECT_NE(fit(loss, Tensor::from({1., 2., 0.})).find("holds 2 (row 1)"), std::string::npos);
    EXPECT_EQ(fit(loss, Tensor::from({{1.f}, {0.f}, {0.25f}})), "");
    EXPECT_EQ(fit(loss, Tensor::from({3}, std::vector<bool>{true, false, true})), "");
  }
  EXPECT_EQ(fit("hinge", Tensor::from({{1}, {-1}, {-1}})), "");
}

TEST_F(CompileWarnings, CrossEntropyOfOtherNumbersThanProbabilities) {
  const auto compile = [&](const Loss& loss, int64_t units, ActivationFunction activation) {
    clear_session();
    const Model model(x, Dense(units, {.activation = activation, .name = "raw"})(x));
    return warned([&] { model.compile({.loss = loss}); });
  };
  const std::string text = compile("categorical_crossentropy", 3, "linear");
  EXPECT_NE(text.find("compile_warnings_test.cc:"), std::string::npos) << text;
  EXPECT_NE(text.find("end the model with softmax, or give the loss as an object with "
                      "from_logits = true"),
            std::string::npos)
      << text;
  EXPECT_EQ(compile("categorical_crossentropy", 3, "linear"), "");  // once
  EXPECT_NE(compile("binary_crossentropy", 1, "linear").find("with sigmoid"), std::string::npos);
  EXPECT_NE(compile("sparse_categorical_crossentropy", 3, "relu").find("comes from 'relu'"),
            std::string::npos);
  for (const char* fine : {"softmax", "sigmoid", "hard_sigmoid", "exponential"})
    EXPECT_EQ(compile("categorical_crossentropy", 3, fine), "") << fine;
  EXPECT_EQ(compile(losses::CategoricalCrossentropy({.from_logits = true}), 3, "linear"), "");
  EXPECT_EQ(compile("mse", 3, "linear"), "");
  EXPECT_EQ(compile("hinge", 1, "tanh"), "");
}

// The GAN of books on Keras 2: compile D, freeze it, compile the whole.
TEST_F(CompileWarnings, NothingToTrain) {
  const KerasTensor z = Input({2}), x = Input({1});
  const Model g(z, Dense(1)(z), "generator"), d(x, Dense(1)(x), "frozen_discriminator");
  d.compile({.loss = "mse"});
  d.set_trainable(false);
  const Model whole(z, d(g(z)), "whole");
  whole.compile({.loss = "mse"});
  const Tensor two = Tensor::full(float32, {4, 2}, 1), one = Tensor::full(float32, {4, 1}, 1);
  const auto told = [](const auto& train) {
    testing::internal::CaptureStderr();
    train();
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(told([&] { whole.train_on_batch(two, one); }), "");
  EXPECT_EQ(told([&] { d.test_on_batch(one, one); }), "");
  const std::string text = told([&] { d.train_on_batch(one, one); });
  EXPECT_NE(text.find("compile_warnings_test.cc:"), std::string::npos) << text;
  EXPECT_NE(text.find("model 'frozen_discriminator' has no trainable weights"), std::string::npos)
      << text;
  EXPECT_EQ(told([&] { d.train_on_batch(one, one); }), "");
  const Model m(x, Dense(1)(x), "frozen_whole");
  m.set_trainable(false);
  m.compile({.loss = "mse"});
  const auto fit = [&] { m.fit(one, one, {.verbose = 0}); };
  EXPECT_NE(told(fit).find("model 'frozen_whole' has no trainable"), std::string::npos);
}

TEST_F(CompileWarnings, DataThatRunOut) {
  const Model model(x, Dense(2)(x));
  model.compile({.optimizer = SGD(0.0), .loss = "mse"});
  const auto fit = [&](const FitOptions& options) {
    return warned([&] { model.fit(some({6, 4}), some({6, 2}), options); });
  };
  EXPECT_EQ(fit({.epochs = 2, .batch_size = 2, .verbose = 0, .steps_per_epoch = 3}), "");
  EXPECT_EQ(fit({.epochs = 3, .batch_size = 2, .verbose = 0, .steps_per_epoch = 1}), "");
  const std::string text = fit({.epochs = 2, .batch_size = 2, .verbose = 0, .steps_per_epoch = 2});
  EXPECT_NE(text.find("compile_warnings_test.cc:"), std::string::npos) << text;
  EXPECT_NE(text.find("ran out after 1 of the 2 batches of epoch 2 (6 rows in batches of 2 are 3)"),
            std::string::npos)
      << text;
  const auto evaluate = [&](int64_t steps) {
    return warned([&] {
      model.evaluate(some({6, 4}), some({6, 2}), {.batch_size = 4, .verbose = 0, .steps = steps});
    });
  };
  EXPECT_EQ(evaluate(2), "");
  EXPECT_NE(evaluate(3).find("6 rows in batches of 4 are 2"), std::string::npos);
}

TEST_F(CompileWarnings, InfinitiesThatSpoilTheLoss) {
  const Model model(x, Dense(2)(x));
  model.compile({.loss = "mse"});
  const float inf = std::numeric_limits<float>::infinity();
  Tensor rows = some({6, 4}), labels = some({6, 2});
  rows = rows.clone();
  rows.set(9, -inf);
  const std::string text = warned([&] { model.fit(rows, labels, {.epochs = 3, .verbose = 0}); });
  EXPECT_NE(text.find("x holds -inf (row 2, element 1 of the row)"), std::string::npos) << text;
  EXPECT_EQ(text.find("x holds"), text.rfind("x holds")) << text;
  labels = labels.clone();
  labels.set(3, inf);
  EXPECT_NE(warned([&] {
              model.fit(some({6, 4}), labels, {.verbose = 0});
            }).find("y holds inf"),
            std::string::npos);
}

// A loss is part of what its model holds, so one that holds the model keeps both for ever.
TEST_F(CompileWarnings, WhatCapturesItsOwnModel) {
  const auto compiled = [&](auto&& arguments_of) {
    std::weak_ptr<ModelState> state;
    const std::string text = warned([&] {
      const Model model(x, Dense(2)(x)), other(x, Dense(2)(x));
      state = model.state();
      const CompileArguments arguments = arguments_of(model, other);
      for (int i = 0; i < 2; ++i) model.compile(arguments);
    });
    EXPECT_EQ(text.empty(), state.expired()) << text;
    // The leak of a test that leaks on purpose ends here.
    if (const auto left = state.lock()) Model(left).compile({.loss = "mse"});
    EXPECT_TRUE(state.expired());
    return text;
  };
  const auto penalty = [](const Model& m, Symbol p) {
    return 0.1 * static_cast<double>(m.count_params()) * mean(p, -1);
  };
  const std::string text = compiled([&](const Model& model, const Model&) {
    return CompileArguments{
        .loss = Loss("mine", [=](Symbol t, Symbol p) { return t * 0.0 + penalty(model, p); })};
  });
  EXPECT_NE(text.find("sinter: compile_warnings_test.cc:"), std::string::npos) << text;
  EXPECT_NE(text.find("loss 'mine' has captured the model that it is compiled into"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("captured"), text.rfind("captured")) << text;
  EXPECT_NE(compiled([&](const Model& model, const Model&) {
              return CompileArguments{
                  .loss = "mse",
                  .metrics = {Metric("own", [=](Symbol, Symbol p) { return penalty(model, p); })}};
            }).find("metric 'own' has captured"),
            std::string::npos);
  EXPECT_NE(compiled([&](const Model& model, const Model&) {
              return CompileArguments{
                  .optimizer = SGD(LearningRate("own",
                                                [=](Symbol step) {
                                                  return 1.0 / (step + static_cast<double>(
                                                                           model.count_params()));
                                                })),
                  .loss = "mse"};
            }).find("schedule has captured"),
            std::string::npos);
  EXPECT_EQ(
      compiled([&](const Model& model, const Model& other) {
        return CompileArguments{.loss = Loss("fine", [&model, other, penalty](Symbol t, Symbol p) {
                                  return t * 0.0 + penalty(other, p);
                                })};
      }),
      "");
}

}  // namespace
}  // namespace sinter

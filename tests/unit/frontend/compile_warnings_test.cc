// Combinations that train, but hardly as meant, are warned of once, with the line.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <functional>

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
  EXPECT_EQ(fit(frozen), "");  // nothing is to be trained
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

}  // namespace
}  // namespace sinter

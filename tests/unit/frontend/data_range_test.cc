// Whole numbers that do not fit: labels keep theirs, inputs that cannot are refused, class weights
// meet only the classes they name.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <limits>
#include <string>

#include "runtime/load.h"
#include "tests/support/error_of.h"

namespace sinter {
namespace {

class DataRange : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    clear_session();
    set_backend(GetParam());
  }
  void TearDown() override { set_backend("auto"); }

  /// Predicts 0 until it is trained.
  static Model zeros(double learning_rate) {
    const KerasTensor x = Input(1);
    Model model(x, Dense(1, {.use_bias = true, .kernel_initializer = "zeros"})(x));
    model.compile({.optimizer = SGD(learning_rate), .loss = "mae"});
    return model;
  }
};

const Tensor kOnes = Tensor::full(DType::kFloat32, {2, 1}, 1);

TEST_P(DataRange, LabelsBeyondInt32KeepTheirValue) {
  const int64_t huge = int64_t{1} << 32;
  for (const int64_t label : {int64_t{3'000'000'000}, huge, -huge, int64_t{7}}) {
    const Tensor y = Tensor::from<int64_t>({2, 1}, {label, label});
    EXPECT_FLOAT_EQ(zeros(0).evaluate(kOnes, y, {.verbose = 0}).loss(),
                    std::abs(static_cast<double>(label)));
    // The gradient of |y - p| is a sign: 2^32 in int32 would be 0, and have none.
    const Model model = zeros(0.25);
    model.fit(kOnes, y, {.epochs = 1, .verbose = 0});
    EXPECT_EQ(model.get_weights()[1].at(0), label > 0 ? 0.25 : -0.25) << label;
    EXPECT_EQ(
        model.train_on_batch(kOnes, y).loss(),
        zeros(0).train_on_batch(kOnes, y.cast(DType::kFloat64)).loss() - (label == 7 ? 0.5 : 0))
        << label;
  }
}

TEST_P(DataRange, InputsThatTheirDTypeDoesNotHoldAreRefused) {
  const auto of = [](DType dtype) {
    const KerasTensor x = Input({1}, {.dtype = dtype});
    Model model(x, Lambda([](Symbol s) { return cast(s, DType::kFloat32); })(x));
    model.compile({.loss = "mae"});
    return model;
  };
  const auto refusal = [&](DType dtype, const Tensor& x) {
    const Model model = of(dtype);
    const std::string predicted = testing::error_of([&] { model.predict(x, {.verbose = 0}); });
    const std::string evaluated = testing::error_of([&] { model.evaluate(x, x, {.verbose = 0}); });
    EXPECT_EQ(predicted == "no error", evaluated == "no error");
    return predicted;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto floats = [](double v) { return Tensor::from<double>({2, 1}, {1, v}); };
  EXPECT_NE(refusal(DType::kInt32, Tensor::from<int64_t>({2, 1}, {1, 3'000'000'000}))
                .find("x holds 3000000000 (element 1), but input 'input_layer"),
            std::string::npos);
  EXPECT_NE(refusal(DType::kUint8, Tensor::from<int32_t>({2, 1}, {1, 256})), "no error");
  EXPECT_NE(refusal(DType::kUint8, Tensor::from<int32_t>({2, 1}, {1, -1})), "no error");
  EXPECT_NE(refusal(DType::kInt64, floats(0x1p63)), "no error");
  EXPECT_NE(refusal(DType::kInt32, floats(1e30)), "no error");
  EXPECT_NE(refusal(DType::kInt32, floats(nan)), "no error");
  EXPECT_EQ(refusal(DType::kUint8, Tensor::from<int32_t>({2, 1}, {0, 255})), "no error");
  EXPECT_EQ(refusal(DType::kInt32, floats(-2147483648.0)), "no error");
  EXPECT_EQ(refusal(DType::kInt64, floats(-0x1p63)), "no error");
  EXPECT_EQ(refusal(DType::kBool, floats(7)), "no error");
}

TEST_P(DataRange, ClassWeightsMeetOnlyTheirClasses) {
  for (const float label : {4294967296.f, 1e30f, -1e30f, 2147483648.f}) {
    const Tensor y = Tensor::from<float>({2, 1}, {label, label});
    const Model model = zeros(0);
    const History history =
        model.fit(kOnes, y, {.epochs = 1, .verbose = 0, .class_weight = {{0, 5.0}}});
    EXPECT_FLOAT_EQ(history.history.at("loss")[0], std::abs(label));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, DataRange, ::testing::ValuesIn(backend_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sinter

// Constraints after an update, top-k accuracies, and the loss that chooses by shape.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>

namespace sinter {
namespace {

class Constraints : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }

  // One step of rate 0 from the kernel (3, -4): what is left is what the constraint does.
  static Tensor constrained(const Constraint& constraint) {
    auto x = Input({2});
    const Model model(x, Dense(1, {.use_bias = false, .kernel_constraint = constraint})(x));
    model.set_weights({Tensor::from<float>({2, 1}, std::vector<float>{3, -4})});
    model.compile({.optimizer = SGD(0.0), .loss = "mse"});
    model.train_on_batch(Tensor(DType::kFloat32, {1, 2}), Tensor(DType::kFloat32, {1, 1}));
    return model.get_weights()[0];
  }
};

TEST_F(Constraints, FollowTheirFormulas) {
  const auto expect = [](const Tensor& w, double a, double b) {
    EXPECT_NEAR(w.at(0), a, 1e-5);
    EXPECT_NEAR(w.at(1), b, 1e-5);
  };
  expect(constrained(MaxNorm({.max_value = 2.0})), 1.2, -1.6);
  expect(constrained(MaxNorm({.max_value = 7.0})), 3, -4);
  expect(constrained(NonNeg()), 3, 0);
  expect(constrained("unit_norm"), 0.6, -0.8);
  // Norm 5, clipped to 1 by half: 0.5 * 1 + 0.5 * 5 = 3.
  expect(constrained(MinMaxNorm({.rate = 0.5})), 1.8, -2.4);
  for (const char* name : {"max_norm", "non_neg", "unit_norm", "min_max_norm"}) {
    const Constraint c(name);
    EXPECT_EQ(Constraint::from_config(c.to_config()).to_config(), c.to_config());
  }
}

// What cannot be saved and loaded again is refused where it is made.
TEST_F(Constraints, NormsNeedAnAxis) {
  EXPECT_THROW(MaxNorm({.axis = {}}), Error);
  EXPECT_THROW(UnitNorm({.axis = {}}), Error);
  EXPECT_THROW(MinMaxNorm({.axis = {}}), Error);
  EXPECT_THROW(Constraint::from_config(
                   ConfigObject{"keras.constraints", "UnitNorm", {{"axis", ConfigList()}}}),
               Error);
}

TEST_F(Constraints, TopKCountsTiesAsIn) {
  auto x = Input({4});
  const Model model(x, Activation("linear")(x));
  model.compile(
      {.optimizer = "sgd", .loss = "mse", .metrics = {metrics::TopKCategoricalAccuracy({.k = 2})}});
  const Tensor scores =
      Tensor::from<float>({3, 4}, std::vector<float>{4, 3, 2, 1, 4, 3, 3, 1, 4, 4, 4, 1});
  const Tensor labels = Tensor::from<int32_t>({3}, std::vector<int32_t>{2, 2, 2});
  const Evaluation e = model.evaluate(scores, to_categorical(labels, 4), {.verbose = 0});
  EXPECT_NEAR(e["top_k_categorical_accuracy"], 2.0 / 3, 1e-6);
}

TEST_F(Constraints, CrossentropyChoosesByShape) {
  auto x = Input({4});
  const Model model(x, Dense(3, {.activation = "softmax"})(x));
  const Tensor data = Tensor::full(DType::kFloat32, {6, 4}, 0.3);
  const Tensor labels = Tensor::from<int32_t>({6}, std::vector<int32_t>{0, 1, 2, 0, 1, 2});
  model.compile({.optimizer = "sgd", .loss = "crossentropy"});
  const double sparse = model.evaluate(data, labels, {.verbose = 0}).loss();
  EXPECT_NEAR(sparse, model.evaluate(data, to_categorical(labels), {.verbose = 0}).loss(), 1e-6);
  EXPECT_GT(sparse, 0.5);
}

}  // namespace
}  // namespace sinter

// loss_weights in order and by the names of outputs.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "frontend/interop/json.h"
#include "frontend/interop/keras_compile.h"

namespace sinter {
namespace {

class LossWeightsTest : public ::testing::Test {
 protected:
  // The loss of all-zero weights against labels of 1 and 2: 1 w_a + 4 w_b.
  double loss(LossWeights weights) const {
    model.compile({.loss = "mse", .loss_weights = std::move(weights)});
    const Tensor x(DType::kFloat32, {2, 3});
    return model
        .evaluate(
            x, {Tensor::full(DType::kFloat32, {2, 1}, 1), Tensor::full(DType::kFloat32, {2, 1}, 2)},
            {.verbose = 0})
        .loss();
  }
  KerasTensor x = Input(3);
  Model model = Model(x, {Dense(1, {.kernel_initializer = "zeros", .name = "a"})(x),
                          Dense(1, {.kernel_initializer = "zeros", .name = "b"})(x)});
};

TEST_F(LossWeightsTest, Forms) {
  EXPECT_EQ(loss({}), 5);
  EXPECT_EQ(loss({0.5, 0.25}), 1.5);
  EXPECT_EQ(loss({1, 0}), 1);
  EXPECT_EQ(loss({{"b", 0.5}}), 3);
  EXPECT_EQ(loss({{"b", 0.5}, {"a", 2}}), 4);
  EXPECT_EQ(loss(std::vector<double>{0.5, 0.25}), 1.5);
  EXPECT_EQ(loss(std::map<std::string, double>{{"a", 0.5}}), 4.5);
}

TEST(LossWeights, OneOutputHasANumber) {
  clear_session();
  const KerasTensor x = Input(3);
  const Model model(x, Dense(1, {.kernel_initializer = "zeros"})(x));
  const auto loss = [&] {
    return model.evaluate(Tensor(float32, {2, 3}), Tensor::full(float32, {2, 1}, 2), {.verbose = 0})
        .loss();
  };
  model.compile({.loss = "mse", .loss_weights = 0.5});
  EXPECT_EQ(loss(), 2);
  model.compile({.loss = "mse", .loss_weights = 3});
  EXPECT_EQ(loss(), 12);
  model.compile(compile_arguments_from_config(
      parse_json(R"({"loss": "mse", "loss_weights": 0.25})", "json")));
  EXPECT_EQ(loss(), 1);
  EXPECT_THROW(model.compile({.loss = "mse", .loss_weights = {1, 2}}), Error);
}

TEST_F(LossWeightsTest, Errors) {
  EXPECT_THROW(loss(0.5), Error);
  EXPECT_THROW(loss({0.5}), Error);
  EXPECT_THROW(loss({1, 1, 1}), Error);
  EXPECT_THROW(loss({{"c", 0.5}}), NameError);
  EXPECT_THROW(loss({{"a", 0.5}, {"a", 1}}), Error);
  EXPECT_THROW(loss({{"a", std::numeric_limits<double>::quiet_NaN()}}), Error);
}

TEST_F(LossWeightsTest, AreStored) {
  for (const LossWeights& weights : {LossWeights{{"b", 0.5}}, LossWeights{1, 0.5}, LossWeights{}}) {
    const double before = loss(weights);
    const Config stored = compile_arguments_to_config(model.compile_arguments());
    model.compile(compile_arguments_from_config(parse_json(to_json_text(stored), "json")));
    EXPECT_EQ(loss(model.compile_arguments().loss_weights), before);
    EXPECT_EQ(compile_arguments_to_config(model.compile_arguments()).get("loss_weights"),
              stored.get("loss_weights"));
  }
}

}  // namespace
}  // namespace sinter

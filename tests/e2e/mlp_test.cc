// The whole road: a perceptron described, compiled, trained and evaluated on real images.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

namespace sinter {
namespace {

Model digits_model() {
  const auto x = Input({64});
  auto h = Dense(64, {.activation = "relu"})(x);
  const auto y = Dense(10, {.activation = softmax})(h);
  return Model(x, y);
}

TEST(Mlp, LearnsDigits) {
  clear_session();
  const auto [train, test] = datasets::digits();
  const Model model = digits_model();
  model.compile({.optimizer = Adam(1e-2), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  const History history = model.fit(train.x, train.y, {.epochs = 8, .batch_size = 64, .verbose = 0});
  ASSERT_EQ(history.epoch.size(), 8u);
  EXPECT_LT(history["loss"].back(), history["loss"].front());
  EXPECT_GT(history["accuracy"].back(), 0.97);
  const Evaluation result = model.evaluate(test.x, test.y, {.verbose = 0});
  EXPECT_GT(result["accuracy"], 0.9);
  const Tensor p = model.predict(test.x);
  EXPECT_EQ(p.shape(), (Shape{360, 10}));
}

}  // namespace
}  // namespace sinter

// Random layers draw the same in the same model, whatever the process has made before it.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>

namespace sinter {
namespace {

Tensor numbers(Shape shape) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 7) % 11) - 5.0f;
  return Tensor::from(std::move(shape), values);
}

Model make_model() {
  auto x = Input({12});
  auto h = Dropout(0.3)(Dense(8, "tanh")(x));
  h = GaussianNoise(0.1)(h);
  return Model(x, Dense(1)(Dropout(0.5)(h)));
}

Tensor weights_after_training(Model model) {
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(numbers({40, 12}), numbers({40, 1}), {.epochs = 2, .batch_size = 16, .verbose = 0});
  return model.get_weights()[0];
}

bool same(const Tensor& a, const Tensor& b) {
  return std::ranges::equal(a.data<float>(), b.data<float>());
}

TEST(DropoutOfModels, IsTheSameForTheSameSeedAndModel) {
  set_random_seed(3);
  const Tensor first = weights_after_training(make_model());
  Dropout(0.5);  // counts in the automatic names
  set_random_seed(3);
  const Tensor second = weights_after_training(make_model());
  EXPECT_TRUE(same(first, second));
  set_random_seed(4);
  EXPECT_FALSE(same(first, weights_after_training(make_model())));
  set_random_seed(0);
}

TEST(DropoutOfModels, OfRateOneLetsNothingThrough) {
  auto x = Input({12});
  Model model(x, Dropout(1)(Dense(3)(x)));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor before = model.get_weights()[0].clone();
  EXPECT_EQ(model.train_on_batch(numbers({5, 12}), Tensor(DType::kFloat32, {5, 3}))["loss"], 0);
  EXPECT_TRUE(same(model.get_weights()[0], before));
  const Tensor y = model.predict(numbers({5, 12}));
  EXPECT_FALSE(same(y, Tensor(DType::kFloat32, {5, 3})));
}

TEST(DropoutOfModels, IsTheSameForALoadedModel) {
  set_random_seed(3);
  const Tensor first = weights_after_training(make_model());
  const std::string json = make_model().to_json();  // with names that others have not
  set_random_seed(3);
  EXPECT_TRUE(same(first, weights_after_training(model_from_json(json))));
  set_random_seed(0);
}

}  // namespace
}  // namespace sinter

// Normalization: statistics of data, over any axes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>

#include "tests/support/error_of.h"

namespace sinter {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

class Normalizing : public ::testing::Test {
 protected:
  void SetUp() override { clear_session(); }
};

void expect_values(const Tensor& x, const std::vector<double>& wanted) {
  ASSERT_EQ(x.elements(), static_cast<int64_t>(wanted.size()));
  for (int64_t i = 0; i < x.elements(); ++i)
    EXPECT_NEAR(x.at(i), wanted[static_cast<size_t>(i)], 1e-6) << i;
}

TEST_F(Normalizing, AdaptsToEachFeature) {
  const Tensor x = Tensor::from<float>({4, 2}, {1, 10, 2, 10, 3, 30, 6, 30});
  const Normalization layer;
  layer.adapt(x);
  const auto weights = layer.get_weights();
  ASSERT_EQ(weights.size(), 3u);  // mean, variance, count
  expect_values(weights[0], {3, 20});
  expect_values(weights[1], {3.5, 100});
  EXPECT_TRUE(layer.trainable_variables().empty());
  const auto in = Input({2});
  const double r = std::sqrt(3.5);
  expect_values(Model(in, layer(in)).predict(x), {-2 / r, -1, -1 / r, -1, 0, 1, 3 / r, 1});
  // Another adapt counts at once; programs that were compiled see it.
  const Model model(in, layer(in));
  model.predict(x);
  layer.adapt(Tensor::from<float>({2, 2}, {0, 0, 2, 4}));
  expect_values(model.predict(Tensor::from<float>({1, 2}, {3, 6})), {2, 2});
}

TEST_F(Normalizing, RefusesWhatWouldMakeEveryRowNaN) {
  const Normalization layer({.name = "n"});
  const auto adapt = [&](float value) {
    return error_of([&] { layer.adapt(Tensor::from<float>({2, 2}, {1, 2, 3, value})); });
  };
  EXPECT_THAT(adapt(std::nanf("")),
              HasSubstr("adapt() takes finite numbers, but the data hold NaN (row 1, element 1 of "
                        "the row); remove or fill such rows first"));
  EXPECT_THAT(adapt(-INFINITY), HasSubstr("hold -inf (row 1, element 1 of the row)"));
  EXPECT_EQ(adapt(4), "no error");
}

// As in Keras 3.15.1, whose gamma of axes 1 and -1 has the last dimension first; the values are the
// formula's in float64.
TEST_F(Normalizing, LayerNormalizationSortsAxesAsTheyAreGiven) {
  Tensor x(DType::kFloat32, {2, 3, 4}), gamma(DType::kFloat32, {4, 3});
  for (int64_t i = 0; i < 24; ++i) x.set(i, std::pow(static_cast<double>(i), 1.5));
  for (int64_t i = 0; i < 12; ++i) gamma.set(i, static_cast<double>(i));
  for (const Axes& axis : {Axes({1, -1}), Axes({-1, 1})}) {
    const auto in = Input({3, 4});
    const LayerNormalization layer({.axis = axis});
    const Model model(in, layer(in));
    layer.set_weights({gamma, Tensor(DType::kFloat32, {4, 3})});
    const Tensor y = model.predict(x);
    const double wanted[] = {0, -1.2678107, -2.0257844, -2.2460967, -1.9021827, -0.9685867};
    for (int64_t i = 0; i < 6; ++i) EXPECT_NEAR(y.at(12 + i), wanted[i], 2e-6) << i;
  }
}

TEST_F(Normalizing, OverAxesAndAll) {
  const Tensor x = Tensor::from<float>({2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const Normalization rows({.axis = 1}), each({.axis = {2, 1}}), all({.axis = {}});
  rows.adapt(x);
  expect_values(rows.get_weights()[0], {4, 7});
  expect_values(rows.get_weights()[1], {9 + 2.0 / 3, 9 + 2.0 / 3});
  each.adapt(x);
  EXPECT_EQ(each.get_weights()[0].shape(), (Shape{2, 3}));
  expect_values(each.get_weights()[0], {3, 4, 5, 6, 7, 8});
  expect_values(each.get_weights()[1], {9, 9, 9, 9, 9, 9});
  all.adapt(x);
  EXPECT_EQ(all.get_weights()[0].shape(), Shape());
  expect_values(all.get_weights()[0], {5.5});
  // Integers, too, and a feature that does not vary.
  const Normalization pixels;
  const Tensor bytes = Tensor::from<uint8_t>({2, 2}, {0, 7, 200, 7});
  pixels.adapt(bytes);
  const auto in = Input({2}, {.dtype = DType::kUint8});
  expect_values(Model(in, pixels(in)).predict(bytes), {-1, 0, 1, 0});
}

TEST_F(Normalizing, InvertsWhatItDid) {
  const Tensor mean = Tensor::from<double>({1, 2}), variance = Tensor::from<double>({4, 9});
  const Normalization there({.mean = mean, .variance = variance});
  const Normalization back({.mean = mean, .variance = variance, .invert = true});
  const auto in = Input({2});
  const Tensor x = Tensor::from<float>({2, 2}, {3, 5, -1, 2});
  expect_values(Model(in, there(in)).predict(x), {1, 1, -1, 0});
  expect_values(Model(in, back(there(in))).predict(x), {3, 5, -1, 2});
  EXPECT_TRUE(there.variables().empty());
  // One for all, and one for each of the last axis beside an axis that has none of its own.
  const Tensor one = Tensor::full(float64, {}, 2);
  const auto image = Input({2, 2});
  const Tensor pixels = Tensor::from<float>({1, 2, 2}, {4, 2, 0, 2});
  expect_values(
      Model(image, Normalization({.mean = one, .variance = Tensor::full(float64, {}, 4)})(image))
          .predict(pixels),
      {1, 0, -1, 0});
  expect_values(
      Model(image, Normalization({.axis = {1, 2}, .mean = mean, .variance = variance})(image))
          .predict(pixels),
      {1.5, 0, -0.5, 0});
}

TEST_F(Normalizing, IsSavedWithItsModel) {
  const Tensor x = Tensor::from<float>({4, 2}, {1, 10, 2, 10, 3, 30, 6, 30});
  const Normalization layer({.axis = {-1}, .name = "scale"});
  layer.adapt(x);
  const auto in = Input({2});
  const Model model(in, layer(in));
  const std::string path = ::testing::TempDir() + "normalization_test.sinter";
  model.save(path);
  const Tensor wanted = model.predict(x), got = load_model(path).predict(x);
  for (int64_t i = 0; i < wanted.elements(); ++i) EXPECT_EQ(got.at(i), wanted.at(i));
  const Normalization given(
      {.mean = Tensor::from<double>({1, 2}), .variance = Tensor::from<double>({4, 9})});
  const Model fixed(in, given(in));
  const Model again = model_from_json(fixed.to_json());
  EXPECT_EQ(again.to_json(), fixed.to_json());
}

}  // namespace
}  // namespace sinter

// Layers that change images at random in training: what they may make of an image, how often, and
// that in inference they do nothing.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <functional>
#include <set>

namespace sinter {
namespace {

class RandomImages : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(1);
  }
};

Tensor called(const Layer& layer, const Tensor& x, bool training = true) {
  const CompiledFunction function(
      [layer](CallContext& context, Symbol s) { return layer(context, s); },
      {.training = training});
  return function(x);
}

// Elements 0, 1, 2, ... of [batch, rows, columns, channels]; all images alike.
Tensor images(int64_t batch, int64_t rows, int64_t columns, int64_t channels) {
  Tensor x(float32, {batch, rows, columns, channels});
  const int64_t each = rows * columns * channels;
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i % each));
  return x;
}

double at(const Tensor& x, int64_t n, int64_t r, int64_t c, int64_t k) {
  const Shape& s = x.shape();
  return x.at(((n * s[1] + r) * s[2] + c) * s[3] + k);
}

void expect_near(const Tensor& y, const std::vector<double>& wanted, double tolerance = 1e-5) {
  ASSERT_EQ(y.elements(), static_cast<int64_t>(wanted.size()));
  for (int64_t i = 0; i < y.elements(); ++i)
    ASSERT_NEAR(y.at(i), wanted[static_cast<size_t>(i)], tolerance) << "element " << i;
}

TEST_F(RandomImages, FlipMirrorsHalfOfThem) {
  const Tensor x = images(400, 3, 4, 2);
  for (const char* mode : {"horizontal", "vertical", "horizontal_and_vertical"}) {
    SCOPED_TRACE(mode);
    const bool rows = std::string(mode) != "horizontal", columns = std::string(mode) != "vertical";
    const Tensor y = called(RandomFlip(mode), x);
    int mirrored = 0;
    for (int64_t n = 0; n < 400; ++n) {
      const bool flipped = at(y, n, 0, 0, 0) != 0;
      mirrored += flipped ? 1 : 0;
      for (int64_t r = 0; r < 3; ++r) {
        for (int64_t c = 0; c < 4; ++c) {
          for (int64_t k = 0; k < 2; ++k) {
            const double from =
                at(x, n, flipped && rows ? 2 - r : r, flipped && columns ? 3 - c : c, k);
            ASSERT_EQ(at(y, n, r, c, k), from) << n << " " << r << " " << c;
          }
        }
      }
    }
    EXPECT_NEAR(mirrored, 200, 50);  // five deviations
  }
  // Rows and columns of the other format.
  const Tensor first =
      called(RandomFlip("horizontal", {.data_format = "channels_first"}), images(50, 2, 1, 3));
  std::set<double> left;
  for (int64_t n = 0; n < 50; ++n) left.insert(at(first, n, 1, 0, 0));
  EXPECT_EQ(left, (std::set<double>{3, 5}));
}

TEST_F(RandomImages, CropTakesAnyPart) {
  const CompiledFunction crop(
      [layer = RandomCrop(2, 3)](CallContext& context, Symbol s) { return layer(context, s); });
  const Tensor x = images(3, 4, 5, 1);
  std::set<double> corners;
  for (int step = 0; step < 200; ++step) {
    const Tensor y = crop(x);
    ASSERT_EQ(y.shape(), (Shape{3, 2, 3, 1}));
    const double corner = y.at(0);
    corners.insert(corner);
    for (int64_t n = 0; n < 3; ++n) {
      for (int64_t r = 0; r < 2; ++r) {
        for (int64_t c = 0; c < 3; ++c)
          ASSERT_EQ(at(y, n, r, c, 0), corner + static_cast<double>(5 * r + c));
      }
    }
  }
  EXPECT_EQ(corners, (std::set<double>{0, 1, 2, 5, 6, 7, 10, 11, 12}));
  // In inference the largest part of 2 to 3, which is 3 rows, resized; and where an image is
  // smaller.
  expect_near(called(RandomCrop(2, 3), images(1, 4, 5, 1), false),
              {1.25 + 1. / 3, 3.25, 1.25 + 11. / 3, 8.75 + 1. / 3, 10.75, 8.75 + 11. / 3});
  for (const bool training : {false, true}) {
    expect_near(called(RandomCrop(2, 4), images(1, 1, 2, 1), training),
                {0, .25, .75, 1, 0, .25, .75, 1});
    expect_near(called(RandomCrop(4, 2), images(1, 4, 6, 1), training),
                {2, 3, 8, 9, 14, 15, 20, 21});
  }
}

TEST_F(RandomImages, ContrastStretchesAboutTheMean) {
  const Tensor x = images(300, 2, 2, 1);  // of mean 1.5
  const Tensor y = called(RandomContrast(0.5, {.value_range = {-9, 9}}), x);
  double low = 9, high = 0;
  for (int64_t n = 0; n < 300; ++n) {
    const double f = (y.at(4 * n) - 1.5) / -1.5;
    low = std::min(low, f), high = std::max(high, f);
    for (int64_t i = 0; i < 4; ++i)
      ASSERT_NEAR(y.at(4 * n + i), (static_cast<double>(i) - 1.5) * f + 1.5, 1e-5);
  }
  EXPECT_NEAR(low, 1, 0.02);
  EXPECT_NEAR(high, 1.5, 0.02);
  const Tensor pair = called(RandomContrast({0.5, 0.0}, {.value_range = {0, 2.5}}), x);
  for (int64_t i = 0; i < pair.elements(); ++i) {
    ASSERT_GE(pair.at(i), 0);
    ASSERT_LE(pair.at(i), 2.5);
  }
}

TEST_F(RandomImages, BrightnessAddsAShareOfTheRange) {
  const Tensor x = images(300, 2, 2, 1);
  const Tensor y = called(RandomBrightness(0.25, {.value_range = {-10, 10}}), x);
  double low = 9, high = -9;
  for (int64_t n = 0; n < 300; ++n) {
    const double d = y.at(4 * n);
    low = std::min(low, d), high = std::max(high, d);
    for (int64_t i = 0; i < 4; ++i) ASSERT_NEAR(y.at(4 * n + i), static_cast<double>(i) + d, 1e-5);
  }
  EXPECT_NEAR(low, -5, 0.2);
  EXPECT_NEAR(high, 5, 0.2);
  const Tensor cut = called(RandomBrightness({0.5, 0.5}, {.value_range = {2, 0}}), x);
  expect_near(cut.rows(0, 1), {1, 2, 2, 2});
}

// Of a factor whose bounds are one, the move is known.
TEST_F(RandomImages, TranslationMovesDownAndRight) {
  const Tensor x = images(2, 4, 1, 1);
  const auto moved = [&](double share, const char* fill_mode) {
    return called(RandomTranslation({share, share}, 0, {.fill_mode = fill_mode, .fill_value = 9}),
                  x)
        .rows(0, 1);
  };
  expect_near(moved(0.25, "constant"), {9, 0, 1, 2});
  expect_near(moved(0.5, "nearest"), {0, 0, 0, 1});
  expect_near(moved(0.5, "reflect"), {1, 0, 0, 1});
  expect_near(moved(0.5, "wrap"), {2, 3, 0, 1});
  expect_near(moved(-0.5, "reflect"), {2, 3, 3, 2});
  expect_near(moved(-1, "constant"), {9, 9, 9, 9});
  // Half an element: between two, of which one may lie outside.
  expect_near(moved(0.125, "constant"), {4.5, 0.5, 1.5, 2.5});
  const Tensor wide = images(1, 1, 4, 2);
  expect_near(called(RandomTranslation(0, {0.25, 0.25}, {.fill_mode = "wrap"}), wide),
              {6, 7, 0, 1, 2, 3, 4, 5});
  expect_near(
      called(RandomTranslation({0.125, 0.125}, 0, {.interpolation = "nearest"}), x).rows(0, 1),
      {0, 1, 2, 3});
}

TEST_F(RandomImages, TranslationsDiffer) {
  const Tensor y = called(RandomTranslation(0.5, 0, {.fill_mode = "constant", .fill_value = -1}),
                          images(200, 8, 1, 1));
  double low = 99, high = -99;
  for (int64_t n = 0; n < 200; ++n) {
    const double middle = 4 - at(y, n, 4, 0, 0);  // by how many rows, unless it has left
    if (at(y, n, 4, 0, 0) < 0) continue;
    low = std::min(low, middle), high = std::max(high, middle);
  }
  EXPECT_LT(low, -2.5);
  EXPECT_GT(high, 3.5);
}

TEST_F(RandomImages, ZoomStaysInTheMiddle) {
  const Tensor x = images(1, 5, 1, 1);
  const auto zoomed = [&](double share, RandomZoomOptions o = {}) {
    o.width_factor = 0.0;
    return called(RandomZoom({share, share}, o), x);
  };
  expect_near(zoomed(-0.5), {1, 1.5, 2, 2.5, 3});                      // in
  expect_near(zoomed(1, {.fill_mode = "constant"}), {0, 0, 2, 4, 0});  // out
  expect_near(zoomed(1, {.fill_mode = "nearest"}), {0, 0, 2, 4, 4});
  expect_near(zoomed(0), {0, 1, 2, 3, 4});
  // Both dimensions by one factor.
  const Tensor square = images(1, 3, 3, 1);
  expect_near(called(RandomZoom({-0.5, -0.5}), square), {2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6});
  const Tensor first = called(RandomZoom({-0.5, -0.5}, {.data_format = "channels_first"}),
                              square.reshaped({1, 1, 3, 3}));
  expect_near(first, {2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6});
}

TEST_F(RandomImages, RotationTurnsAboutTheMiddle) {
  const auto turned = [](double turns, const Tensor& x, RandomRotationOptions o = {}) {
    return called(RandomRotation({turns, turns}, o), x);
  };
  const Tensor x = images(1, 3, 3, 1);
  // Counter-clockwise: what stood right comes to the top.
  const std::vector<double> left = {2, 5, 8, 1, 4, 7, 0, 3, 6}, right = {6, 3, 0, 7, 4, 1, 8, 5, 2};
  for (const char* interpolation : {"bilinear", "nearest"}) {
    const RandomRotationOptions o{.interpolation = interpolation};
    expect_near(turned(0.25, x, o), left);
    expect_near(turned(-0.75, x, o), left);
    expect_near(turned(-0.25, x, o), right);
    expect_near(turned(0.5, x, o), {8, 7, 6, 5, 4, 3, 2, 1, 0});
    expect_near(turned(0, x, o), {0, 1, 2, 3, 4, 5, 6, 7, 8});
    expect_near(turned(1, x, o), {0, 1, 2, 3, 4, 5, 6, 7, 8});
  }
  // Rows that become columns: only the middle ones lie inside.
  const Tensor wide = images(1, 1, 3, 2);
  expect_near(turned(0.25, wide, {.fill_mode = "constant", .fill_value = 9}), {9, 9, 2, 3, 9, 9});
  expect_near(turned(0.25, wide, {.fill_mode = "nearest"}), {2, 3, 2, 3, 2, 3});
  expect_near(turned(0.25, wide, {.fill_mode = "wrap"}), {2, 3, 2, 3, 2, 3});
  // An eighth of a turn: the corners lie outside, beside the middle is what was above and beside.
  const double s = std::sqrt(0.5), near = 1 - s;
  const Tensor eighth = turned(0.125, x, {.fill_mode = "constant", .fill_value = -1});
  EXPECT_NEAR(eighth.at(4), 4, 1e-5);
  EXPECT_NEAR(eighth.at(1),
              (1 - near) * (1 - near) * 2 + near * (1 - near) * (1 + 5) + near * near * 4, 1e-5);
  expect_near(
      turned(0.25, images(1, 3, 3, 1).reshaped({1, 1, 3, 3}), {.data_format = "channels_first"}),
      left);
  expect_near(turned(0.3, Tensor::full(float32, {2, 1, 1, 2}, 7)), {7, 7, 7, 7});
  // Values that are no numbers, and those to fill with, stay where they are.
  const double nan = std::nan("");
  const Tensor filled =
      turned(0.25, wide, {.fill_mode = "constant", .interpolation = "nearest", .fill_value = nan});
  EXPECT_TRUE(std::isnan(filled.at(0)) && std::isnan(filled.at(5)));
  EXPECT_EQ(filled.at(2), 2);
  Tensor spotted = x.clone();
  spotted.set(2, nan);
  const Tensor spot = turned(0.25, spotted, {.interpolation = "nearest"});
  for (int64_t i = 0; i < 9; ++i) EXPECT_EQ(std::isnan(spot.at(i)), i == 0) << i;
}

const std::vector<std::function<Layer()>> kLayers = {
    [] { return RandomFlip(); },
    [] { return RandomContrast(0.5, {.value_range = {0, 255}}); },
    [] { return RandomBrightness(0.5); },
    [] { return RandomTranslation(0.3, 0.3); },
    [] { return RandomZoom(0.3); },
    [] { return RandomRotation(0.3); },
};

// Rows of pixels that are longer than a vector.
TEST_F(RandomImages, AreThoseOfTheReference) {
  const Tensor x = images(3, 4, 21, 3);
  for (const auto& make : kLayers) {
    const Layer layer = make();  // one, since its numbers depend on its name
    const auto by = [&](const std::string& backend) {
      set_random_seed(5);
      const CompiledFunction function(
          [layer](CallContext& context, Symbol s) { return layer(context, s); },
          {.training = true, .backend = backend});
      return function(x);
    };
    const Tensor compiled = by("auto"), expected = by("reference");
    for (int64_t i = 0; i < x.elements(); ++i)
      ASSERT_NEAR(compiled.at(i), expected.at(i), 1e-2) << i;
  }
}

TEST_F(RandomImages, DoNothingInInference) {
  const Tensor x = images(4, 3, 5, 2);
  for (const auto& make : kLayers) {
    const Layer layer = make();
    SCOPED_TRACE(layer.class_name());
    const Tensor y = called(layer, x, false);
    const auto in = Input({3, 5, 2});
    const Tensor predicted = Model(in, layer(in)).predict(x);
    const Tensor trained = called(layer, x);
    bool changed = false;
    for (int64_t i = 0; i < x.elements(); ++i) {
      ASSERT_EQ(y.at(i), x.at(i));
      ASSERT_EQ(predicted.at(i), x.at(i));
      changed = changed || trained.at(i) != x.at(i);
    }
    EXPECT_TRUE(changed);
  }
}

// Of no images, of images without channels and of images without rows or columns.
TEST_F(RandomImages, OfNothing) {
  for (const auto& make : kLayers) {
    const Layer layer = make();
    SCOPED_TRACE(layer.class_name());
    for (const Shape& shape :
         {Shape{0, 3, 5, 2}, Shape{4, 0, 5, 2}, Shape{4, 3, 0, 2}, Shape{4, 3, 5, 0}}) {
      SCOPED_TRACE(shape.to_string());
      for (const bool training : {true, false})
        EXPECT_EQ(called(layer, Tensor(float32, shape), training).shape(), shape);
      const CompiledFunction slope([layer](CallContext& context, Symbol x) {
        return gradients(sum(square(layer(context, x))), std::vector<Symbol>{x})[0];
      });
      EXPECT_EQ(slope(Tensor(float32, shape)).shape(), shape);
    }
  }
}

// Integers become the layer's dtype; what comes out is differentiable.
TEST_F(RandomImages, TakeIntegersAndTrain) {
  const auto in = Input({4, 4, 1});
  KerasTensor h = Dense(2)(in);
  for (const auto& make : kLayers) h = make()(h);
  const Model model(in, Dense(1)(Flatten()(h)));
  model.compile({.optimizer = SGD(1e-4), .loss = "mse"});
  const Tensor x = images(8, 4, 4, 1);
  const auto before = model.get_weights();
  model.fit(x, Tensor(float32, {8, 1}), {.epochs = 1, .verbose = 0});
  EXPECT_NE(before[0].at(0), model.get_weights()[0].at(0));
  EXPECT_EQ(called(RandomFlip(), x.cast(DType::kUint8)).dtype(), float32);
}

}  // namespace
}  // namespace sinter

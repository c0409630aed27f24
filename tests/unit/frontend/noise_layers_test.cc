// Layers that draw random numbers in training: what they draw has the moments that it should, is
// another in each step, call, layer and seed, and in inference they do nothing.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <functional>

namespace sinter {
namespace {

class NoiseLayers : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(1);
  }
};

struct Moments {
  double mean = 0, deviation = 0;
};

Moments moments(const Tensor& x) {
  const auto n = static_cast<double>(x.elements());
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < x.elements(); ++i) sum += x.at(i);
  for (int64_t i = 0; i < x.elements(); ++i) squares += std::pow(x.at(i) - sum / n, 2);
  return {sum / n, std::sqrt(squares / n)};
}

bool equal(const Tensor& a, const Tensor& b) {
  for (int64_t i = 0; i < a.elements(); ++i) {
    if (a.at(i) != b.at(i)) return false;
  }
  return true;
}

CompiledFunction calling(const Layer& layer, bool training = true) {
  return CompiledFunction([layer](CallContext& context, Symbol x) { return layer(context, x); },
                          {.training = training});
}

TEST_F(NoiseLayers, GaussianNoiseHasItsDeviation) {
  const Tensor x = Tensor::full(float32, {200, 500}, 3);
  const Moments m = moments(calling(GaussianNoise(0.25))(x));
  EXPECT_NEAR(m.mean, 3, 0.004);  // five standard errors
  EXPECT_NEAR(m.deviation, 0.25, 0.003);
}

// Normal and not merely of that deviation: what lies within one, two and three of them.
TEST_F(NoiseLayers, NoiseIsNormal) {
  const Tensor y = calling(GaussianNoise(1))(Tensor(float32, {200, 1000}));
  const double n = static_cast<double>(y.elements());
  for (const auto& [within, share] :
       {std::pair{1, 0.682689}, std::pair{2, 0.954500}, std::pair{3, 0.997300}}) {
    double count = 0;
    for (int64_t i = 0; i < y.elements(); ++i) count += std::abs(y.at(i)) < within ? 1 : 0;
    EXPECT_NEAR(count / n, share, 5 * std::sqrt(share * (1 - share) / n)) << within;
  }
}

TEST_F(NoiseLayers, GaussianDropoutHasThatOfDropout) {
  const Tensor x = Tensor::full(float32, {200, 500}, 2);
  const Moments m = moments(calling(GaussianDropout(0.2))(x));
  EXPECT_NEAR(m.mean, 2, 0.016);
  EXPECT_NEAR(m.deviation, 2 * std::sqrt(0.2 / 0.8), 0.012);
}

TEST_F(NoiseLayers, AlphaDropoutKeepsMeanAndVariance) {
  const Tensor normal = calling(GaussianNoise(1))(Tensor(float32, {200, 1000}));
  const Tensor y = calling(AlphaDropout(0.3))(normal);
  const Moments m = moments(y);
  EXPECT_NEAR(m.mean, 0, 0.012);
  EXPECT_NEAR(m.deviation, 1, 0.01);
  // What is dropped is one value, a (-1.758) + b.
  const double lowest = -1.7580993408473766, rate = 0.3;
  const double a = 1 / std::sqrt((1 - rate) * (1 + rate * lowest * lowest));
  const double dropped = a * lowest * (1 - rate);
  double count = 0;
  for (int64_t i = 0; i < y.elements(); ++i) count += std::abs(y.at(i) - dropped) < 1e-6 ? 1 : 0;
  EXPECT_NEAR(count / static_cast<double>(y.elements()), rate, 0.006);
}

// One mask for each channel of a sample, the same for all of its places.
TEST_F(NoiseLayers, SpatialDropoutDropsWholeChannels) {
  const auto check = [](const Layer& layer, const Shape& shape, int channel_axis) {
    SCOPED_TRACE(layer.class_name());
    const Tensor y = calling(layer)(Tensor::full(float32, shape, 1));
    const int64_t channels = shape[channel_axis];
    std::vector<double> seen(static_cast<size_t>(shape[0] * channels), -1);
    int64_t inner = 1;
    for (int d = channel_axis + 1; d < shape.rank(); ++d) inner *= shape[d];
    double dropped = 0;
    for (int64_t i = 0; i < y.elements(); ++i) {
      const int64_t sample = i / (y.elements() / shape[0]), channel = i / inner % channels;
      double& value = seen[static_cast<size_t>(sample * channels + channel)];
      if (value < 0) value = y.at(i);
      ASSERT_EQ(y.at(i), value) << i;
      ASSERT_TRUE(value == 0 || value == 2) << value;
      dropped += value == 0 ? 1 : 0;
    }
    EXPECT_NEAR(dropped / static_cast<double>(y.elements()), 0.5, 0.1);
  };
  check(SpatialDropout1D(0.5), {50, 4, 20}, 2);
  check(SpatialDropout2D(0.5), {50, 3, 2, 20}, 3);
  check(SpatialDropout2D(0.5, {.data_format = "channels_first"}), {50, 20, 3, 2}, 1);
  check(SpatialDropout3D(0.5), {50, 2, 3, 2, 20}, 4);
  check(SpatialDropout3D(0.5, {.data_format = "channels_first"}), {50, 20, 2, 3, 2}, 1);
}

TEST_F(NoiseLayers, AlphaDropoutSharesItsMaskByNoiseShape) {
  const Tensor y = calling(AlphaDropout(0.5, {.noise_shape = {kBatch, 1, 6}}))(
      Tensor::full(float32, {20, 5, 6}, 1));
  std::vector<double> first;
  for (int64_t s = 0; s < 20; ++s) {
    for (int64_t t = 0; t < 5; ++t) {
      for (int64_t c = 0; c < 6; ++c)
        ASSERT_EQ(y.at((s * 5 + t) * 6 + c), y.at(s * 5 * 6 + c)) << s << " " << t << " " << c;
    }
  }
  EXPECT_GT(moments(y).deviation, 0.1);
}

const std::vector<std::pair<const char*, std::function<Layer(std::optional<int64_t>)>>> kLayers = {
    {"GaussianNoise", [](auto seed) { return GaussianNoise(0.5, {.seed = seed, .name = "l"}); }},
    {"GaussianDropout",
     [](auto seed) { return GaussianDropout(0.5, {.seed = seed, .name = "l"}); }},
    {"AlphaDropout", [](auto seed) { return AlphaDropout(0.5, {.seed = seed, .name = "l"}); }},
    {"SpatialDropout1D",
     [](auto seed) { return SpatialDropout1D(0.5, {.seed = seed, .name = "l"}); }},
};

TEST_F(NoiseLayers, AreOthersInEachStepCallAndSeed) {
  const Tensor x = Tensor::full(float32, {20, 3, 30}, 1);
  for (const auto& [name, make] : kLayers) {
    SCOPED_TRACE(name);
    const Layer layer = make(std::nullopt), seeded = make(7);
    const auto once = [&](const Layer& l) {
      set_random_seed(5);
      return calling(l)(x);
    };
    const Tensor first = once(layer);
    EXPECT_TRUE(equal(first, once(layer)));
    EXPECT_FALSE(equal(first, once(seeded)));
    EXPECT_TRUE(equal(once(seeded), once(seeded)));
    set_random_seed(5);
    const CompiledFunction steps = calling(layer);
    EXPECT_FALSE(equal(steps(x), steps(x)));
    const CompiledFunction twice([&](CallContext& context, Symbol s) {
      const Symbol a = layer(context, s), b = layer(context, s);
      return std::vector<Symbol>{a, b};
    });
    const std::vector<Tensor> both = twice.call({x});
    EXPECT_FALSE(equal(both[0], both[1]));
  }
}

TEST_F(NoiseLayers, DoNothingInInference) {
  const Tensor x = calling(GaussianNoise(1))(Tensor(float32, {4, 3, 5}));
  for (const auto& [name, make] : kLayers) {
    SCOPED_TRACE(name);
    const Layer layer = make(std::nullopt);
    EXPECT_TRUE(equal(calling(layer, false)(x), x));
    const auto in = Input({3, 5});
    const Model model(in, layer(in));
    EXPECT_TRUE(equal(model.predict(x), x));
    model.compile({.optimizer = "sgd", .loss = "mse"});
    EXPECT_EQ(model.evaluate(x, x, {.verbose = 0})["loss"], 0);
  }
}

// A model trains with them: noise on the inputs of a linear model shrinks its weights.
TEST_F(NoiseLayers, TrainModels) {
  const auto in = Input({1});
  const Model model(in, Dense(1, {.use_bias = false})(GaussianNoise(1)(in)));
  model.compile({.optimizer = SGD(0.05), .loss = "mse"});
  const Tensor x = calling(GaussianNoise(1))(Tensor(float32, {2000, 1}));
  model.fit(x, x, {.epochs = 5, .batch_size = 50, .verbose = 0});
  EXPECT_NEAR(model.get_weights()[0].at(0), 0.5, 0.1);  // E x^2 / (E x^2 + 1)
}

}  // namespace
}  // namespace sinter

// The numbers that layers draw for images: uniform in their range, one for each image, others for
// each side, layer, step and seed; the same for any number of threads.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace sinter {
namespace {

using Numbers = std::vector<double>;

class RandomImageNumbers : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(7);
  }
  void TearDown() override { set_threads(1); }
};

constexpr int64_t kImages = 2000, kRows = 16, kColumns = 12;

// Two channels: the row and the column of an element.
Tensor places(int64_t images = kImages) {
  Tensor x(float32, {images, kRows, kColumns, 2});
  for (int64_t i = 0; i < x.elements() / 2; ++i) {
    x.set(2 * i, static_cast<double>(i / kColumns % kRows));
    x.set(2 * i + 1, static_cast<double>(i % kColumns));
  }
  return x;
}

CompiledFunction trained(const Layer& layer) {
  return CompiledFunction([layer](CallContext& context, Symbol s) { return layer(context, s); },
                          {.training = true});
}

// What channel k of each image has at a row and a column.
Numbers at(const Tensor& y, int64_t row, int64_t column, int64_t k) {
  Numbers result;
  for (int64_t n = 0; n < y.shape()[0]; ++n)
    result.push_back(y.at(((n * kRows + row) * kColumns + column) * 2 + k));
  return result;
}

Numbers each(Numbers numbers, const std::function<double(double)>& f) {
  for (double& v : numbers) v = f(v);
  return numbers;
}

double mean_of(const Numbers& v) {
  double sum = 0;
  for (const double x : v) sum += x;
  return sum / static_cast<double>(v.size());
}

double correlation(const Numbers& a, const Numbers& b) {
  const double ma = mean_of(a), mb = mean_of(b);
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return ab / std::sqrt(aa * bb);
}

// Mean and variance within five of their deviations (of a uniform distribution's fourth moment,
// 1/80 of its width to the fourth), all inside, and near both ends.
void expect_uniform(const Numbers& v, double low, double high) {
  const double width = high - low, n = static_cast<double>(v.size()), mean = mean_of(v);
  const double variance = mean_of(each(v, [&](double x) { return (x - mean) * (x - mean); }));
  EXPECT_NEAR(mean, (low + high) / 2, 5 * width / std::sqrt(12 * n));
  EXPECT_NEAR(variance, width * width / 12, 5 * width * width * std::sqrt(1. / 180 / n));
  EXPECT_GE(*std::min_element(v.begin(), v.end()), low - 1e-4);
  EXPECT_LE(*std::max_element(v.begin(), v.end()), high + 1e-4);
  EXPECT_LT(*std::min_element(v.begin(), v.end()), low + width / 50);
  EXPECT_GT(*std::max_element(v.begin(), v.end()), high - width / 50);
}

void expect_unrelated(const Numbers& a, const Numbers& b) {
  EXPECT_LT(std::abs(correlation(a, b)), 5 / std::sqrt(static_cast<double>(a.size())));
}

TEST_F(RandomImageNumbers, OfTranslations) {
  const Tensor y = trained(RandomTranslation(0.25, {-0.25, 0.5}))(places());
  // An element's own place has moved away: by 16 and 12 times the share.
  const Numbers down = each(at(y, 8, 6, 0), [](double v) { return (8 - v) / kRows; });
  expect_uniform(down, -0.25, 0.25);
  const Numbers right = each(at(y, 8, 6, 1), [](double v) { return (6 - v) / kColumns; });
  expect_uniform(right, -0.25, 0.5);
  expect_unrelated(down, right);
}

TEST_F(RandomImageNumbers, OfZooms) {
  const auto of = [](double middle, double place) {
    return [=](double v) { return (v - middle) / (place - middle); };
  };
  const Tensor y = trained(RandomZoom(0.5, {.width_factor = {{-0.25, 0.5}}}))(places());
  const Numbers rows = each(at(y, 10, 8, 0), of(7.5, 10));
  const Numbers columns = each(at(y, 10, 8, 1), of(5.5, 8));
  expect_uniform(rows, 0.5, 1.5);
  expect_uniform(columns, 0.75, 1.5);
  expect_unrelated(rows, columns);
  const Tensor both = trained(RandomZoom({-0.25, 0.5}))(places());
  const Numbers height = each(at(both, 10, 8, 0), of(7.5, 10));
  const Numbers width = each(at(both, 10, 8, 1), of(5.5, 8));
  expect_uniform(height, 0.75, 1.5);
  for (size_t i = 0; i < height.size(); ++i) ASSERT_NEAR(height[i], width[i], 1e-5);
}

TEST_F(RandomImageNumbers, OfRotations) {
  // From where an element right of the middle came: (row, column) - middle = 1.5 (sin, cos).
  const Tensor y = trained(RandomRotation({-0.125, 0.2}, {.fill_mode = "nearest"}))(places());
  const Numbers up = at(y, 7, 7, 0), across = at(y, 7, 7, 1);
  Numbers turns;
  for (size_t i = 0; i < up.size(); ++i) {
    // Of the element half a row above and 1.5 columns right of the middle.
    const double from = std::atan2(up[i] - 7.5, across[i] - 5.5) - std::atan2(-0.5, 1.5);
    turns.push_back(from / (2 * M_PI));
  }
  expect_uniform(turns, -0.125, 0.2);
}

TEST_F(RandomImageNumbers, OfColors) {
  const Tensor y = trained(RandomBrightness({-0.25, 0.4}, {.value_range = {-100, 100}}))(places());
  expect_uniform(each(at(y, 3, 4, 0), [](double v) { return (v - 3) / 200; }), -0.25, 0.4);
  const Tensor z = trained(RandomContrast({0.25, 0.5}, {.value_range = {-100, 100}}))(places());
  expect_uniform(each(at(z, 3, 4, 0), [](double v) { return (v - 7.5) / (3 - 7.5); }), 0.75, 1.5);
}

TEST_F(RandomImageNumbers, OfCrops) {
  const CompiledFunction crop = trained(RandomCrop(9, 7));
  const Tensor x = places(1);
  std::vector<int> rows(8, 0), columns(6, 0);
  Numbers down, right;
  for (int step = 0; step < 960; ++step) {
    const Tensor y = crop(x);
    down.push_back(y.at(0));
    right.push_back(y.at(1));
    ++rows.at(static_cast<size_t>(y.at(0)));
    ++columns.at(static_cast<size_t>(y.at(1)));
  }
  // Five deviations of a binomial distribution.
  for (const int count : rows) EXPECT_NEAR(count, 120, 51);
  for (const int count : columns) EXPECT_NEAR(count, 160, 58);
  expect_unrelated(down, right);
}

TEST_F(RandomImageNumbers, DifferByStepLayerAndSeed) {
  const Tensor x = places();
  const auto down = [&](const CompiledFunction& f) { return at(f(x), 8, 6, 0); };
  const auto layer = [](const char* name, std::optional<int64_t> seed) {
    return trained(RandomTranslation(0.25, 0, {.seed = seed, .name = name}));
  };
  const CompiledFunction first = layer("a", 1);
  const Numbers one = down(first), two = down(first);
  expect_unrelated(one, two);
  expect_unrelated(one, down(layer("b", 1)));
  clear_session();
  set_random_seed(7);
  EXPECT_EQ(down(layer("a", 1)), one);
  clear_session();
  set_random_seed(7);
  expect_unrelated(down(layer("a", 2)), one);
}

// Values and gradients, to the bit.
TEST_F(RandomImageNumbers, HangOnNoNumberOfThreads) {
  const Tensor x = places(48), y(float32, {48, 1});
  const auto weights_after = [&](int threads) {
    clear_session();
    set_random_seed(3);
    set_threads(threads);
    const auto in = Input({kRows, kColumns, 2});
    KerasTensor h = Dense(3, {.kernel_initializer = Constant(0.01)})(in);
    h = RandomZoom(0.3)(RandomTranslation(0.2, 0.2, {.fill_mode = "wrap"})(RandomFlip()(h)));
    h = RandomRotation(0.1, {.fill_mode = "constant"})(h);
    h = RandomBrightness(0.001)(RandomContrast(0.3)(RandomCrop(9, 9)(h)));
    const Model model(in, Dense(1, {.kernel_initializer = Constant(0.01)})(Flatten()(h)));
    model.compile({.optimizer = SGD(1e-4), .loss = "mse"});
    model.fit(x, y, {.epochs = 2, .batch_size = 16, .verbose = 0});
    Numbers all;
    for (const Tensor& w : model.get_weights()) {
      for (int64_t i = 0; i < w.elements(); ++i) all.push_back(w.at(i));
    }
    return all;
  };
  const Numbers one = weights_after(1);
  EXPECT_NE(one[0], 0.01f);
  EXPECT_EQ(weights_after(2), one);
  EXPECT_EQ(weights_after(3), one);
}

}  // namespace
}  // namespace sinter

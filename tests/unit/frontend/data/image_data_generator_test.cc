// ImageDataGenerator: pictures as Keras changes them (tests/data/images/make.py), and which ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/support/error_of.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

Tensor data(const std::string& name) {
  return load_npy(std::string(SINTER_TEST_DATA) + "/images/augment_" + name + ".npy");
}

// Those of make.py.
std::vector<ImageTransform> transforms() {
  return {{.tx = 2, .ty = -1},
          {.tx = 1.25, .ty = -0.5},
          {.theta = 30},
          {.shear = 20},
          {.zx = 0.7, .zy = 1.4},
          {.theta = -75,
           .tx = 0.5,
           .ty = 9.25,
           .shear = -15,
           .zx = 1.3,
           .zy = 0.8,
           .flip_horizontal = true},
          {.flip_vertical = true, .channel_shift_intensity = 40},
          {.brightness = 0.6},
          {.brightness = 1.7}};
}

void expect_near(const Tensor& found, const Tensor& expected, double bound,
                 const std::string& what) {
  ASSERT_EQ(found.shape(), expected.shape()) << what;
  for (int64_t i = 0; i < found.elements(); ++i)
    ASSERT_NEAR(found.at(i), expected.at(i), bound) << what << " " << i;
}

TEST(ImageDataGenerator, TransformsAsKeras) {
  for (const char* name : {"square", "wide"}) {
    const Tensor x = data(name), before = x.clone();
    for (const char* mode : {"nearest", "constant", "reflect", "wrap"}) {
      for (const int order : {0, 1}) {
        const std::string what = std::string(name) + "_" + mode + "_" + std::to_string(order);
        const Tensor expected = data(what);
        const ImageDataGenerator exact(
            {.fill_mode = mode, .cval = 7, .interpolation_order = order, .keras_exact = true});
        for (size_t i = 0; i < transforms().size(); ++i) {
          const auto at = static_cast<int64_t>(i);
          expect_near(exact.apply_transform(x, transforms()[i]),
                      expected.rows(at, at + 1).reshaped(x.shape()), 1e-3,
                      what + " " + std::to_string(i));
        }
      }
    }
    EXPECT_TRUE(x.identical(before)) << "the picture itself stays";
  }
}

TEST(ImageDataGenerator, SplinesAsKeras) {
  const auto expected = load_npz(std::string(SINTER_TEST_DATA) + "/images/augment_splines.npz");
  ASSERT_EQ(expected.size(), 34u);
  for (const char* name : {"long", "short"}) {
    const Tensor& x = expected.at(name);
    for (const char* mode : {"nearest", "constant", "reflect", "wrap"}) {
      for (const int order : {2, 3, 4, 5}) {
        const std::string what = std::string(name) + "_" + mode + "_" + std::to_string(order);
        const ImageDataGenerator exact(
            {.fill_mode = mode, .cval = 7, .interpolation_order = order, .keras_exact = true});
        for (int64_t i = 0; i < 6; ++i) {
          expect_near(exact.apply_transform(x, transforms()[static_cast<size_t>(i)]),
                      expected.at(what).rows(i, i + 1).reshaped(x.shape()), 1e-3,
                      what + " " + std::to_string(i));
        }
      }
    }
  }
}

// As the names say: width moves columns, whatever Keras does.
TEST(ImageDataGenerator, AxesAreWhatTheyAreCalled) {
  Tensor x(float32, {5, 9, 1});
  x.set(2 * 9 + 4, 1);
  const auto place = [&](const ImageDataGeneratorOptions& options) {
    std::set<std::pair<int64_t, int64_t>> places;
    const ImageDataGenerator generator(options);
    for (int seed = 0; seed < 50; ++seed) {
      const Tensor moved =
          generator.apply_transform(x, generator.get_random_transform(x.shape(), seed));
      for (int64_t i = 0; i < moved.elements(); ++i) {
        if (moved.at(i) == 1) places.insert({i / 9, i % 9});
      }
    }
    return places;
  };
  using Places = std::set<std::pair<int64_t, int64_t>>;
  EXPECT_EQ(place({.width_shift_range = 3}), (Places{{2, 2}, {2, 3}, {2, 4}, {2, 5}, {2, 6}}));
  EXPECT_EQ(place({.height_shift_range = 2}), (Places{{1, 4}, {2, 4}, {3, 4}}));
  EXPECT_EQ(place({.height_shift_range = 2, .keras_exact = true}),
            (Places{{2, 3}, {2, 4}, {2, 5}}));
  EXPECT_EQ(place({.width_shift_range = {1.0, 3.0}}), (Places{{2, 1}, {2, 3}, {2, 5}, {2, 7}}));
  // A turn of 180 degrees keeps the centre.
  const Tensor turned = ImageDataGenerator().apply_transform(x, {.theta = 180});
  EXPECT_NEAR(turned.at(2 * 9 + 4), 1, 1e-6);
  const Tensor flipped = ImageDataGenerator().apply_transform(
      Tensor::from({1, 3, 1}, {1.f, 2.f, 3.f}), {.flip_horizontal = true});
  EXPECT_EQ(flipped.at(0), 3);
}

TEST(ImageDataGenerator, RangesAreKept) {
  const ImageDataGenerator generator({.rotation_range = 20,
                                      .width_shift_range = 0.2,
                                      .height_shift_range = 2.5,
                                      .brightness_range = std::pair(0.5, 1.5),
                                      .shear_range = 10,
                                      .zoom_range = 0.3,
                                      .channel_shift_range = 5,
                                      .horizontal_flip = true,
                                      .vertical_flip = true});
  int flips = 0;
  double most_turn = 0, most_x = 0, most_y = 0, least_zoom = 9;
  for (int seed = 0; seed < 400; ++seed) {
    const ImageTransform t = generator.get_random_transform({10, 20, 3}, seed);
    EXPECT_LE(std::abs(t.theta), 20);
    EXPECT_LE(std::abs(t.tx), 4);
    EXPECT_LE(std::abs(t.ty), 2.5);
    EXPECT_LE(std::abs(t.shear), 10);
    EXPECT_LE(std::abs(t.channel_shift_intensity), 5);
    for (const double zoom : {t.zx, t.zy}) EXPECT_TRUE(zoom >= 0.7 && zoom <= 1.3);
    EXPECT_TRUE(*t.brightness >= 0.5 && *t.brightness <= 1.5);
    most_turn = std::max(most_turn, t.theta);
    most_x = std::max(most_x, -t.tx);
    most_y = std::max(most_y, t.ty);
    least_zoom = std::min(least_zoom, t.zx);
    flips += t.flip_horizontal ? 1 : 0;
  }
  EXPECT_GT(most_turn, 19);
  EXPECT_GT(most_x, 3.8);
  EXPECT_GT(most_y, 2.4);
  EXPECT_LT(least_zoom, 0.72);
  EXPECT_NEAR(flips, 200, 40);
}

TEST(ImageDataGenerator, NormalisesAsKeras) {
  const ImageDataGenerator sample(
      {.samplewise_center = true, .samplewise_std_normalization = true, .rescale = 0.5});
  expect_near(sample.standardize(data("square")), data("standardized"), 1e-4, "samplewise");
  const ImageDataGenerator feature(
      {.featurewise_center = true, .featurewise_std_normalization = true, .rescale = 2.0});
  const Tensor x = data("featurewise_x");
  EXPECT_THAT(error_of([&] {
                feature.standardize(x.rows(1, 2).reshaped({4, 5, 3}));
              }),
              HasSubstr("need fit() first"));
  EXPECT_THAT(error_of([&] { feature.flow(x); }), HasSubstr("need fit() first"));
  feature.fit(x);
  expect_near(feature.standardize(x.rows(1, 2).reshaped({4, 5, 3})), data("featurewise"), 1e-4,
              "featurewise");
  const ImageDataGenerator own({.rescale = 2.0, .preprocessing_function = [](const Tensor& t) {
                                  Tensor result(float32, t.shape());
                                  for (int64_t i = 0; i < t.elements(); ++i)
                                    result.set(i, t.at(i) + 1);
                                  return result;
                                }});
  EXPECT_EQ(own.standardize(Tensor(float32, {1, 1, 1})).at(0), 2);
}

TEST(ImageDataGenerator, WhitensAsKeras) {
  const auto arrays = load_npz(std::string(SINTER_TEST_DATA) + "/images/augment_whitened.npz");
  for (const std::string name : {"many", "few"}) {
    const ImageDataGenerator generator({.zca_whitening = true, .zca_epsilon = 0.1, .rescale = 2.0});
    const Tensor &x = arrays.at(name), &white = arrays.at(name + "_white");
    EXPECT_THAT(error_of([&] { generator.flow(x); }), HasSubstr("need fit() first"));
    generator.fit(x);
    for (int64_t i = 0; i < x.shape()[0]; ++i)
      expect_near(generator.standardize(x.rows(i, i + 1).reshaped({3, 2, 2})),
                  white.rows(i, i + 1).reshaped({3, 2, 2}), 2e-5, name);
    EXPECT_THAT(error_of<ShapeError>([&] {
                  generator.standardize(Tensor(float32, {2, 3, 2}));
                }),
                HasSubstr("fit() saw pictures [3,2,2], these are [2,3,2]"));
  }
}

// Values that vary together, and some that do not vary: uncorrelated, of variance 1, or 0.
TEST(ImageDataGenerator, WhitenedValuesAreUncorrelated) {
  constexpr int64_t kRows = 400, kSide = 5, kValues = kSide * kSide;
  Tensor x(float32, {kRows, kSide, kSide, 1});
  uint32_t state = 1;
  const auto next = [&] {
    return static_cast<double>((state = state * 1664525 + 1013904223) >> 8);
  };
  for (int64_t row = 0; row < kRows; ++row) {
    double last = 0;
    for (int64_t i = 1; i < kValues; ++i)
      x.set(row * kValues + i, last = 0.7 * last + next() / (1 << 24) + (i == 3 ? 5 : 0));
  }
  const ImageDataGenerator generator({.zca_whitening = true});
  generator.fit(x);
  const Tensor white = generator.flow(x, {.batch_size = kRows, .shuffle = false})
                           .first()
                           .x()
                           .reshaped({kRows, kValues});
  for (int64_t i = 0; i < kValues; ++i) {
    for (int64_t j = i; j < kValues; ++j) {
      double sum = 0;
      for (int64_t row = 0; row < kRows; ++row) sum += white.at({row, i}) * white.at({row, j});
      EXPECT_NEAR(sum / kRows, i == j ? 1 : 0, 2e-3) << i << " " << j;
    }
  }
}

TEST(ImageDataGenerator, FitLearnsFromChangedPicturesToo) {
  Tensor x(float32, {8, 6, 6, 1});
  for (int64_t i = 0; i < 8; ++i) x.set({i, 0, 0, 0}, 36);
  const auto mean = [&](ImageDataGeneratorFitOptions options) {
    const ImageDataGenerator generator(
        {.featurewise_center = true, .width_shift_range = {3.0}, .fill_mode = "constant"});
    generator.fit(x, options);
    return -generator.standardize(Tensor(float32, {6, 6, 1})).at(0);
  };
  EXPECT_EQ(mean({}), 1);
  // Those that are shifted to the left lose their one pixel.
  const double shifted = mean({.augment = true, .rounds = 4, .seed = 1});
  EXPECT_GT(shifted, 0.2);
  EXPECT_LT(shifted, 0.8);
  EXPECT_EQ(mean({.augment = true, .rounds = 4, .seed = 1}), shifted);
}

TEST(ImageDataGenerator, FitSaysWhatIsWrong) {
  const ImageDataGenerator generator({.zca_whitening = true});
  EXPECT_THAT(error_of<ShapeError>([&] {
                generator.fit(Tensor(float32, {3, 4}));
              }),
              HasSubstr("[n,height,width,channels]"));
  EXPECT_THAT(error_of([&] {
                generator.fit(Tensor(float32, {1, 2, 2, 1}), {.rounds = 0});
              }),
              HasSubstr("rounds must be at least 1, found 0"));
  EXPECT_THAT(error_of([&] {
                generator.fit(Tensor(float32, {1, 128, 128, 1}));
              }),
              HasSubstr("pictures of at most 12288 values, found 16384"));
  EXPECT_THAT(error_of([&] {
                generator.fit(Tensor::full(float32, {1, 2, 2, 1}, std::nan("")));
              }),
              HasSubstr("x holds NaN"));
}

class Flow : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int64_t i = 0; i < x_.elements(); ++i) x_.set(i, static_cast<double>(i % 97));
    for (int64_t i = 0; i < 23; ++i) y_.set(i, static_cast<double>(i));
  }
  static std::vector<Tensor> pictures(const Dataset& dataset) {
    std::vector<Tensor> result;
    for (const auto& [x, y] : dataset) {
      result.push_back(x.clone());
      result.push_back(y.clone());
    }
    return result;
  }
  static bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
    bool same = a.size() == b.size();
    for (size_t i = 0; same && i < a.size(); ++i) same = a[i].identical(b[i]);
    return same;
  }
  Tensor x_{float32, {23, 6, 7, 2}}, y_{int32, {23}};
  const ImageDataGenerator generator_{
      {.rotation_range = 30, .width_shift_range = 0.2, .zoom_range = 0.2, .horizontal_flip = true}};
};

TEST_F(Flow, ThreadsChangeNothingAndEpochsDo) {
  const auto flow = [&](int threads) {
    return generator_.flow(x_, y_, {.batch_size = 5, .seed = 3, .threads = threads});
  };
  const Dataset one = flow(1), again = flow(1);
  const auto first = pictures(one), second = pictures(one);
  EXPECT_EQ(first.size(), 10u);
  EXPECT_EQ(first[0].type().to_string(), "float32[5,6,7,2]");
  EXPECT_EQ(first[8].shape(), Shape({3, 6, 7, 2}));
  EXPECT_FALSE(same(first, second));
  EXPECT_TRUE(same(pictures(again), first));
  for (const int threads : {2, 3, 8}) {
    const Dataset many = flow(threads);
    EXPECT_TRUE(same(pictures(many), first)) << threads;
    EXPECT_TRUE(same(pictures(many), second)) << threads;
  }
  EXPECT_EQ(one.cardinality(), 5);
  std::set<double> labels;
  for (size_t i = 1; i < first.size(); i += 2) {
    for (int64_t k = 0; k < first[i].elements(); ++k) labels.insert(first[i].at(k));
  }
  EXPECT_EQ(labels.size(), 23u);
}

TEST_F(Flow, WithoutChangesRowsComeAsTheyAre) {
  const ImageDataGenerator plain;
  const Dataset rows = plain.flow(x_, y_, {.batch_size = 23, .shuffle = false});
  EXPECT_TRUE(rows.first().x().identical(x_));
  EXPECT_TRUE(rows.first().y().identical(y_));
  EXPECT_EQ(plain.flow(x_).first().size(), 1u);
  EXPECT_EQ(plain.flow(x_, y_, {.sample_weight = y_}).first().size(), 3u);
  const ImageDataGenerator split({.validation_split = 0.2});
  EXPECT_EQ(split.flow(x_, y_, {.batch_size = 99, .subset = "validation"}).first().y().shape(),
            Shape({4}));
  EXPECT_EQ(split.flow(x_, y_, {.batch_size = 99, .subset = "training"}).first().y().shape(),
            Shape({19}));
}

TEST_F(Flow, SaysWhatIsWrong) {
  EXPECT_THAT(error_of<NameError>([] { ImageDataGenerator({.fill_mode = "neares"}); }),
              HasSubstr("did you mean 'nearest'"));
  EXPECT_THAT(error_of([] { ImageDataGenerator({.interpolation_order = 6}); }),
              HasSubstr("interpolation_order must be 0 to 5, found 6"));
  EXPECT_THAT(error_of([] { ImageDataGenerator({.rescale = 1 / 255}); }),
              HasSubstr("rescale must not be 0 (1 / 255 of whole numbers is 0 in C++: write 1 / "
                        "255.0), found 0"));
  EXPECT_THAT(error_of([] { ImageDataGenerator({.zoom_range = 1}); }), HasSubstr("zoom_range"));
  EXPECT_THAT(error_of([] {
                ImageDataGenerator({.rotation_range = std::numeric_limits<double>::infinity()});
              }),
              HasSubstr("finite"));
  EXPECT_THAT(error_of<ShapeError>([&] { generator_.flow(y_, y_); }),
              HasSubstr("[n,height,width,channels], found [23]"));
  EXPECT_THAT(error_of<ShapeError>([&] { generator_.flow(x_, Tensor(int32, {22})); }),
              HasSubstr("[22]"));
  EXPECT_THAT(error_of([&] { generator_.flow(x_, y_, {.subset = "training"}); }),
              HasSubstr("needs a validation_split"));
  EXPECT_THAT(error_of<ShapeError>([&] { generator_.apply_transform(x_, {}); }),
              HasSubstr("a picture [height,width,channels]"));
  const ImageDataGenerator bad(
      {.preprocessing_function = [](const Tensor&) -> Tensor { throw Error("no"); }});
  EXPECT_THAT(error_of([&] { (void)bad.flow(x_).first(); }), HasSubstr("element 0: no"));
}

}  // namespace
}  // namespace sinter::testing

// train_test_split: which rows land where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/support/error_of.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

Tensor counting(int64_t n, int64_t width = 1) {
  Tensor t(float32, {n, width});
  for (int64_t i = 0; i < t.elements(); ++i) t.set(i, static_cast<double>(i));
  return t;
}

std::vector<int64_t> values(const Tensor& t) {
  std::vector<int64_t> result;
  for (int64_t i = 0; i < t.elements(); ++i) result.push_back(static_cast<int64_t>(t.at(i)));
  return result;
}

TEST(TrainTestSplit, EachRowIsOnOneSideWithItsLabel) {
  const Tensor x = counting(101, 3), y = counting(101);
  auto [x_train, x_test, y_train, y_test] = train_test_split(x, y, {.seed = 3});
  EXPECT_EQ(x_train.shape(), Shape({75, 3}));
  EXPECT_EQ(x_test.shape(), Shape({26, 3}));
  std::vector<int64_t> all = values(y_train), test = values(y_test);
  EXPECT_FALSE(std::ranges::is_sorted(all));
  all.insert(all.end(), test.begin(), test.end());
  std::ranges::sort(all);
  EXPECT_EQ(all, values(y));
  for (int64_t i = 0; i < 75; ++i) EXPECT_EQ(x_train.at({i, 1}), 3 * y_train.at(i) + 1);
  for (int64_t i = 0; i < 26; ++i) EXPECT_EQ(x_test.at({i, 2}), 3 * y_test.at(i) + 2);

  const TrainTestSplit again = train_test_split(x, y, {.seed = 3}),
                       other = train_test_split(x, y, {.seed = 4});
  EXPECT_TRUE(again.x_train.identical(x_train) && again.y_test.identical(y_test));
  EXPECT_FALSE(other.x_train.identical(x_train));
  // Without a seed the session's seed decides, another order each time.
  clear_session();
  const TrainTestSplit a = train_test_split(x, y), b = train_test_split(x, y);
  clear_session();
  EXPECT_TRUE(train_test_split(x, y).x_test.identical(a.x_test));
  EXPECT_FALSE(b.x_test.identical(a.x_test));
}

TEST(TrainTestSplit, SizesAreThoseOfScikitLearn) {
  const auto sizes = [](int64_t n, TrainTestSplitOptions options) {
    const std::vector<Tensor> sides = train_test_split({counting(n)}, std::move(options));
    return std::pair(sides[0].shape()[0], sides[1].shape()[0]);
  };
  using Sizes = std::pair<int64_t, int64_t>;
  EXPECT_EQ(sizes(10, {}), Sizes(7, 3));
  EXPECT_EQ(sizes(10, {.test_size = 0.21}), Sizes(7, 3));
  EXPECT_EQ(sizes(10, {.test_size = 4}), Sizes(6, 4));
  EXPECT_EQ(sizes(10, {.train_size = 0.49}), Sizes(4, 6));
  EXPECT_EQ(sizes(10, {.test_size = 2, .train_size = 3}), Sizes(3, 2));
  EXPECT_EQ(sizes(11, {.test_size = 0.5, .train_size = 0.5}), Sizes(5, 6));
  EXPECT_EQ(sizes(2, {.test_size = 0.1}), Sizes(1, 1));
}

TEST(TrainTestSplit, WithoutShufflingRowsStayInOrderAndAreNotCopied) {
  const Tensor x = counting(10, 2), y = counting(10);
  const TrainTestSplit s = train_test_split(x, y, {.test_size = 3, .shuffle = false});
  EXPECT_TRUE(s.x_train.identical(x.rows(0, 7)));
  EXPECT_TRUE(s.y_test.identical(y.rows(7, 10)));
  EXPECT_EQ(s.x_train.raw(), x.raw());
}

TEST(TrainTestSplit, AnyNumberAndKindOfTensors) {
  const std::vector<Tensor> sides = train_test_split(
      {counting(8), Tensor::from({1, 2, 3, 4, 5, 6, 7, 8}), Tensor(float64, {8, 2, 0})},
      {.test_size = 2, .seed = 1});
  ASSERT_EQ(sides.size(), 6u);
  EXPECT_EQ(sides[2].type().to_string(), "int32[6]");
  EXPECT_EQ(sides[5].type().to_string(), "float64[2,2,0]");
  for (int64_t i = 0; i < 2; ++i) EXPECT_EQ(sides[1].at(i) + 1, sides[3].at(i));
}

TEST(TrainTestSplit, StratifiedSidesHaveTheSameShares) {
  std::vector<int> labels;
  for (int i = 0; i < 100; ++i) labels.push_back(i < 60 ? 7 : i < 90 ? -1 : 3);
  const Tensor x = counting(100);
  const auto counts = [&](const Tensor& rows) {
    std::map<int, int> result;
    for (const int64_t row : values(rows)) ++result[labels[static_cast<size_t>(row)]];
    return result;
  };
  using Counts = std::map<int, int>;
  for (int seed = 0; seed < 5; ++seed) {
    const std::vector<Tensor> sides =
        train_test_split({x}, {.test_size = 0.2, .seed = seed, .stratify = Tensor::from(labels)});
    EXPECT_EQ(counts(sides[0]), (Counts{{7, 48}, {-1, 24}, {3, 8}}));
    EXPECT_EQ(counts(sides[1]), (Counts{{7, 12}, {-1, 6}, {3, 2}}));
    EXPECT_FALSE(std::ranges::is_sorted(values(sides[0])));
    // Shares of 4.2, 2.1 and 0.7 of 7, where the rest goes to what lost most.
    const std::vector<Tensor> few = train_test_split(
        {x}, {.test_size = 7, .train_size = 20, .seed = seed, .stratify = Tensor::from(labels)});
    EXPECT_EQ(counts(few[0]), (Counts{{7, 12}, {-1, 6}, {3, 2}}));
    EXPECT_EQ(counts(few[1]), (Counts{{7, 4}, {-1, 2}, {3, 1}}));
  }
  // One-hot rows are classes, too.
  Tensor one_hot(float32, {100, 3});
  for (int64_t i = 0; i < 100; ++i) one_hot.set({i, i < 60 ? 2 : i < 90 ? 0 : 1}, 1);
  const std::vector<Tensor> sides =
      train_test_split({x}, {.test_size = 20, .seed = 0, .stratify = one_hot});
  EXPECT_EQ(counts(sides[1]), (Counts{{7, 12}, {-1, 6}, {3, 2}}));
}

TEST(TrainTestSplit, SaysWhatIsWrong) {
  const Tensor x = counting(10);
  const auto error = [&](TrainTestSplitOptions options) {
    return error_of([&] { train_test_split({x}, std::move(options)); });
  };
  EXPECT_THAT(error({.test_size = 1.5}),
              HasSubstr("train_test_split: test_size must be a share between 0 and 1 or a count of "
                        "1 to 9 of 10 rows, found 1.5"));
  EXPECT_THAT(error({.test_size = 10}), HasSubstr("found 10"));
  EXPECT_THAT(error({.train_size = 0}), HasSubstr("train_size"));
  EXPECT_THAT(error({.test_size = 0.6, .train_size = 0.6}),
              HasSubstr("of 10 rows 6 are asked for training and 6 for testing"));
  EXPECT_THAT(error({.train_size = 0.05}), HasSubstr("0 are asked for training"));
  EXPECT_THAT(error({.shuffle = false, .stratify = x}), HasSubstr("stratify needs shuffle"));
  EXPECT_THAT(error({.stratify = x}), HasSubstr("class 0 of stratify has one row"));
  EXPECT_THAT(error({.test_size = 1, .stratify = Tensor::from({0, 0, 0, 1, 1, 0, 0, 0, 0, 0})}),
              HasSubstr("1 row is too few for the 2 classes"));
  EXPECT_THAT(error({.stratify = Tensor::from({1, 2})}), HasSubstr("10 rows, but stratify is [2]"));
  EXPECT_THAT(error_of<ShapeError>([&] { train_test_split(x, counting(9)); }),
              HasSubstr("tensors of 10 and 9 rows"));
  EXPECT_THAT(error_of([&] { train_test_split({counting(0)}); }), HasSubstr("0 rows"));
  EXPECT_THAT(error_of([&] { train_test_split(std::vector<Tensor>{}); }),
              HasSubstr("there is no tensor"));
}

}  // namespace
}  // namespace sinter::testing

// NaN in data: refused where the loss would be NaN, taken where the model or the loss deals with
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <limits>

#include "tests/support/error_of.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

class NaNRows : public ::testing::Test {
 protected:
  NaNRows() {
    clear_session();
    for (int64_t i = 0; i < x.elements(); ++i) x.set(i, 0.1 * static_cast<double>(i % 7));
    for (int64_t i = 0; i < 8; ++i) y.set(i, i % 2);
  }
  // Labels that are NaN count for nothing.
  static Symbol masked(Symbol t, Symbol p) { return square(select(equal(t, t), t, p) - p); }
  Tensor x = Tensor(float32, {8, 3}), y = Tensor(float32, {8, 1});
};

TEST_F(NaNRows, AreRefusedWhereTheyWouldSpoilTheWeights) {
  Sequential m({Input(3), Dense(1)});
  m.compile({.optimizer = "adam", .loss = "mse"});
  const std::vector<Tensor> before = m.get_weights();
  for (const bool in_labels : {false, true}) {
    Tensor bad_x = x.clone(), bad_y = y.clone();
    (in_labels ? bad_y : bad_x).set(in_labels ? 5 : 16, kNaN);
    const std::string place = in_labels ? "y holds NaN (row 5, element 0 of the row)"
                                        : "x holds NaN (row 5, element 1 of the row)";
    EXPECT_THAT(testing::error_of([&] { m.fit(bad_x, bad_y, {.verbose = 0}); }), HasSubstr(place));
    EXPECT_THAT(testing::error_of([&] { m.evaluate(bad_x, bad_y, {.verbose = 0}); }),
                HasSubstr(place));
    EXPECT_THAT(testing::error_of([&] { m.train_on_batch(bad_x, bad_y); }), HasSubstr(place));
    EXPECT_THAT(testing::error_of([&] { m.test_on_batch(bad_x, bad_y); }), HasSubstr(place));
    EXPECT_THAT(testing::error_of([&] { m.gradients(bad_x, bad_y); }), HasSubstr(place));
    EXPECT_THAT(testing::error_of([&] {
                  m.fit(x, y, {.verbose = 0, .validation_data = {bad_x, bad_y}});
                }),
                HasSubstr(place));
  }
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(before[i].identical(m.get_weights()[i]));  // no step was made
}

TEST_F(NaNRows, AreRefusedInThePartsOfASplit) {
  Sequential m({Input(3), Dense(1)});
  m.compile({.optimizer = "adam", .loss = "mse"});
  for (const int64_t row : {1, 7}) {
    Tensor bad = x.clone();
    bad.set({row, 2}, kNaN);
    EXPECT_THAT(testing::error_of([&] { m.fit(bad, y, {.verbose = 0, .validation_split = 0.25}); }),
                HasSubstr("x holds NaN (row " + std::to_string(row) + ", element 2 of the row)"));
  }
}

TEST_F(NaNRows, MayBeLeftOutByTheLoss) {
  Sequential m({Input(3), Dense(1)});
  m.compile({.optimizer = SGD(0.1), .loss = masked});
  y.set(2, kNaN);
  y.set(7, kNaN);
  const History h = m.fit(x, y, {.epochs = 3, .batch_size = 4, .verbose = 0});
  EXPECT_LT(h["loss"][2], h["loss"][0]);
  EXPECT_TRUE(std::isfinite(m.evaluate(x, y, {.verbose = 0}).loss()));
  EXPECT_TRUE(std::isfinite(m.train_on_batch(x, y).loss()));
  // One that it does not leave out is found beside those that it does.
  x.set(4, kNaN);
  EXPECT_THAT(testing::error_of([&] { m.fit(x, y, {.verbose = 0}); }), HasSubstr("x holds NaN"));
}

// A mean over the labels that are there is 0 / 0 of rows without any, taken alone.
TEST_F(NaNRows, MayBeLeftOutByAMeanOverLabels) {
  const auto mean_of_labels = [](Symbol t, Symbol p) {
    const Symbol there = cast(equal(t, t), p.dtype());
    return sum(square(select(equal(t, t), t, p) - p)) / sum(there);
  };
  Sequential m({Input(3), Dense(1)});
  m.compile({.optimizer = SGD(0.1), .loss = Loss("of_labels", mean_of_labels)});
  for (const int64_t row : {0, 5, 7}) y.set(row, kNaN);
  const History h = m.fit(x, y, {.epochs = 3, .batch_size = 8, .verbose = 0});
  EXPECT_LT(h["loss"][2], h["loss"][0]);
  EXPECT_TRUE(std::isfinite(m.evaluate(x, y, {.verbose = 0}).loss()));
  EXPECT_TRUE(std::isfinite(m.train_on_batch(x, y).loss()));
  // What it does not leave out it does not leave out beside others either.
  x.set(16, kNaN);
  EXPECT_THAT(testing::error_of([&] { m.fit(x, y, {.verbose = 0}); }), HasSubstr("x holds NaN"));
  // Nor is there a mean where no label is.
  const Tensor none = Tensor::full(float32, {4, 1}, kNaN);
  EXPECT_THAT(testing::error_of([&] { m.train_on_batch(x.rows(0, 4), none); }),
              HasSubstr("y holds NaN"));
}

TEST_F(NaNRows, MayBeFilledInByTheModel) {
  const KerasTensor in = Input(3);
  const KerasTensor filled = Lambda([](auto s) { return select(equal(s, s), s, 0); })(in);
  const Model m(in, Dense(1)(filled));
  m.compile({.optimizer = SGD(0.1), .loss = "mse"});
  Tensor zeros = x.clone();
  for (const int64_t at : {3, 11, 23}) {
    x.set(at, kNaN);
    zeros.set(at, 0);
  }
  const Model twin = clone_model(m);
  twin.set_weights(m.get_weights());
  twin.compile({.optimizer = SGD(0.1), .loss = "mse"});
  const FitOptions options{.epochs = 2, .batch_size = 3, .verbose = 0, .shuffle = false};
  EXPECT_EQ(m.fit(x, y, options)["loss"], twin.fit(zeros, y, options)["loss"]);
}

// The loss leaves the row out, but its gradient is 0 times NaN.
TEST_F(NaNRows, AreRefusedWhereOnlyTheGradientIsNaN) {
  Sequential m({Input(3), Dense(2, "softmax")});
  m.compile({.optimizer = "adam", .loss = "categorical_crossentropy"});
  Tensor none(float32, {8, 2});  // rows without a class: their loss is 0
  none.set({0, 1}, 1);
  x.set(9, kNaN);
  EXPECT_EQ(m.evaluate(x.rows(3, 4), none.rows(3, 4), {.verbose = 0}).loss(), 0);
  EXPECT_THAT(testing::error_of([&] { m.fit(x, none, {.verbose = 0}); }),
              HasSubstr("x holds NaN (row 3, element 0 of the row)"));
  EXPECT_THAT(testing::error_of([&] { m.train_on_batch(x, none); }), HasSubstr("x holds NaN"));
}

TEST_F(NaNRows, StatesOfMetricsAreNotDisturbed) {
  Sequential m({Input(3), Dense(1, "sigmoid")});
  m.compile({.optimizer = SGD(0.0), .loss = masked, .metrics = {metrics::AUC(), "mae"}});
  Tensor some = y.clone();
  some.set(6, kNaN);
  const History clean = m.fit(x, y, {.verbose = 0});
  (void)m.fit(x, some, {.verbose = 0});
  EXPECT_EQ(m.fit(x, y, {.verbose = 0})["auc"], clean["auc"]);
}

}  // namespace
}  // namespace sinter

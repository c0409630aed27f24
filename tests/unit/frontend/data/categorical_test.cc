// to_categorical of labels of any shape, as keras.utils.to_categorical, and what reports say.
#include "frontend/data/categorical.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/error.h"
#include "frontend/data/classification_report.h"
#include "tests/support/error_of.h"
#include "tests/support/without_line.h"

namespace sinter::testing {
namespace {

Tensor labels(Shape shape, std::vector<int32_t> classes) {
  return Tensor::from<int32_t>(std::move(shape), classes);
}

// The shapes and rows that Keras 3 gives.
TEST(ToCategorical, TakesAnyShape) {
  EXPECT_EQ(to_categorical(labels({3}, {0, 2, 1})).shape(), (Shape{3, 3}));
  EXPECT_EQ(to_categorical(labels({3, 1}, {0, 2, 1})).shape(), (Shape{3, 3}));
  EXPECT_EQ(to_categorical(labels({1}, {2})).shape(), (Shape{1, 3}));
  EXPECT_EQ(to_categorical(labels({1, 1}, {2})).shape(), (Shape{1, 3}));
  EXPECT_EQ(to_categorical(labels({}, {2})).shape(), (Shape{3}));
  EXPECT_EQ(to_categorical(labels({0}, {}), 4).shape(), (Shape{0, 4}));
  const Tensor masks = to_categorical(labels({1, 2, 2, 1}, {0, 1, 2, 1}), 4);
  EXPECT_EQ(masks.shape(), (Shape{1, 2, 2, 4}));
  const std::vector<double> expected = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0};
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(masks.at(static_cast<int64_t>(i)), expected[i]) << i;
  EXPECT_TRUE(to_categorical(labels({2, 2}, {0, 1, 1, 0}))
                  .identical(to_categorical(labels({2, 2, 1}, {0, 1, 1, 0}))));
}

TEST(ToCategorical, RefusesWhatIsNoClass) {
  const auto text = [](const Tensor& given) {
    return without_line(error_of([&] { to_categorical(given, 3); }));
  };
  EXPECT_EQ(text(labels({2}, {0, 3})), "to_categorical: label 3 (row 1) is not a class of 0 to 2");
  EXPECT_EQ(text(labels({2, 2}, {0, 1, -1, 0})),
            "to_categorical: label -1 (element 2) is not a class of 0 to 2");
}

// Errors name the call that the user wrote.
TEST(ClassificationReport, ErrorsNameIt) {
  const auto text = [](const Tensor& y_true, const Tensor& y_pred,
                       ClassificationReportOptions options = {}) {
    return without_line(error_of([&] { classification_report(y_true, y_pred, options); }));
  };
  EXPECT_EQ(text(labels({1}, {0}), labels({2}, {0, 1})),
            "classification_report: y_true has 1 row, y_pred 2");
  EXPECT_EQ(text(labels({2}, {0, 1}), labels({2}, {0, 2}), {.class_names = {"a", "b"}}),
            "classification_report: y_pred holds 2 (row 1), which is not a class of 0 to 1");
  EXPECT_EQ(text(labels({2}, {0, 1}), labels({2, 1, 1}, {0, 2})),
            "classification_report: y_pred must be classes [n] or [n,1], or rows [n,classes], "
            "found [2,1,1]");
  EXPECT_EQ(text(labels({2}, {0, 1}), labels({2}, {0, 1}),
                 {.sample_weight = Tensor::full(DType::kFloat32, {3}, 1)}),
            "classification_report: sample_weight must be [2] or [2,1], found [3]");
}

}  // namespace
}  // namespace sinter::testing

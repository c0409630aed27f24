// confusion_matrix and classification_report: numbers by hand, the text as scikit-learn 1.9 prints
// it.
#include "frontend/data/classification_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "frontend/data/confusion_matrix.h"
#include "tests/support/error_of.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

const Tensor& truths() {
  static const Tensor t = Tensor::from({0, 1, 2, 2, 2});
  return t;
}
const Tensor& found() {
  static const Tensor t = Tensor::from({0, 0, 2, 2, 1});
  return t;
}

TEST(ConfusionMatrix, RowsAreTrueAndColumnsPredicted) {
  EXPECT_TRUE(confusion_matrix(truths(), found())
                  .identical(Tensor::from<int64_t>({{1, 0, 0}, {1, 0, 0}, {0, 1, 2}})));
  EXPECT_EQ(confusion_matrix(truths(), found(), {.num_classes = 5}).shape(), Shape({5, 5}));
  // One-hot labels and what predict() gives; [n, 1], too.
  const Tensor one_hot = Tensor::from({{1.f, 0.f}, {0.f, 1.f}, {0.f, 1.f}}),
               scores = Tensor::from({{0.4f, 0.6f}, {0.1f, 0.9f}, {0.5f, 0.5f}});
  const Tensor expected = Tensor::from<int64_t>({{0, 1}, {1, 1}});
  EXPECT_TRUE(confusion_matrix(one_hot, scores).identical(expected));
  EXPECT_TRUE(confusion_matrix(Tensor::from({{0.f}, {1.f}, {1.f}}), scores).identical(expected));
  // Classes that nobody saw are there when rows of values say so.
  EXPECT_EQ(confusion_matrix(Tensor::from({0}), Tensor::from({{1.f, 0.f, 0.f}})).shape(),
            Shape({3, 3}));
  EXPECT_EQ(confusion_matrix(Tensor(DType::kInt32, {0}), Tensor(DType::kInt32, {0})).shape(),
            Shape({0, 0}));
}

TEST(ConfusionMatrix, WeightsAndShares) {
  const Tensor weights = Tensor::from({1.0, 2.0, 0.5, 0.0, 0.25});
  EXPECT_TRUE(confusion_matrix(truths(), found(), {.sample_weight = weights})
                  .identical(Tensor::from({{1.0, 0.0, 0.0}, {2.0, 0.0, 0.0}, {0.0, 0.25, 0.5}})));
  const auto shares = [](const char* by) {
    return confusion_matrix(truths(), found(), {.num_classes = 4, .normalize = by});
  };
  EXPECT_TRUE(shares("true").identical(Tensor::from({{1.0, 0.0, 0.0, 0.0},
                                                     {1.0, 0.0, 0.0, 0.0},
                                                     {0.0, 1 / 3.0, 2 / 3.0, 0.0},
                                                     {0., 0., 0., 0.}})));
  EXPECT_TRUE(shares("pred").identical(Tensor::from(
      {{0.5, 0.0, 0.0, 0.0}, {0.5, 0.0, 0.0, 0.0}, {0.0, 1.0, 1.0, 0.0}, {0., 0., 0., 0.}})));
  EXPECT_EQ(shares("all").at({2, 2}), 0.4);
}

TEST(ConfusionMatrix, SaysWhatIsWrong) {
  const auto error = [](const Tensor& a, const Tensor& b, ConfusionMatrixOptions options = {}) {
    return error_of([&] { confusion_matrix(a, b, std::move(options)); });
  };
  EXPECT_THAT(error(truths(), Tensor::from({0})), HasSubstr("y_true has 5 rows, y_pred 1"));
  EXPECT_THAT(error(truths(), found(), {.num_classes = 2}),
              HasSubstr("y_true holds 2 (row 2), which is not a class of 0 to 1"));
  EXPECT_THAT(error(Tensor::from({0, -1}), Tensor::from({0, 0})), HasSubstr("y_true holds -1"));
  EXPECT_THAT(error(Tensor::from({0, 1}), Tensor::from({0.2, 0.7})),
              HasSubstr("y_pred holds 0.2 (row 0), which is no class; of a probability p it is p > "
                        "0.5"));
  EXPECT_THAT(error(Tensor::from({0, 1}), Tensor::from({0.0, std::nan("")})), HasSubstr("NaN"));
  EXPECT_THAT(error(Tensor(DType::kFloat32, {2, 2, 2}), found()), HasSubstr("found [2,2,2]"));
  EXPECT_THAT(error(Tensor::from({1e9}), Tensor::from({0})), HasSubstr("classes"));
  EXPECT_THAT(error(truths(), found(), {.sample_weight = Tensor::from({1})}),
              HasSubstr("sample_weight must be [5] or [5,1], found [1]"));
  EXPECT_THAT(error(truths(), found(), {.normalize = "tru"}), HasSubstr("did you mean 'true'"));
}

TEST(ClassificationReport, IsScikitLearnsTable) {
  const ClassificationReport report =
      classification_report(truths(), found(), {.class_names = {"class 0", "class 1", "class 2"}});
  EXPECT_EQ(report.text(), R"(              precision    recall  f1-score   support

     class 0       0.50      1.00      0.67         1
     class 1       0.00      0.00      0.00         1
     class 2       1.00      0.67      0.80         3

    accuracy                           0.60         5
   macro avg       0.50      0.56      0.49         5
weighted avg       0.70      0.60      0.61         5
)");
  std::ostringstream text;
  text << report;
  EXPECT_EQ(text.str(), report.text());
  EXPECT_DOUBLE_EQ(report.classes[2].recall, 2 / 3.0);
  EXPECT_DOUBLE_EQ(report.macro_avg.precision, 0.5);
  EXPECT_DOUBLE_EQ(report.weighted_avg.f1_score, (2 / 3.0 + 3 * 0.8) / 5);
  EXPECT_EQ(report.accuracy, 0.6);
}

// Long names, other digits, classes that do not occur.
TEST(ClassificationReport, NamesAndDigits) {
  EXPECT_EQ(classification_report(Tensor::from({1, 1, 4}), Tensor::from({1, 4, 4})).text(4),
            R"(              precision    recall  f1-score   support

           1     1.0000    0.5000    0.6667         2
           4     0.5000    1.0000    0.6667         1

    accuracy                         0.6667         3
   macro avg     0.7500    0.7500    0.6667         3
weighted avg     0.8333    0.6667    0.6667         3
)");
  const ClassificationReport named =
      classification_report(Tensor::from({0, 0}), Tensor::from({0, 0}),
                            {.class_names = {"a name that is long", "none"}, .zero_division = 1});
  EXPECT_EQ(named.text(), R"(                     precision    recall  f1-score   support

a name that is long       1.00      1.00      1.00         2
               none       1.00      1.00      1.00         0

           accuracy                           1.00         2
          macro avg       1.00      1.00      1.00         2
       weighted avg       1.00      1.00      1.00         2
)");
}

TEST(ClassificationReport, Weights) {
  const ClassificationReport report = classification_report(
      truths(), found(), {.sample_weight = Tensor::from({1.0, 2.0, 0.5, 0.5, 1.0})});
  EXPECT_DOUBLE_EQ(report.accuracy, 0.4);
  EXPECT_DOUBLE_EQ(report.classes[0].precision, 1 / 3.0);
  EXPECT_DOUBLE_EQ(report.classes[2].recall, 0.5);
  EXPECT_DOUBLE_EQ(report.weighted_avg.recall, (1 * 1 + 2 * 0 + 2 * 0.5) / 5);
  EXPECT_THAT(report.text(), HasSubstr("    accuracy                           0.40      5.00\n"));
}

TEST(ClassificationReport, SaysWhatIsWrong) {
  EXPECT_THAT(error_of([] { classification_report(truths(), found(), {.class_names = {"a"}}); }),
              HasSubstr("which is not a class of 0 to 0"));
  EXPECT_THAT(error_of([] {
                classification_report(Tensor(DType::kInt32, {0}), Tensor(DType::kInt32, {0}));
              }),
              HasSubstr("there is no row"));
}

}  // namespace
}  // namespace sinter::testing

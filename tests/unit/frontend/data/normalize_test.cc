// normalize: against norms by hand, far values, and what Keras documents.
#include "frontend/data/normalize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "frontend/session.h"
#include "tests/support/error_of.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

void expect_values(const Tensor& t, const std::vector<double>& expected) {
  ASSERT_EQ(t.elements(), std::ssize(expected));
  for (int64_t i = 0; i < t.elements(); ++i)
    EXPECT_NEAR(t.at(i), expected[static_cast<size_t>(i)], 1e-6) << i;
}

TEST(Normalize, RowsByTheirNorm) {
  const Tensor x = Tensor::from({{3.f, 4.f}, {0.f, 0.f}, {-6.f, 8.f}});
  expect_values(normalize(x), {0.6, 0.8, 0, 0, -0.6, 0.8});
  expect_values(normalize(x, {.order = 1}), {3 / 7.0, 4 / 7.0, 0, 0, -6 / 14.0, 8 / 14.0});
  expect_values(normalize(x, {.order = HUGE_VAL}), {0.75, 1, 0, 0, -0.75, 1});
  expect_values(normalize(x, {.order = -HUGE_VAL}), {1, 4 / 3.0, 0, 0, -1, 8 / 6.0});
  expect_values(normalize(x, {.order = 0}), {1.5, 2, 0, 0, -3, 4});
  const double cubic = std::cbrt(27 + 64);
  expect_values(normalize(x, {.order = 3}), {3 / cubic, 4 / cubic, 0, 0, -3 / cubic, 4 / cubic});
  EXPECT_EQ(x.at(0), 3) << "the tensor itself stays";
}

TEST(Normalize, AlongAnyAxis) {
  const Tensor x = Tensor::from({2, 2, 2}, {3.f, 1.f, 4.f, 0.f, 0.f, 5.f, 0.f, 12.f});
  const double five = std::sqrt(26.0);
  expect_values(normalize(x, {.axis = 1}), {0.6, 1, 0.8, 0, 0, 5 / 13.0, 0, 12 / 13.0});
  expect_values(normalize(x, {.axis = 0}), {1, 1 / five, 1, 0, 0, 5 / five, 0, 1});
  EXPECT_TRUE(normalize(x, {.axis = -2}).identical(normalize(x, {.axis = 1})));
}

TEST(Normalize, DtypesAndValuesFarOut) {
  EXPECT_EQ(normalize(Tensor::from({3.0, 4.0})).dtype(), DType::kFloat64);
  const Tensor ints = normalize(Tensor::from({3, 4}));
  EXPECT_EQ(ints.dtype(), floatx());
  expect_values(ints, {0.6, 0.8});
  expect_values(normalize(Tensor::from({3e200, 4e200})), {0.6, 0.8});
  expect_values(normalize(Tensor::from({3e-200, 4e-200})), {0.6, 0.8});
  EXPECT_EQ(normalize(Tensor(DType::kFloat32, {0, 3})).shape(), Shape({0, 3}));
  EXPECT_EQ(normalize(Tensor(DType::kFloat32, {3, 0})).shape(), Shape({3, 0}));
  EXPECT_TRUE(std::isnan(normalize(Tensor::from({std::nan(""), 1.0})).at(1)));
}

TEST(Normalize, SaysWhatIsWrong) {
  EXPECT_THAT(error_of<ShapeError>([] { normalize(Tensor::from({1.f}), {.axis = 1}); }),
              HasSubstr("axis 1 is out of range"));
  EXPECT_THAT(error_of([] { normalize(Tensor::from({1.f}), {.order = std::nan("")}); }),
              HasSubstr("found NaN"));
}

}  // namespace
}  // namespace sinter::testing

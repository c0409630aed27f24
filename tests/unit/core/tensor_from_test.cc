// Tensors of what C++ programs hold numbers in, and as text. The texts are NumPy's own (2.4).
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"

namespace sinter {
namespace {

std::string text_of(const Tensor& tensor) {
  std::ostringstream out;
  out << tensor;
  return out.str();
}

std::string described(const Tensor& tensor) {
  std::ostringstream out;
  out << tensor.dtype() << tensor.shape() << " " << tensor;
  return out.str();
}

TEST(TensorFrom, Lists) {
  EXPECT_EQ(described(Tensor::from({4}, {0, 1, 1, 0})), "int32[4] [0 1 1 0]");
  EXPECT_EQ(described(Tensor::from({2, 2}, {0.5f, 1.f, 2.f, 3.f})),
            "float32[2,2] [[0.5 1. ]\n [2.  3. ]]");
  EXPECT_EQ(described(Tensor::from<float>({4}, {0, 1, 1, 0})), "float32[4] [0. 1. 1. 0.]");
  EXPECT_EQ(described(Tensor::from({0.5, 1.0})), "float64[2] [0.5 1. ]");
  EXPECT_EQ(described(Tensor::from({{0, 0}, {0, 1}, {1, 0}})),
            "int32[3,2] [[0 0]\n [0 1]\n [1 0]]");
  EXPECT_EQ(described(Tensor::from<float>({{0, 0}, {0, 1}})), "float32[2,2] [[0. 0.]\n [0. 1.]]");
  EXPECT_EQ(described(Tensor::from({true, false})), "bool[2] [ True False]");
  EXPECT_THROW(Tensor::from({3}, {0, 1}), ShapeError);
  EXPECT_THROW(Tensor::from({{0, 0}, {0}}), ShapeError);
  EXPECT_THROW(Tensor::from({{0}, {0, 1}}), ShapeError);
}

TEST(TensorFrom, ArraysAndVectors) {
  const float plain[] = {1, 2, 3, 4};
  const int rows[2][3] = {{1, 2, 3}, {4, 5, 6}};
  const std::array<double, 2> two = {0.5, -1};
  const std::vector<long long> wide = {1, -(1LL << 62)};
  const std::vector<long> same = {1, -(1L << 62)};
  EXPECT_EQ(described(Tensor::from(plain)), "float32[4] [1. 2. 3. 4.]");
  EXPECT_EQ(described(Tensor::from({2, 2}, plain)), "float32[2,2] [[1. 2.]\n [3. 4.]]");
  EXPECT_EQ(described(Tensor::from(rows)), "int32[2,3] [[1 2 3]\n [4 5 6]]");
  EXPECT_EQ(described(Tensor::from({2}, two)), "float64[2] [ 0.5 -1. ]");
  EXPECT_EQ(Tensor::from({2}, wide).dtype(), DType::kInt64);
  EXPECT_TRUE(Tensor::from(wide).identical(Tensor::from(same)));
  EXPECT_EQ(Tensor::from(wide).data<int64_t>()[1], -(int64_t{1} << 62));
  EXPECT_EQ(Tensor::scalar(3LL).dtype(), DType::kInt64);
  EXPECT_EQ(described(Tensor::from({2}, std::vector<bool>{true, false})), "bool[2] [ True False]");
  EXPECT_EQ(described(Tensor::from(std::vector<std::vector<float>>{{1, 2}, {3, 4}})),
            "float32[2,2] [[1. 2.]\n [3. 4.]]");
  EXPECT_EQ(described(Tensor::from({{{1, 2}}, {{3, 4}}, {{5, 6}}})),
            "int32[3,1,2] [[[1 2]]\n\n [[3 4]]\n\n [[5 6]]]");
  const float cube[1][2][2] = {{{1, 2}, {3, 4}}};
  EXPECT_EQ(Tensor::from(cube).at({0, 1, 0}), 3);
  EXPECT_THROW(Tensor::from({3}, plain), ShapeError);
  EXPECT_THROW(Tensor::from(std::vector<std::vector<float>>{{1, 2}, {3}}), ShapeError);
  EXPECT_EQ(Tensor::from(std::vector<std::vector<float>>{}).shape(), Shape({0, 0}));
}

TEST(TensorText, IsThatOfNumPy) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  const auto inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(text_of(Tensor::from({{1.f, 2.5f}, {-3.f, 0.125f}})),
            "[[ 1.     2.5  ]\n [-3.     0.125]]");
  EXPECT_EQ(text_of(Tensor::from({0.1f, 100.25f, static_cast<float>(inf)})),
            "[1.0000e-01 1.0025e+02        inf]");
  EXPECT_EQ(text_of(Tensor::from({1e10, 1.0, nan, -inf})), "[1.e+10 1.e+00    nan   -inf]");
  EXPECT_EQ(text_of(Tensor::from({1.f / 3, 2.f / 3})), "[0.33333334 0.6666667 ]");
  EXPECT_EQ(text_of(Tensor::from({1.0 / 3, 2.0 / 3})), "[0.33333333 0.66666667]");
  EXPECT_EQ(text_of(Tensor::from({0.123456789012, 12.5})), "[ 0.12345679 12.5       ]");
  EXPECT_EQ(text_of(Tensor::from({1e-5, 0.0})), "[1.e-05 0.e+00]");
  EXPECT_EQ(text_of(Tensor::from({1e8, 1.0})), "[1.e+08 1.e+00]");
  EXPECT_EQ(text_of(Tensor::from({99999999.0})), "[99999999.]");
  EXPECT_EQ(text_of(Tensor::from({std::numeric_limits<float>::max(), 1.f})),
            "[3.4028235e+38 1.0000000e+00]");
  EXPECT_EQ(text_of(Tensor::from({5e-324, 1.0})), "[5.e-324 1.e+000]");
  EXPECT_EQ(text_of(Tensor::from({-0.0, 0.5})), "[-0.   0.5]");
  EXPECT_EQ(text_of(Tensor::from({nan, 1.0, -inf})), "[ nan   1. -inf]");
  EXPECT_EQ(text_of(Tensor::from({nan, nan})), "[nan nan]");
  EXPECT_EQ(text_of(Tensor::from({{1, -20}, {300, 4}})), "[[  1 -20]\n [300   4]]");
  EXPECT_EQ(text_of(Tensor::scalar(1.5f)), "1.5");
  EXPECT_EQ(text_of(Tensor(DType::kFloat32, {0, 3})), "[]");
  EXPECT_EQ(text_of(Tensor(DType::kUint8, {1, 1})), "[[0]]");
  EXPECT_EQ(text_of(Tensor::full(DType::kBFloat16, {2}, 1.5)), "[1.5 1.5]");
}

Tensor counted(DType dtype, Shape shape, double step) {
  Tensor result(dtype, shape);
  for (int64_t i = 0; i < result.elements(); ++i) result.set(i, static_cast<double>(i) * step);
  return result;
}

TEST(TensorText, LargeOnesAreCut) {
  EXPECT_EQ(text_of(counted(DType::kFloat32, {1001}, 1)),
            "[   0.    1.    2. ...  998.  999. 1000.]");
  EXPECT_EQ(
      text_of(counted(DType::kFloat32, {40}, 0.25)),
      "[0.   0.25 0.5  0.75 1.   1.25 1.5  1.75 2.   2.25 2.5  2.75 3.   3.25\n 3.5  3.75 4.  "
      " 4.25 4.5  4.75 5.   5.25 5.5  5.75 6.   6.25 6.5  6.75\n 7.   7.25 7.5  7.75 8.   8.25 "
      "8.5  8.75 9.   9.25 9.5  9.75]");
  EXPECT_EQ(text_of(counted(DType::kInt32, {2, 2, 2}, 1)),
            "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]");
  EXPECT_EQ(
      text_of(counted(DType::kInt32, {60, 40}, 1)),
      "[[   0    1    2 ...   37   38   39]\n [  40   41   42 ...   77   78   79]\n [  80   81  "
      " 82 ...  117  118  119]\n ...\n [2280 2281 2282 ... 2317 2318 2319]\n [2320 2321 2322 "
      "... 2357 2358 2359]\n [2360 2361 2362 ... 2397 2398 2399]]");
}

}  // namespace
}  // namespace sinter

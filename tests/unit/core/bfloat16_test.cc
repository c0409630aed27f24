// bfloat16: every one of its values, rounding at ties, and tensors of it.
#include "core/bfloat16.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/scalar_expr.h"
#include "core/tensor.h"

namespace sinter {
namespace {

float value_of(uint32_t bits) {
  return static_cast<float>(std::bit_cast<bfloat16>(static_cast<uint16_t>(bits)));
}

TEST(BFloat16, EveryValueSurvivesFloat32) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = value_of(bits);
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(static_cast<float>(bfloat16(value)))) << bits;
    else
      EXPECT_EQ(bfloat16(value).bits, bits);
  }
}

// Between two neighbours: nearer to one, to the other, and the tie, which goes to the even one.
TEST(BFloat16, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7f80; ++bits) {
    const uint32_t word = bits << 16;
    EXPECT_EQ(bfloat16(std::bit_cast<float>(word | 0x7fff)).bits, bits);
    EXPECT_EQ(bfloat16(std::bit_cast<float>(word | 0x8001)).bits, bits + 1);
    EXPECT_EQ(bfloat16(std::bit_cast<float>(word | 0x8000)).bits, bits + bits % 2);
    EXPECT_EQ(bfloat16(std::bit_cast<float>(word | 0x80008000)).bits, 0x8000 + bits + bits % 2);
  }
  EXPECT_EQ(bfloat16(std::numeric_limits<float>::max()).bits, 0x7f80) << "overflows to infinity";
  // A NaN whose payload lies in the lower half must not become infinity.
  EXPECT_TRUE(std::isnan(static_cast<float>(bfloat16(std::bit_cast<float>(0x7f800001U)))));
}

TEST(BFloat16, TensorsConvert) {
  const Tensor t = Tensor::from<float>(Shape{3}, std::vector<float>{1, -2.5f, 3.14159f});
  const Tensor b = t.cast(DType::kBFloat16);
  EXPECT_EQ(b.bytes(), 6);
  EXPECT_EQ(b.at(1), -2.5);
  EXPECT_EQ(b.at(2), 3.140625);
  EXPECT_EQ(b.cast(DType::kFloat32).data<float>()[2], 3.140625f);
  EXPECT_EQ(parse_dtype("bfloat16"), DType::kBFloat16);
}

// It is for storage: scalar expressions read and write it by casts alone.
TEST(BFloat16, HasNoArithmetic) {
  EXPECT_NO_THROW(
      ScalarExpr::parse("(bfloat16) -> cast<bfloat16>(mul(cast<float32>(a0), 2:float32))"));
  EXPECT_THROW(ScalarExpr::parse("(bfloat16, bfloat16) -> add(a0, a1)"), Error);
  EXPECT_THROW(ScalarExpr::parse("(bfloat16) -> exp(a0)"), Error);
  EXPECT_THROW(ScalarExpr::parse("(bfloat16, bfloat16) -> less(a0, a1)"), Error);
}

}  // namespace
}  // namespace sinter

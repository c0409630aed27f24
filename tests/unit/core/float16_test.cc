// float16: every one of its values, rounding at ties, and tensors of it; what dtypes hold of each other.
#include "core/float16.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/scalar_expr.h"
#include "core/tensor.h"

namespace sinter {
namespace {

TEST(Float16, EveryValueSurvivesFloat32) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = std::bit_cast<float16>(static_cast<uint16_t>(bits));
    const float value = half;
    const uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double sign = bits < 0x8000 ? 1 : -1;
    if (exponent == 31 && fraction != 0) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_TRUE(std::isnan(static_cast<float>(float16(value)))) << bits;
      continue;
    }
    if (exponent == 31)
      EXPECT_EQ(value, sign * HUGE_VAL);
    else if (exponent == 0)
      EXPECT_EQ(value, sign * fraction * 0x1p-24);
    else
      EXPECT_EQ(value, sign * std::ldexp(1024.0 + fraction, static_cast<int>(exponent) - 25));
    EXPECT_EQ(float16(value).bits, bits);
  }
}

// Between two neighbours: nearer to one, to the other, and the tie, which goes to the even one.
TEST(Float16, RoundsToNearestEven) {
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    const double low = static_cast<float>(std::bit_cast<float16>(bits)),
                 high = static_cast<float>(std::bit_cast<float16>(static_cast<uint16_t>(bits + 1)));
    const auto middle = static_cast<float>((low + high) / 2);
    EXPECT_EQ(float16(middle).bits, bits + bits % 2);
    EXPECT_EQ(float16(std::nextafter(middle, 0.0F)).bits, bits);
    EXPECT_EQ(float16(std::nextafter(middle, HUGE_VALF)).bits, bits + 1);
    EXPECT_EQ(float16(-middle).bits, 0x8000 + bits + bits % 2);
  }
  EXPECT_EQ(float16(std::nextafter(65520.0F, 0.0F)).bits, 0x7bff);
  EXPECT_EQ(float16(65520.0F).bits, 0x7c00) << "overflows to infinity";
  EXPECT_EQ(float16(std::numeric_limits<float>::max()).bits, 0x7c00);
  EXPECT_EQ(float16(-std::numeric_limits<float>::denorm_min()).bits, 0x8000);
  // A NaN whose payload lies in what is cut off must not become infinity.
  EXPECT_TRUE(std::isnan(static_cast<float>(float16(std::bit_cast<float>(0x7f800001U)))));
}

TEST(Float16, TensorsConvert) {
  const Tensor t = Tensor::from<float>(Shape{4}, std::vector<float>{1, -2.5f, 3.14159f, 1e6f});
  const Tensor h = t.cast(DType::kFloat16);
  EXPECT_EQ(h.bytes(), 8);
  EXPECT_EQ(h.at(1), -2.5);
  EXPECT_EQ(h.at(2), 3.140625);
  EXPECT_EQ(h.at(3), HUGE_VAL);
  EXPECT_EQ(h.cast(DType::kFloat32).data<float>()[2], 3.140625f);
  EXPECT_EQ(parse_dtype("float16"), DType::kFloat16);
}

// It is for storage: scalar expressions read and write it by casts alone.
TEST(Float16, HasNoArithmetic) {
  EXPECT_NO_THROW(
      ScalarExpr::parse("(float16) -> cast<float16>(mul(cast<float32>(a0), 2:float32))"));
  EXPECT_THROW(ScalarExpr::parse("(float16, float16) -> add(a0, a1)"), Error);
  EXPECT_THROW(ScalarExpr::parse("(float16) -> exp(a0)"), Error);
}

// Every pair of dtypes: is each value of one among those of the other?
TEST(DTypes, HoldEachOtherAsTheirValuesDo) {
  const auto holds = [](DType to, DType from) { return holds_all_of(to, from); };
  for (const DType d : kAllDTypes) {
    EXPECT_TRUE(holds(d, d));
    EXPECT_TRUE(holds(d, DType::kBool));
    EXPECT_EQ(holds(DType::kBool, d), d == DType::kBool);
    EXPECT_EQ(holds(d, DType::kInt64), d == DType::kInt64);
    EXPECT_EQ(holds(d, DType::kFloat64), d == DType::kFloat64);
    EXPECT_EQ(holds(d, DType::kFloat32), d == DType::kFloat32 || d == DType::kFloat64);
    EXPECT_EQ(holds(d, DType::kInt32),
              d == DType::kInt32 || d == DType::kInt64 || d == DType::kFloat64);
  }
  EXPECT_TRUE(holds(DType::kBFloat16, DType::kUint8) && holds(DType::kFloat16, DType::kInt8));
  EXPECT_FALSE(holds(DType::kUint8, DType::kInt8) || holds(DType::kInt8, DType::kUint8));
  EXPECT_FALSE(holds(DType::kFloat16, DType::kBFloat16) || holds(DType::kBFloat16, DType::kFloat16));
  EXPECT_FALSE(holds(DType::kInt32, DType::kFloat16));
}

}  // namespace
}  // namespace sinter

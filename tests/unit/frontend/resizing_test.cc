// Resizing: what tests/keras, of floats, does not say.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <vector>

namespace sinter {
namespace {

// Rounded, and cut to what the dtype holds; the numbers are Keras's.
TEST(ResizingOfIntegers, StaysAmongThem) {
  clear_session();
  const Tensor x = Tensor::from<uint8_t>({1, 1, 6, 1}, {0, 0, 255, 255, 7, 250});
  const auto in = Input({1, 6, 1}, {.dtype = DType::kUint8});
  const auto resized = [&](const char* interpolation) {
    const Tensor y = Model(in, Resizing(1, 8, {.interpolation = interpolation})(in)).predict(x);
    EXPECT_EQ(y.dtype(), DType::kUint8);
    std::vector<double> values;
    for (int64_t i = 0; i < y.elements(); ++i) values.push_back(y.at(i));
    return values;
  };
  EXPECT_EQ(resized("nearest"), (std::vector<double>{0, 0, 0, 255, 255, 7, 7, 250}));
  EXPECT_EQ(resized("bilinear"), (std::vector<double>{0, 0, 96, 255, 255, 100, 98, 250}));
  EXPECT_EQ(resized("bicubic"), (std::vector<double>{0, 0, 88, 255, 255, 75, 80, 255}));
}

}  // namespace
}  // namespace sinter

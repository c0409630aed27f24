// Memory of tensors.
#include "core/tensor.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace sinter {
namespace {

TEST(Tensor, PlaceholdersAreZerosThatMayBeWritten) {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{3}, Shape{1 << 10, 1 << 10}}) {
    Tensor t = Tensor::placeholder(DType::kFloat32, shape);
    EXPECT_TRUE(t.identical(Tensor(DType::kFloat32, shape)));
    if (t.elements() == 0) continue;
    t.set(t.elements() - 1, 2);
    EXPECT_EQ(t.clone().at(t.elements() - 1), 2);
  }
  EXPECT_THROW(Tensor::placeholder(DType::kFloat32, {kBatch, 2}), ShapeError);
}

}  // namespace
}  // namespace sinter

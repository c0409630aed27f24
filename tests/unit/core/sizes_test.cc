// Sizes that no memory holds are errors wherever they come from, and no arithmetic overflows on the
// way (sanitizers watch).
#include <limits>

#include "core/sizes.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/graph.h"
#include "core/tensor.h"
#include "ops/ops.h"

namespace sinter {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t k32 = int64_t{1} << 32, k40 = int64_t{1} << 40, k62 = int64_t{1} << 62;

TEST(Sizes, ArithmeticIsChecked) {
  EXPECT_EQ(checked_sum(2, 3), 5);
  EXPECT_EQ(checked_product(-2, 3), -6);
  EXPECT_THROW(checked_sum(kMax, 1), ShapeError);
  EXPECT_THROW(checked_product(k32, k32), ShapeError);
}

TEST(Sizes, TypesHaveALargestSizeInBytes) {
  EXPECT_NO_THROW(check_type({DType::kBool, Shape{int64_t{1} << 48}}));
  EXPECT_THROW(check_type({DType::kUint8, Shape{(int64_t{1} << 48) + 1}}), ShapeError);
  EXPECT_THROW(check_type({DType::kFloat64, Shape{int64_t{1} << 46}}), ShapeError);
  EXPECT_THROW(check_type({DType::kFloat32, Shape{k32, k32}}), ShapeError);  // 2^64 wraps to 0
  EXPECT_THROW(check_type({DType::kUint8, Shape{3037000500, 3037000500}}), ShapeError);
  EXPECT_THROW(check_type({DType::kFloat32, Shape{-2}}), ShapeError);
  EXPECT_NO_THROW(check_type({DType::kFloat32, Shape{kBatch, 0, 5}}));
  // Strides of an empty shape are products of its other dimensions.
  EXPECT_THROW(check_type({DType::kFloat32, Shape{0, k40, k40}}), ShapeError);
  EXPECT_THROW(check_type({DType::kBool, Shape(std::vector<int64_t>(65, 1))}), ShapeError);
}

TEST(Sizes, Tensors) {
  for (const Shape& shape :
       {Shape{k40, k40}, Shape{kMax}, Shape{kMax / 4}, Shape{k32, k32}, Shape{k62}, Shape{-1}}) {
    EXPECT_THROW(Tensor(DType::kFloat32, shape), ShapeError) << shape.to_string();
    EXPECT_THROW(Tensor::placeholder(DType::kFloat32, shape), ShapeError) << shape.to_string();
    EXPECT_THROW(Tensor::full(DType::kFloat32, shape, 1), ShapeError) << shape.to_string();
  }
}

TEST(Sizes, ResultsOfOps) {
  register_ops();
  Graph g;
  const auto input = [&](Shape shape, DType dtype = DType::kFloat32) {
    return g.input("x" + std::to_string(g.size()), {dtype, std::move(shape)});
  };
  EXPECT_THROW(input({k40, k40}), ShapeError);
  const Symbol small = input({4}), large = input({k40}), index = input({8}, DType::kInt32);
  EXPECT_THROW(broadcast_to(input({1}), Shape{k40, k40}), ShapeError);
  EXPECT_THROW(pad(small, {k62}, {k62}), ShapeError);
  EXPECT_THROW(pad(small, {kMax}, {0}), ShapeError);
  EXPECT_THROW(one_hot(index, k62), ShapeError);
  EXPECT_THROW(reshape(small, Shape{k32, k32, 4}), ShapeError);
  EXPECT_THROW(iota(g, Shape{k62}, 0, DType::kInt32), ShapeError);
  EXPECT_THROW(matmul(reshape(large, {k40, 1}), reshape(large, {1, k40})), ShapeError);
  EXPECT_THROW(gather(reshape(large, {1, k40}), input({k32}, DType::kInt64), 0), ShapeError);
  std::vector<Symbol> many(1 << 9, large);
  EXPECT_THROW(concat(many, 0), ShapeError);
  EXPECT_THROW(g.add1("scatter_add", {index, input({8})}, {{"axis", int64_t{0}}, {"size", k62}}),
               ShapeError);
  // With the batch that it gets, too.
  const Symbol batched = input({kBatch, k32});
  g.add_output("y", (batched + batched).id());
  EXPECT_THROW(specialize(g, k32), ShapeError);
}

TEST(Sizes, AxesCountFromTheFirstDimension) {
  register_ops();
  Graph g;
  const Symbol x = g.input("x", {DType::kFloat32, Shape{2, 3}});
  for (int64_t axis : {int64_t{-3}, int64_t{2}, k32, -k32, kMax}) {
    const std::vector<int64_t> axes = {axis};
    EXPECT_THROW(g.add1("reduce", {x}, {{"kind", std::string("sum")}, {"axes", axes}}), ShapeError);
    EXPECT_THROW(g.add1("arg_reduce", {x}, {{"kind", std::string("argmax")}, {"axis", axis}}),
                 ShapeError);
    EXPECT_THROW(g.add1("concat", {x, x}, {{"axis", axis}}), ShapeError);
    EXPECT_THROW(g.add1("transpose", {x}, {{"perm", std::vector<int64_t>{0, axis}}}), ShapeError);
    EXPECT_THROW(g.add1("contract", {x, x}, {{"lhs_contract", axes}, {"rhs_contract", axes}}),
                 ShapeError);
    EXPECT_THROW(g.add1("softmax", {x}, {{"axis", axis}}), ShapeError);
    EXPECT_THROW(g.add1("mean", {x}, {{"axes", axes}}), ShapeError);
  }
  // The last one by its other name: what is stored counts from the first.
  const Symbol last =
      g.add1("reduce", {x}, {{"kind", std::string("sum")}, {"axes", std::vector<int64_t>{-1}}});
  EXPECT_EQ(g.node(last.id()).attributes.get_ints("axes"), (std::vector<int64_t>{1}));
  const Symbol index =
      g.add1("iota", {}, {{"shape", Shape{2, 3}}, {"axis", int64_t{-1}}, {"dtype", DType::kInt32}});
  EXPECT_EQ(g.node(index.id()).attributes.get_int("axis"), 1);
  const Symbol product = g.add1(
      "contract", {x, x},
      {{"lhs_contract", std::vector<int64_t>{-1}}, {"rhs_contract", std::vector<int64_t>{-1}}});
  EXPECT_EQ(g.node(product.id()).attributes.get_ints("rhs_contract"), (std::vector<int64_t>{1}));
  // Builders take both kinds.
  EXPECT_EQ(sum(x, {-1}).shape(), (Shape{2}));
  EXPECT_EQ(softmax(x, -1).shape(), x.shape());
}

// One that is takes one element, as the dimension does, and overflows where it is multiplied.
TEST(Sizes, AStrideIsStoredNoLongerThanItsDimension) {
  register_ops();
  Graph g;
  const Symbol x = g.input("x", {DType::kFloat32, Shape{5}});
  const Symbol y = slice(x, 0, 1, 5, kMax);
  EXPECT_EQ(y.shape(), (Shape{1}));
  EXPECT_EQ(g.node(y.id()).attributes.get_ints("stride"), (std::vector<int64_t>{5}));
  EXPECT_THROW(slice(x, 0, 1, 5, 0), ShapeError);
}

}  // namespace
}  // namespace sinter

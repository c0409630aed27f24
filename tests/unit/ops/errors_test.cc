// Errors of shapes name the op that was called and where, whatever it becomes in the graph.
#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "core/graph.h"
#include "ops/ops.h"
#include "tests/support/error_of.h"

namespace sinter {
namespace {

std::string error_of(const auto& action) { return testing::error_of<ShapeError>(action); }

TEST(OpErrors, NameTheCallAndItsPlace) {
  Graph graph;
  graph.set_origin(std::make_shared<const Origin>(Origin{"fc1", "train.cc", 23}));
  const Symbol x = graph.input("x", {DType::kFloat32, {kBatch, 3}});
  const Symbol y = graph.input("y", {DType::kFloat32, {kBatch, 4}});
  const Symbol flag = graph.input("flag", {DType::kBool, {kBatch, 5}});
  const Symbol cube = graph.input("cube", {DType::kFloat32, {2, 3, 4}});
  const Symbol wide = graph.input("wide", {DType::kFloat32, {kBatch, 3, 4}});
  const Symbol index = graph.input("index", {DType::kInt32, {5}});
  const Symbol other = graph.input("other", {DType::kFloat32, {3, 4, 2}});
  const std::vector<std::pair<const char*, std::string>> errors = {
      {"matmul", error_of([&] { matmul(x, y); })},
      {"matmul", error_of([&] { matmul(cube, other); })},
      {"matmul", error_of([&] { matmul(cube, x); })},
      {"select", error_of([&] { select(flag, x, 1.0); })},
      {"select", error_of([&] { select(x > 0, x, y); })},
      {"add", error_of([&] { x + y; })},
      {"maximum", error_of([&] { maximum(x, y); })},
      {"sum", error_of([&] { sum(x, 2); })},
      {"reduce_max", error_of([&] { reduce_max(x, -3); })},
      {"mean", error_of([&] {
         mean(x, {0, 5});
       })},
      {"argmax", error_of([&] { argmax(x, 2); })},
      {"concat: float32[batch,3] has no axis -3", error_of([&] {
         concat(std::vector{x, y}, -3);
       })},
      {"concat: axis -2 of float32[batch,3] is the batch", error_of([&] {
         concat(std::vector{x, y}, -2);
       })},
      {"concat(float32[2,3,4], float32[batch,3,4]): dimension 0 of input 1 is batch, that of input "
       "0 is 2",
       error_of([&] {
         concat(std::vector{cube, wide}, -1);
       })},
      {"gather: float32[batch,3] has no axis 2", error_of([&] { gather(x, index, 2); })},
      {"gather: axis -2 of float32[batch,3] is the batch", error_of([&] { gather(x, index, -2); })},
      {"gather: axis 0 of float32[batch,3] is the batch", error_of([&] { gather(x, index); })},
      {"gather(float32[batch,3], int32[5]): batch_dims must be between 0 and 1, which axis and the "
       "rank of indices allow, found 2",
       error_of([&] { gather(x, index, 1, 2); })},
      {"gather(float32[batch,3], int32[5]): batch_dims must be between 0 and 1, which axis and the "
       "rank of indices allow, found -1",
       error_of([&] { gather(x, index, 1, -1); })},
      {"gather(float32[2,3,4], int32[5]): batch_dims must be between 0 and 0, which axis and the "
       "rank of indices allow, found 1",
       error_of([&] { gather(cube, index, 0, 1); })},
      {"gather(float32[batch,3], int32[5]): both must begin with the same dimensions, the first 1 "
       "(batch_dims)",
       error_of([&] { gather(x, index, 1, 1); })},
      {"scatter_add(int32[5], float32[2,3,4]): batch_dims must be between 0 and 1, which axis and "
       "the rank of indices allow, found 2",
       error_of([&] {
         graph.add1("scatter_add", {index, cube},
                    {{"axis", int64_t{1}}, {"size", int64_t{4}}, {"batch_dims", int64_t{2}}});
       })},
      {"scatter_add(int32[5], float32[2,3,4]): both must begin with the same dimensions, the first "
       "1 (batch_dims)",
       error_of([&] {
         graph.add1("scatter_add", {index, cube},
                    {{"axis", int64_t{1}}, {"size", int64_t{4}}, {"batch_dims", int64_t{1}}});
       })},
      {"squeeze: float32[batch,3] has no axis -3", error_of([&] { squeeze(x, -3); })},
      {"squeeze: axis -1 of float32[batch,3] is not 1", error_of([&] { squeeze(x, -1); })},
      {"expand_dims: float32[batch,3] has no place for axis -4",
       error_of([&] { expand_dims(x, -4); })},
      {"softmax: float32[batch,3] has no axis 2", error_of([&] { softmax(x, 2); })},
      {"log_softmax: float32[batch,3] has no axis -3", error_of([&] { log_softmax(x, -3); })},
      {"transpose: float32[batch,3] has no axis 2", error_of([&] {
         transpose(x, {1, 2});
       })},
      {"slice: float32[batch,3] has no axis 7", error_of([&] { slice(x, 7, 0, 1); })},
      {"glu: float32[batch,3] has no axis 2", error_of([&] { glu(x, 2); })},
      {"glu splits axis -1 of float32[batch,3]", error_of([&] { glu(x, -1); })},
      {"sparsemax: float32[batch,3] has no axis 2", error_of([&] { sparsemax(x, 2); })},
      {"size: float32[batch,3] has no axis 2", error_of([&] { size(x, 2); })},
      {"batch_norm_inference: float32[batch,3] has no axis 2",
       error_of([&] { batch_norm_inference(x, x, x, x, x, 0.1, 2); })},
  };
  for (const auto& [op, text] : errors) {
    EXPECT_EQ(text.find("'fc1' (train.cc:23): " + std::string(op)), 0u) << text;
    EXPECT_EQ(text.find("contract"), std::string::npos) << text;
    EXPECT_EQ(text.find("[-1"), std::string::npos) << text;
  }
}

// However it is written: as the same number, or from the other end.
TEST(OpErrors, AnAxisGivenTwiceIsNamedByTheOp) {
  Graph graph;
  graph.set_origin(std::make_shared<const Origin>(Origin{"fc1", "train.cc", 23}));
  const Symbol x = graph.input("x", {DType::kFloat32, {kBatch, 3, 4}});
  const auto axis = [](const char* op, const char* list) {
    return std::string("'fc1' (train.cc:23): ") + op +
           ": axis 1 of float32[batch,3,4] is given twice, in [" + list + "]";
  };
  using Reduction = Symbol (*)(OpInput, Axes, bool);
  const std::pair<const char*, Reduction> reductions[] = {{"sum", sum},
                                                          {"prod", prod},
                                                          {"reduce_max", reduce_max},
                                                          {"reduce_min", reduce_min},
                                                          {"mean", mean},
                                                          {"variance", variance},
                                                          {"norm", norm}};
  for (const auto& [op, reduction] : reductions) {
    const int32_t nodes = graph.size();
    EXPECT_EQ(error_of([&] { reduction(x, {1, 1}, false); }), axis(op, "1, 1"));
    EXPECT_EQ(error_of([&] { reduction(x, {1, 2, -2}, true); }), axis(op, "1, 2, -2"));
    EXPECT_EQ(graph.size(), nodes) << op;
  }
  EXPECT_EQ(error_of([&] { normalize(x, {-2, 1}); }), axis("normalize", "-2, 1"));
  EXPECT_EQ(error_of([&] { transpose(x, {0, 1, 1}); }), axis("transpose", "0, 1, 1"));
  // Nodes that are made without these functions.
  const std::vector<int64_t> twice = {1, 1};
  for (const char* op : {"mean", "variance", "norm", "normalize", "reduce"}) {
    Attributes attributes{{"axes", twice}};
    if (op == std::string("reduce")) attributes.set("kind", std::string("sum"));
    EXPECT_NE(error_of([&] { graph.add1(op, {x}, attributes); }).find("axis 1 is given twice"),
              std::string::npos)
        << op;
  }
}

// An index must be an element of its dtype.
TEST(OpErrors, IndicesFitTheirDtype) {
  Graph graph;
  const int64_t most = std::numeric_limits<int32_t>::max();
  const Symbol long_one = graph.input("long", {DType::kUint8, {most}});
  const Symbol longer = graph.input("longer", {DType::kUint8, {most + 1}});
  EXPECT_EQ(argmax(long_one, 0).dtype(), DType::kInt32);
  EXPECT_NE(error_of([&] { argmax(longer, 0); }).find("more than int32 counts"), std::string::npos);
  EXPECT_EQ(iota(graph, {most, 1}, 0).dtype(), DType::kInt32);
  EXPECT_NE(error_of([&] { iota(graph, {most + 2}, 0); }), "no error");
  EXPECT_NE(error_of([&] { iota(graph, {257}, 0, DType::kUint8); }), "no error");
  EXPECT_EQ(iota(graph, {256}, 0, DType::kUint8).dtype(), DType::kUint8);
  EXPECT_EQ(iota(graph, {most + 2}, 0, DType::kInt64).dtype(), DType::kInt64);
}

}  // namespace
}  // namespace sinter

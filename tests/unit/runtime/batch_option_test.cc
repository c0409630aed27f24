// The batch that a graph is compiled and loaded for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

TEST(BatchOption, MustNotBeNegative) {
  register_ops();
  Graph graph("g");
  const Symbol x = graph.input("x", {DType::kFloat32, {kBatch, 2}});
  graph.add_output("y", (x * 2.0).id());
  for (const int64_t batch : {int64_t{-1}, int64_t{-2}, INT64_MIN}) {
    try {
      load_executable(graph, {.batch = batch});
      FAIL();
    } catch (const InternalError&) {
      FAIL() << "an internal error for batch " << batch;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("the batch must not be negative"));
    }
    EXPECT_THROW(compile(graph, {.batch = batch}), Error);
  }
  // No rows are a batch like any other: nothing comes of it.
  const auto none = compile(graph, {.batch = 0});
  const std::vector<Tensor> inputs = {Tensor(DType::kFloat32, {0, 2})};
  EXPECT_EQ(none->run(inputs).at(0).shape(), (Shape{0, 2}));
}

}  // namespace
}  // namespace sinter

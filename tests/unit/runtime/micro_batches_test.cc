// Large batches as one micro-batch after the other: which graphs may be run that way, and that the
// results are those of a run of all rows.
#include "runtime/micro_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "core/error.h"
#include "core/independent_rows.h"
#include "core/memory_limit.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"
#include "runtime/memory_need.h"
#include "runtime/recording.h"
#include "runtime/thread_pool.h"
#include "tests/support/graph_runs.h"

namespace sinter {
namespace {

using testing_support::compare;
using testing_support::Feeds;
using testing_support::random_feeds;
using testing_support::run_reference;

ValueType float32(Shape shape) { return {DType::kFloat32, std::move(shape)}; }

bool independent(const Graph& graph) {
  return has_independent_rows(in_kernel_ops(graph, "inference"), RowNumbers::kRefused);
}

Graph of(const std::function<Symbol(Graph&, Symbol)>& make, Shape shape = {kBatch, 4, 6}) {
  register_ops();
  Graph graph("g");
  const Symbol x = graph.input("x", float32(std::move(shape)));
  graph.add_output("y", make(graph, x).id());
  return graph;
}

TEST(IndependentRows, OfWhatLooksAtOneRow) {
  const auto weights = [](Graph& g, Shape shape) { return g.variable("w", float32(shape)); };
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return relu(x) * 2.0; })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return softmax(x); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return softmax(x, 1); })));
  EXPECT_TRUE(independent(of([&](Graph& g, Symbol x) { return dense(x, weights(g, {6, 5})); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return matmul(x, x, false, true); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return sum(x, {1, 2}); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return argmax(x); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return transpose(x, {0, 2, 1}); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return transpose(transpose(x)); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return slice(x, 1, 1, 3); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return pad(x, {0, 1, 0}, {0, 0, 2}); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return concat({x, exp(x)}, 2); })));
  EXPECT_TRUE(independent(of([](Graph&, Symbol x) { return reshape(x, {kBatch, 24}) + 1.0; })));
  EXPECT_TRUE(independent(of([&](Graph& g, Symbol x) { return x + weights(g, {4, 6}); })));
  EXPECT_TRUE(independent(of(
      [&](Graph& g, Symbol x) {
        return max_pool(convolution(x, weights(g, {3, 3, 2, 5}), {.low = {1, 1}, .high = {1, 1}}),
                        {2, 2}, {.strides = {2, 2}});
      },
      {kBatch, 8, 8, 2})));
  EXPECT_TRUE(independent(of([&](Graph& g, Symbol x) {
    return gather(weights(g, {9, 3}), cast(x * 2.0, DType::kInt32));
  })));
  EXPECT_TRUE(independent(of(
      [](Graph&, Symbol x) { return gather(x, cast(slice(x, 2, 0, 1), DType::kInt32), 1, 1); })));
}

TEST(IndependentRows, NotWhereRowsMeetOrAreCounted) {
  EXPECT_FALSE(independent(of([](Graph&, Symbol x) { return sum(x, {0}); })));
  EXPECT_FALSE(independent(of([](Graph&, Symbol x) { return sum(x); })));
  EXPECT_FALSE(independent(of([](Graph&, Symbol x) { return x - mean(x, {0}, true); })));
  EXPECT_FALSE(independent(of([](Graph&, Symbol x) { return softmax(x, 0); })));
  EXPECT_FALSE(independent(of([](Graph&, Symbol x) { return x / size(x, 0); })));
  EXPECT_FALSE(independent(of([](Graph&, Symbol x) { return x - reduce_max(x, {0}, true); })));
  EXPECT_FALSE(independent(
      of([](Graph&, Symbol x) { return matmul(x, matmul(x, x, true, false)); }, {kBatch, 6})));
  EXPECT_FALSE(independent(of([](Graph&, Symbol x) { return transpose(x, {1, 0, 2}); })));
  EXPECT_FALSE(
      independent(of([](Graph&, Symbol x) { return matmul(x, x, true, false); }, {kBatch, 6})));
  EXPECT_FALSE(
      independent(of([](Graph&, Symbol x) { return matmul(x, x, false, true); }, {kBatch, 6})));
  EXPECT_FALSE(independent(of([](Graph& g, Symbol x) {
    return x + cast(iota(g, {kBatch, 4, 6}, 0), DType::kFloat32);
  })));
  EXPECT_FALSE(independent(of([](Graph& g, Symbol x) {
    const Symbol state = g.variable("state", {DType::kInt64, {2}});
    return x * random_uniform(state, {kBatch, 4, 6}, 0);
  })));
  // A result without rows.
  EXPECT_FALSE(
      independent(of([](Graph& g, Symbol) { return g.variable("w", float32({3})) * 2.0; })));
}

TEST(IndependentRows, NotWhereAVariableIsUpdated) {
  Graph graph = of([](Graph&, Symbol x) { return relu(x); });
  const Symbol count = graph.variable("count", float32({}));
  graph.add_update(count.id().node, (count + 1.0).id());
  EXPECT_FALSE(independent(graph));
}

// Two blocks of convolution and pooling, softmax; a second input is the same for all rows.
Graph network() {
  register_ops();
  Graph g("network");
  Symbol x = g.input("x", float32({kBatch, 12, 12, 8}));
  const Symbol scale = g.input("scale", float32({8}));
  x = x * scale;
  for (int i = 0; i < 2; ++i) {
    const std::string n = std::to_string(i);
    const Symbol kernel = g.variable("kernel" + n, float32({3, 3, 8, 8}));
    const Symbol bias = g.variable("bias" + n, float32({8}));
    x = relu(convolution(x, kernel * 0.1, {.low = {1, 1}, .high = {1, 1}}) + bias);
    x = max_pool(x, {2, 2}, {.strides = {2, 2}});
  }
  const Symbol logits =
      dense(reshape(x, {kBatch, 3 * 3 * 8}), g.variable("w", float32({3 * 3 * 8, 10})) * 0.1);
  g.add_output("y", softmax(logits).id());
  g.add_output("best", argmax(logits).id());
  return g;
}

const Feeds& feeds_of(int64_t rows) {
  static std::map<int64_t, Feeds> all;
  const auto found = all.find(rows);
  if (found != all.end()) return found->second;
  return all[rows] = random_feeds(specialize(network(), rows), 5, -1, 1);
}

std::unique_ptr<Executable> compiled(int64_t rows, const std::string& backend = "auto") {
  auto executable =
      compile(network(),
              {.backend = backend, .batch = rows, .cache = false, .micro_batch_bytes = 16 << 10});
  executable->bind(feeds_of(rows).variables);
  return executable;
}

class MicroBatches : public testing::TestWithParam<std::string> {};

TEST_P(MicroBatches, GiveWhatAllRowsGive) {
  for (const int64_t rows : {96, 160}) {
    const auto executable = compiled(rows, GetParam());
    const MicroBatchKernel* parts = micro_batches_of(executable->program());
    ASSERT_NE(parts, nullptr) << executable->to_string();
    const Graph& part = parts->program().graph;
    EXPECT_EQ(parts->pieces(0) * part.type({part.inputs()[0], 0}).shape[0], rows);
    const Feeds& feeds = feeds_of(rows);
    EXPECT_EQ(compare(executable->run(feeds.inputs),
                      run_reference(specialize(network(), rows), feeds), 1e-4),
              "")
        << rows;
  }
}

TEST_P(MicroBatches, HaveTheSameBitsForAnyNumberOfThreads) {
  const int before = threads();
  const auto executable = compiled(96, GetParam());
  std::vector<std::vector<Tensor>> results;
  for (const int count : {1, 2, 3, 8}) {
    set_threads(count);
    results.push_back(executable->run(feeds_of(96).inputs));
  }
  set_threads(before);
  for (const auto& result : results) EXPECT_EQ(compare(result, results[0], 0), "");
}

INSTANTIATE_TEST_SUITE_P(Backends, MicroBatches, testing::Values("auto", "reference"),
                         [](const auto& info) { return info.param; });

TEST(MicroBatchPrograms, FollowChangesOfVariables) {
  const auto executable = compiled(96);
  Feeds feeds = feeds_of(96);
  for (Tensor& v : feeds.variables) v = v.clone();
  const auto version = std::make_shared<std::atomic<uint64_t>>(0);
  executable->bind(feeds.variables, version);
  const std::vector<Tensor> before = executable->run(feeds.inputs);
  for (float& v : feeds.variables.back().data<float>()) v = -v;
  ++*version;
  const std::vector<Tensor> after = executable->run(feeds.inputs);
  EXPECT_NE(compare(after, before, 1e-3), "");
  EXPECT_EQ(compare(after, run_reference(specialize(network(), 96), feeds), 1e-4), "");
}

TEST(MicroBatchPrograms, TakeLessMemoryThanAllRows) {
  const auto executable = compiled(160);
  const MicroBatchKernel* parts = micro_batches_of(executable->program());
  ASSERT_NE(parts, nullptr);
  const Graph all = lower(network(), {.backend = "auto", .batch = 160});
  EXPECT_LT(4 * parts->workspace_bytes(), working_memory(all));
}

TEST(MicroBatchPrograms, AreForLargeBatchesAlone) {
  EXPECT_EQ(micro_batches_of(compiled(4)->program()), nullptr);
  // A prime number of rows has no parts.
  EXPECT_EQ(micro_batches_of(compiled(131)->program()), nullptr);
}

// Two rows of these are 8 MiB and more: no cache holds them, and threads would hold many.
TEST(MicroBatchPrograms, AreOfSmallRowsAlone) {
  const auto rows_of = [](int64_t side) {
    const Graph graph = of([](Graph&, Symbol x) { return exp(sum(x * 2.0, {3}, true) + x); },
                           {kBatch, side, side, 8});
    const Graph whole = lower(graph, {.backend = "auto", .batch = 64});
    return rows_of_micro_batch(whole, 64, 512 << 10);
  };
  EXPECT_LT(rows_of(64), 64);
  EXPECT_EQ(rows_of(512), 64);
}

TEST(MicroBatchPrograms, CountAgainstTheMemoryLimit) {
  const Graph graph = network();
  const Graph whole = lower(graph, {.backend = "auto", .batch = 160}),
              part = lower(graph, {.backend = "auto", .batch = 2});
  EXPECT_NO_THROW(check_memory_need(whole, part, 2));
  EXPECT_THROW(check_memory_need(whole, part, int64_t{1} << 40), MemoryError);
}

TEST(MicroBatchPrograms, AreShownKernelByKernel) {
  const auto executable = compiled(96);
  EXPECT_THAT(executable->to_string(), testing::HasSubstr("micro-batches of"));
  EXPECT_THAT(executable->to_string(), testing::HasSubstr("arg_reduce"));
  ASSERT_TRUE(start_recording());
  executable->run(feeds_of(96).inputs);
  const Recording recording = stop_recording();
  ASSERT_EQ(recording.runs.size(), 1u);
  // Each step of each micro-batch, within the slice of the micro-batch on the same thread.
  const MicroBatchKernel* parts = micro_batches_of(executable->program());
  int64_t steps = 0;
  for (const RecordedSlice& inner : recording.runs[0].slices) {
    if (inner.program != &parts->program()) continue;
    ++steps;
    EXPECT_TRUE(std::ranges::any_of(recording.runs[0].slices, [&](const RecordedSlice& outer) {
      return outer.program == &executable->program() && outer.thread == inner.thread &&
             outer.piece == inner.piece && outer.begin <= inner.begin && inner.end <= outer.end;
    }));
  }
  const auto of_run = std::ranges::count_if(parts->program().steps,
                                            [](const Step& step) { return !step.prologue; });
  EXPECT_EQ(steps, of_run * parts->count());
}

}  // namespace
}  // namespace sinter

// What export_inference() writes is fused for any batch size: of inputs of any rank, and where
// values are read through views.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/graph.h"
#include "core/model_file.h"
#include "core/text.h"
#include "frontend/sinter.h"
#include "runtime/compile_options.h"
#include "runtime/load.h"
#include "runtime/micro_batches.h"
#include "tests/support/graph_runs.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wave.h"

namespace sinter {
namespace {

int64_t count(const Graph& graph, KernelOp op) {
  return std::ranges::count_if(graph.nodes(), [&](const Node& n) { return n.is(op); });
}

// The exported graph, run for two batch sizes beside predict().
Graph exported(const Model& model, const Shape& sample) {
  const testing::TemporaryFolder folder;
  model.export_inference(folder.file("e.sinter"));
  const ModelFile file = load_model_file(folder.file("e.sinter"));
  const Graph graph = *file.find_graph("inference");
  for (const int64_t batch : {1, 6}) {
    std::vector<int64_t> dims = sample.dims();
    dims.insert(dims.begin(), batch);
    const Tensor x = wave(Shape(dims), 3);
    CompileOptions options;
    options.batch = batch;
    const auto executable = load_executable(graph, options);
    executable->bind(variables_from_file(file, executable->graph()));
    EXPECT_EQ(testing_support::compare(executable->run(std::span(&x, 1)), {model.predict(x)}, 1e-6),
              "")
        << batch << "\n"
        << to_text(graph);
  }
  return graph;
}

TEST(ExportedFusion, DenseOnSequencesIsOneKernelALayer) {
  const KerasTensor in = Input({5, 6});
  const Model model(in, Dense(3, "softmax")(Dense(8, "relu")(in)));
  const Graph graph = exported(model, {5, 6});
  EXPECT_EQ(count(graph, KernelOp::kFusion), 2) << to_text(graph);
  EXPECT_EQ(count(graph, KernelOp::kContract) + count(graph, KernelOp::kMap), 0) << to_text(graph);
}

TEST(ExportedFusion, LargeBatchesRunInMicroBatches) {
  const KerasTensor in = Input({24, 24, 16});
  const Model model(in, Dense(3)(Flatten()(Conv2D(16, 3, {.padding = "same"})(in))));
  const testing::TemporaryFolder folder;
  model.export_inference(folder.file("e.sinter"));
  const ModelFile file = load_model_file(folder.file("e.sinter"));
  const auto executable = load_executable(*file.find_graph("inference"), {.batch = 96});
  EXPECT_NE(micro_batches_of(executable->program()), nullptr) << executable->to_string();
  executable->bind(variables_from_file(file, executable->graph()));
  const Tensor x = wave({96, 24, 24, 16}, 3);
  EXPECT_EQ(testing_support::compare(executable->run({x}), {model.predict(x)}, 1e-5), "");
}

TEST(ExportedFusion, GatesAreReadWhereTheyLie) {
  const KerasTensor in = Input({7});
  const Model model(in, Dense(3)(Activation("glu")(Dense(32)(in))));
  const Graph graph = exported(model, {7});
  EXPECT_EQ(count(graph, KernelOp::kFusion), 3) << to_text(graph);
  EXPECT_EQ(count(graph, KernelOp::kSlice), 0) << to_text(graph);
}

TEST(ExportedFusion, ChannelsOfImagesAndStepsOfSequences) {
  const KerasTensor in = Input({4, 6, 16});
  const KerasTensor gain = Dense(16, "sigmoid")(in);
  const Model model(in, BatchNormalization({.axis = 1})(in * gain + relu(in)));
  const Graph graph = exported(model, {4, 6, 16});
  EXPECT_EQ(count(graph, KernelOp::kBroadcast), 0) << to_text(graph);
}

}  // namespace
}  // namespace sinter

// Models with products in bfloat16 on their way through files: saved, loaded, exported, run by core
// and runtime alone, and in the tool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/graph.h"
#include "core/model_file.h"
#include "core/philox.h"
#include "frontend/sinter.h"
#include "runtime/load.h"
#include "tests/e2e/backends.h"
#include "tests/support/graph_runs.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::compare;

// What link_run_inference gives its graph.
Tensor ramp(int64_t rows) {
  Tensor x(DType::kFloat32, {rows, 37});
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i % 256) / 64);
  return x;
}

Tensor labels(int64_t rows) {
  Tensor y(DType::kInt64, {rows});
  for (int64_t i = 0; i < rows; ++i) y.set(i, static_cast<double>(i % 3));
  return y;
}

// An activation that feeds two layers, a normalisation that is folded, rows of odd length.
Model network(const std::string& mixed_precision) {
  clear_session();
  set_random_seed(7);
  const KerasTensor x = Input({37});
  KerasTensor h = Dropout(0.2)(Dense(40, {.activation = "relu"})(x));
  h = Add()({BatchNormalization()(Dense(40, {.use_bias = false})(h)),
             Dense(40, {.activation = "tanh"})(h)});
  const Model model(x, Dense(3, {.activation = "softmax"})(h));
  model.compile({.optimizer = Adam(1e-2),
                 .loss = "sparse_categorical_crossentropy",
                 .mixed_precision = mixed_precision});
  for (int step = 0; step < 3; ++step) model.train_on_batch(ramp(24), labels(24));
  return model;
}

class MixedPrecision : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return folder_.file(name); }
  /// By the program that links sinter::runtime alone.
  std::vector<Tensor> run(const std::string& name, int64_t rows, const std::string& backend,
                          const std::string& cpu = "") const {
    const ProcessResult result = run_process(
        {SINTER_BINARY_DIR "/tests/link_run_inference", file(name), std::to_string(rows), backend},
        cpu.empty() ? std::vector<std::string>{} : std::vector{"SINTER_CPU=" + cpu});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::istringstream lines(result.out);
    Tensor y(DType::kFloat32, {rows, 3});
    double value = 0;
    for (int64_t i = 0; i < y.elements(); ++i) {
      EXPECT_TRUE(lines >> value);
      y.set(i, value);
    }
    return {y};
  }

  TemporaryFolder folder_;
};

// Sums of the same products, in another order at most. Rounding turns an activation the other way
// where that order moves it over the middle between two bfloat16.
constexpr double kSameProducts = 2e-4;

TEST_F(MixedPrecision, FilesRunByTheRuntimeAlonePredictAsTheModel) {
  const Model model = network("bfloat16");
  model.export_inference(file("exported.sinter"));
  model.save(file("model.sinter"));
  for (const int64_t rows : {1, 5, 24}) {
    const std::vector<Tensor> expected = {model.predict(ramp(rows))};
    for (const std::string& backend : tested_backends()) {
      SCOPED_TRACE(backend + " " + std::to_string(rows));
      const std::vector<Tensor> found = run("exported.sinter", rows, backend);
      EXPECT_EQ(compare(found, expected, kSameProducts), "");
      EXPECT_EQ(compare(run("model.sinter", rows, backend), found, 0), "");
    }
  }
  // The same kernels in both where nothing is widened: the same bits.
  if (target_of("auto").contracts_bfloat16)
    EXPECT_EQ(compare(run("exported.sinter", 24, "auto"), {model.predict(ramp(24))}, 0), "");
}

TEST_F(MixedPrecision, ExportedProductsAreOfBFloat16) {
  const Model model = network("bfloat16");
  model.export_inference(file("mixed.sinter"));
  const ModelFile mixed = load_model_file(file("mixed.sinter"));
  int products = 0;
  for (const Node& node : mixed.find_graph("inference")->nodes()) {
    const bool product =
        node.is(KernelOp::kContract) ||
        (node.is(KernelOp::kFusion) && node.attributes.get_string("kind") == "contract");
    if (!product) continue;
    ++products;
    EXPECT_EQ(mixed.find_graph("inference")->type(node.inputs[0]).dtype, DType::kBFloat16);
  }
  EXPECT_EQ(products, 4);
  for (const NamedTensor& t : mixed.tensors)
    EXPECT_NE(t.tensor.dtype(), DType::kBFloat16) << t.name;
  // The same weights in float32 predict something else.
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  model.export_inference(file("float32.sinter"));
  EXPECT_NE(compare(run("float32.sinter", 5, "reference"), run("mixed.sinter", 5, "reference"),
                    kSameProducts),
            "");
  EXPECT_EQ(compare(run("float32.sinter", 5, "reference"), {model.predict(ramp(5))}, 1e-5), "");
}

#if SINTER_WITH_LLVM
// CPUs without products of bfloat16: the file runs there too, its products widened.
TEST_F(MixedPrecision, ExportedFilesRunOnOtherCpus) {
  const Model model = network("bfloat16");
  model.export_inference(file("e.sinter"));
  const std::vector<Tensor> expected = {model.predict(ramp(24))};
  for (const char* cpu : {"x86-64", "x86-64-v3"})
    EXPECT_EQ(compare(run("e.sinter", 24, "llvm", cpu), expected, kSameProducts), "") << cpu;
}
#endif

TEST_F(MixedPrecision, LoadedModelsKeepIt) {
  const Model model = network("bfloat16");
  model.save(file("m.sinter"));
  const Tensor before = model.predict(ramp(24));
  const Model loaded = load_model(file("m.sinter"));
  EXPECT_EQ(loaded.compile_arguments().mixed_precision, "bfloat16");
  EXPECT_EQ(compare({loaded.predict(ramp(24))}, {before}, 0), "");
  // And go on as if nothing had happened.
  EXPECT_EQ(loaded.train_on_batch(ramp(24), labels(24))["loss"],
            model.train_on_batch(ramp(24), labels(24))["loss"]);
  EXPECT_EQ(compare({loaded.predict(ramp(24))}, {model.predict(ramp(24))}, 0), "");
}

// It is an argument of compile(): without those the model predicts in float32.
TEST_F(MixedPrecision, GoesWithTheArgumentsOfCompile) {
  const Model model = network("bfloat16");
  model.save(file("weights.sinter"), {.include_optimizer = false});
  model.save(file("whole.sinter"));
  const Tensor mixed = model.predict(ramp(24));
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  const Tensor plain = model.predict(ramp(24));
  EXPECT_NE(compare({mixed}, {plain}, kSameProducts), "");
  for (const Model& loaded :
       {load_model(file("weights.sinter")), load_model(file("whole.sinter"), {.compile = false})}) {
    EXPECT_FALSE(loaded.is_compiled());
    EXPECT_EQ(compare({loaded.predict(ramp(24))}, {plain}, 0), "");
    loaded.compile({.optimizer = "adam",
                    .loss = "sparse_categorical_crossentropy",
                    .mixed_precision = "bfloat16"});
    EXPECT_EQ(compare({loaded.predict(ramp(24))}, {mixed}, 0), "");
  }
}

TEST_F(MixedPrecision, DumpsShowWhatTheModelRuns) {
  network("bfloat16").save(file("mixed.sinter"));
  network("").save(file("plain.sinter"));
  const auto dump = [&](const std::string& name, const std::string& graph,
                        std::vector<std::string> more) {
    std::vector<std::string> arguments = {"dump", file(name), "--graph", graph};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = run_sinter(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  for (const char* graph : {"inference", "training"}) {
    EXPECT_THAT(dump("mixed.sinter", graph, {"--after", "lower_precision"}), HasSubstr("bfloat16"));
    EXPECT_THAT(dump("plain.sinter", graph, {"--after", "lower_precision"}),
                Not(HasSubstr("bfloat16")));
    EXPECT_THAT(dump("plain.sinter", graph,
                     {"--after", "lower_precision", "--mixed-precision", "bfloat16"}),
                HasSubstr("bfloat16"));
  }
  EXPECT_THAT(dump("mixed.sinter", "inference", {"--kernels", "--backend", "reference"}),
              HasSubstr("bfloat16"));
}

}  // namespace
}  // namespace sinter::testing

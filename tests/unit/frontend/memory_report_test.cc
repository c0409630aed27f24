// memory_report(): what it says before a run against what the run has allocated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "core/tensor_memory.h"
#include "frontend/model_state.h"
#include "tests/unit/runtime/allocations.h"

namespace sinter {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Case {
  std::string name;
  Model (*build)();
  Shape row;
  int64_t batch;
  bool training;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Model compiled(Model model, const Optimizer& optimizer) {
  model.compile(
      {.optimizer = optimizer, .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  return model;
}

Model mlp() {
  auto x = Input({784});
  auto h = x;
  for (int i = 0; i < 3; ++i) h = Dense(128, "relu")(h);
  return compiled(Model(x, Dense(10, "softmax")(h)), Adam(1e-3));
}

Model cnn() {
  auto x = Input({28, 28, 1});
  auto h = x;
  for (const int64_t filters : {32, 64}) {
    for (int i = 0; i < 2; ++i)
      h = Conv2D(filters, 3, {.padding = "same", .activation = "relu"})(h);
    h = MaxPooling2D()(h);
  }
  return compiled(Model(x, Dense(10, "softmax")(Dense(128, "relu")(Flatten()(h)))), Adam(1e-3));
}

// With about half the activations.
Model cnn_within_budget() {
  const Model model = cnn();
  CompileArguments arguments = model.compile_arguments();
  arguments.memory_budget = 54 << 20;
  model.compile(arguments);
  return model;
}

Model normalized() {
  auto x = Input({64});
  auto h = x;
  for (int i = 0; i < 3; ++i) h = Dropout(0.5)(ReLU()(BatchNormalization()(Dense(256)(h))));
  return compiled(Model(x, Dense(10, "softmax")(h)), SGD(0.1, 0.9));
}

Model averaged() {
  auto x = Input({20});
  Model model(x, Dense(10, "softmax")(Dense(40, "tanh")(x)));
  model.compile({.optimizer = AdamW({.use_ema = true}),
                 .loss = "categorical_crossentropy",
                 .metrics = {"mae"}});
  return model;
}

class MeasuredMemory : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    clear_session();
    threads_ = threads();
    set_threads(2);
    // The pool of threads comes to stay.
    if (allocated_bytes() >= 0) mlp().predict(Tensor(DType::kFloat32, {512, 784}));
  }
  void TearDown() override { set_threads(threads_); }

  int threads_ = 1;
};

TEST_P(MeasuredMemory, IsWithinTheReportAndTheReportCloseToIt) {
  if (allocated_bytes() < 0) GTEST_SKIP() << "the sanitizer owns operator new";
  const Case& c = GetParam();
  std::vector<int64_t> shape = {c.batch};
  shape.insert(shape.end(), c.row.begin(), c.row.end());
  const int64_t tensors = tensor_memory().total();
  const Model model = c.build();
  const MemoryReport report = model.memory_report(c.batch, {.training = c.training});
  const Tensor x(DType::kFloat32, Shape(shape)), y(DType::kFloat32, {c.batch, 10});
  ModelState& state = *model.state();
  std::shared_ptr<StepProgram> program;
  if (c.training) {
    const auto settled = state.settings("test");
    program = training_program(state, default_step_inputs(state.net(), settled->outputs), c.batch);
  } else {
    program = prediction_program(state, c.batch, false);
  }
  int64_t measured = tensor_memory().total() - tensors - (c.training ? 0 : y.bytes());
  const int64_t before = allocated_bytes() + tensor_memory().on_pages;
  Tensor result;
  if (c.training)
    model.train_on_batch(x, y);
  else
    result = model.predict_on_batch(x);
  measured += allocated_bytes() + tensor_memory().on_pages - before;
  EXPECT_LE(measured, report.total()) << report.to_string();
  EXPECT_LE(static_cast<double>(report.total()), 1.1 * static_cast<double>(measured))
      << measured << "\n"
      << report.to_string();
  RecordProperty("measured", std::to_string(measured));
  RecordProperty("report", std::to_string(report.total()));
}

INSTANTIATE_TEST_SUITE_P(
    MemoryReport, MeasuredMemory,
    testing::Values(Case{"mlp_1", mlp, {784}, 1, false}, Case{"mlp_128", mlp, {784}, 128, false},
                    Case{"mlp_100", mlp, {784}, 100, false},
                    Case{"mlp_4096", mlp, {784}, 4096, false},
                    Case{"mlp_train_128", mlp, {784}, 128, true},
                    Case{"mlp_train_2048", mlp, {784}, 2048, true},
                    Case{"cnn_1", cnn, {28, 28, 1}, 1, false},
                    Case{"cnn_128", cnn, {28, 28, 1}, 128, false},
                    Case{"cnn_train_32", cnn, {28, 28, 1}, 32, true},
                    Case{"cnn_train_128", cnn, {28, 28, 1}, 128, true},
                    Case{"cnn_train_within_budget", cnn_within_budget, {28, 28, 1}, 128, true},
                    Case{"normalized_64", normalized, {64}, 64, false},
                    Case{"normalized_train_64", normalized, {64}, 64, true},
                    Case{"averaged_train_32", averaged, {20}, 32, true}),
    [](const auto& info) { return info.param.name; });

class MemoryReportTest : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }
};

TEST_F(MemoryReportTest, KindsAndLayers) {
  const MemoryReport report = mlp().memory_report(256, {.training = true});
  constexpr int64_t kFloat = 4;
  EXPECT_EQ(report.bytes("dense", MemoryKind::kWeights), kFloat * (784 * 128 + 128));
  EXPECT_EQ(report.bytes("dense", MemoryKind::kOptimizer), 2 * kFloat * (784 * 128 + 128));
  EXPECT_EQ(report.bytes("input_layer", MemoryKind::kData), kFloat * 256 * 784);
  EXPECT_EQ(report.bytes("y_true", MemoryKind::kData), kFloat * 256 * 10);
  // Each hidden layer keeps its output for the gradients of the next.
  EXPECT_GE(report.bytes(MemoryKind::kActivations), kFloat * 256 * 128);
  EXPECT_GT(report.bytes(MemoryKind::kGradients), 0);
  int64_t by_kind = 0;
  for (int k = 0; k <= static_cast<int>(MemoryKind::kOther); ++k)
    by_kind += report.bytes(static_cast<MemoryKind>(k));
  EXPECT_EQ(by_kind, report.total());

  const MemoryReport inference = mlp().memory_report(256);
  EXPECT_EQ(inference.bytes(MemoryKind::kGradients), 0);
  EXPECT_LT(inference.bytes(MemoryKind::kActivations), report.bytes(MemoryKind::kActivations));
}

// Nothing of it is allocated, so more may be asked than there is.
TEST_F(MemoryReportTest, OfMoreThanThereIs) {
  const int64_t before = tensor_memory().total();
  const Model model = mlp();
  const int64_t with_model = tensor_memory().total();
  const MemoryReport report = model.memory_report(int64_t{1} << 30, {.training = true});
  EXPECT_GT(report.total(), int64_t{1} << 42);
  EXPECT_LT(tensor_memory().total() - with_model, with_model - before);
  EXPECT_THAT(report.to_string(), HasSubstr("TiB"));
}

TEST_F(MemoryReportTest, IsATable) {
  auto x = Input({4}, {.name = "x"});
  Model model(x, Dense(3, {.name = "out"})(x));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const std::string text = model.memory_report(16, {.training = true}).to_string();
  EXPECT_THAT(text,
              AllOf(HasSubstr("Memory of model \"functional\", 16 rows, a training step, on "),
                    HasSubstr("\nLayer "), HasSubstr("\nout "), HasSubstr("  60 bytes"),
                    HasSubstr("\nx "), HasSubstr("  256 bytes"), HasSubstr("\ntotal ")));
}

}  // namespace
}  // namespace sinter

// An exported training step against fit(): the same bits after many steps.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

#include "tests/export/exported.h"

namespace sinter::testing {
namespace {

// Memory of an exported state, aligned.
class State {
 public:
  explicit State(const Exported& exported)
      : memory_(exported.function<size_t()>("net_state_size")() + 64, std::byte{0xff}) {}
  std::byte* get() {
    return memory_.data() + (64 - reinterpret_cast<uintptr_t>(memory_.data()) % 64) % 64;
  }

 private:
  std::vector<std::byte> memory_;
};

struct Batch {
  Tensor x, y;
};

Batch batch_of(int64_t step, int64_t rows) {
  Batch b{Tensor(DType::kFloat32, {rows, 12}), Tensor(DType::kFloat32, {rows, 3})};
  for (int64_t i = 0; i < b.x.shape().elements(); ++i)
    b.x.data<float>()[static_cast<size_t>(i)] =
        static_cast<float>(std::sin(0.7 * static_cast<double>(i + 31 * step)));
  for (int64_t r = 0; r < rows; ++r)
    b.y.data<float>()[static_cast<size_t>(3 * r + (r + step) % 3)] = 1;
  return b;
}

Model perceptron(const Optimizer& optimizer) {
  clear_session();
  set_random_seed(7);
  const KerasTensor x = Input({12});
  KerasTensor h = Dense(32, {.activation = "relu", .name = "hidden"})(x);
  h = BatchNormalization()(h);
  h = Dropout(0.3)(h);
  Model model(x, Dense(3, {.activation = "softmax", .name = "out"})(h));
  model.compile({.optimizer = optimizer,
                 .loss = "categorical_crossentropy",
                 .metrics = {"accuracy"},
                 .backend = "llvm"});
  return model;
}

void expect_same_training(const Optimizer& optimizer, int steps) {
  constexpr int64_t kRows = 16;
  const Model model = perceptron(optimizer);
  const Exported exported(model, {.batches = {kRows}, .training = true});
  State state(exported);
  ASSERT_EQ((exported.function<int(void*, uint64_t)>("net_initialize")(state.get(), 0)), 0);
  for (int step = 0; step < steps; ++step) {
    Batch b = batch_of(step, kRows);
    const Evaluation of_fit = model.train_on_batch(b.x, b.y);
    float loss = -1, total = -1, count = -1;
    ASSERT_EQ(
        exported.call("net_train_step", {state.get(), b.x.raw(), b.y.raw(), &loss, &total, &count}),
        0);
    ASSERT_EQ(static_cast<double>(loss), of_fit.loss()) << "step " << step;
    EXPECT_EQ(static_cast<double>(total) / static_cast<double>(count), of_fit["accuracy"]);
  }
  // Predictions by the weights of the state.
  Batch b = batch_of(3, kRows);
  Tensor y(DType::kFloat32, {kRows, 3});
  ASSERT_EQ(exported.call("net_predict", {state.get(), b.x.raw(), y.raw()}), 0);
  const Tensor expected = model.predict(b.x);
  for (int64_t i = 0; i < y.shape().elements(); ++i) EXPECT_NEAR(y.at(i), expected.at(i), 1e-6);
}

TEST(ExportTraining, AThousandStepsOfAdam) { expect_same_training(Adam(), 1000); }
TEST(ExportTraining, StepsOfEveryKindOfOptimizer) {
  expect_same_training(SGD({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}), 50);
  expect_same_training(RMSprop({.centered = true}), 50);
  expect_same_training(AdamW({.weight_decay = 0.01, .clipnorm = 1.0}), 50);
  expect_same_training(
      SGD({.learning_rate = ExponentialDecay(
               {.initial_learning_rate = 0.1, .decay_steps = 10, .decay_rate = 0.9})}),
      50);
  expect_same_training(Adagrad({.clipvalue = 0.01}), 20);
  expect_same_training(Adadelta({.learning_rate = 1.0}), 20);
  expect_same_training(Adamax({.gradient_accumulation_steps = 3}), 20);
  expect_same_training(Nadam({.use_ema = true, .ema_overwrite_frequency = 4}), 20);
  expect_same_training(
      Adam({.learning_rate = CosineDecay({.initial_learning_rate = 0.1, .decay_steps = 12}),
            .amsgrad = true,
            .global_clipnorm = 0.1}),
      20);
}

// What the header calls the learning rate is read by each step.
TEST(ExportTraining, TheLearningRateMayChange) {
  const Model model = perceptron(SGD({.learning_rate = 0.1}));
  const Exported exported(model, {.batches = {4}, .training = true});
  const std::string header = [&] {
    std::ifstream file(exported.files.header);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  const std::string macro = "net_OFFSET_sgd_learning_rate ";
  const size_t at = header.find(macro);
  ASSERT_NE(at, std::string::npos) << header;
  const int64_t offset = std::stoll(header.substr(at + macro.size()));
  State state(exported), before(exported);
  exported.function<int(void*, uint64_t)>("net_initialize")(state.get(), 5);
  const float zero = 0;
  std::memcpy(state.get() + offset, &zero, sizeof zero);
  const std::string kernel = "net_OFFSET_hidden_kernel ";
  const int64_t weights = std::stoll(header.substr(header.find(kernel) + kernel.size()));
  std::vector<std::byte> old(state.get() + weights, state.get() + weights + 12 * 32 * 4);
  Batch b = batch_of(0, 4);
  float loss, total, count;
  ASSERT_EQ(
      exported.call("net_train_step", {state.get(), b.x.raw(), b.y.raw(), &loss, &total, &count}),
      0);
  EXPECT_EQ(std::memcmp(old.data(), state.get() + weights, old.size()), 0);
}

// A seed begins other random numbers; 0 those of the model.
TEST(ExportTraining, SeedsOfInitialize) {
  const Model model = perceptron(SGD({.learning_rate = 0.1}));
  const Exported exported(model, {.batches = {4}, .training = true});
  std::vector<float> losses;
  for (const uint64_t seed : {0, 0, 1, 2, 2}) {
    State state(exported);
    exported.function<int(void*, uint64_t)>("net_initialize")(state.get(), seed);
    Batch b = batch_of(0, 4);
    float loss, total, count;
    exported.call("net_train_step", {state.get(), b.x.raw(), b.y.raw(), &loss, &total, &count});
    losses.push_back(loss);
  }
  EXPECT_EQ(losses[0], losses[1]);
  EXPECT_EQ(losses[3], losses[4]);
  EXPECT_NE(losses[0], losses[2]);
  EXPECT_NE(losses[2], losses[3]);
}

}  // namespace
}  // namespace sinter::testing

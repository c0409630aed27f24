// The same bits for any number of threads, and no allocation in a training step after warm-up.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "tests/e2e/backends.h"

namespace sinter {
namespace {

// FNV-1a.
uint64_t hash_bytes(const Tensor& t, uint64_t hash = 14695981039346656037ull) {
  const auto* bytes = static_cast<const unsigned char*>(t.raw());
  for (int64_t i = 0; i < t.bytes(); ++i) hash = (hash ^ bytes[i]) * 1099511628211ull;
  return hash;
}

// Of all weights and optimizer variables.
uint64_t hash_state(const Model& model) {
  uint64_t hash = 14695981039346656037ull;
  for (const VariablePtr& v : model.variables()) hash = hash_bytes(v->value, hash);
  for (const VariablePtr& v : model.optimizer().variables()) hash = hash_bytes(v->value, hash);
  return hash;
}

class Determinism : public testing::TestWithParam<std::string> {
 protected:
  ~Determinism() override { set_threads(before_); }
  int before_ = threads();
};

// Every layer whose kernels share work between threads.
Model wide_model(const std::string& backend) {
  clear_session();
  auto x = Input({64});
  auto h = Dense(128, {.activation = "gelu", .kernel_regularizer = l1_l2(1e-5, 1e-4)})(x);
  h = Dropout(0.3)(BatchNormalization()(h));
  h = Maxout(32, 2)(h);
  h = PReLU()(h);
  auto y = Dense(10, {.activation = "softmax"})(h);
  Model model(x, y);
  model.compile({.optimizer = Nadam(1e-3),
                 .loss = "categorical_crossentropy",
                 .metrics = {"accuracy"},
                 .backend = backend});
  return model;
}

// The plain perceptron, whose weight gradients end in the optimizer's update.
Model perceptron(const std::string& backend) {
  clear_session();
  auto x = Input({64});
  auto h = Dense(96, {.activation = "relu"})(x);
  h = Dense(96, {.activation = "relu"})(h);
  auto y = Dense(10, {.activation = "softmax"})(h);
  Model model(x, y);
  model.compile({.optimizer = Adam(1e-3), .loss = "categorical_crossentropy", .backend = backend});
  return model;
}

// The same with products in bfloat16.
Model bfloat16_perceptron(const std::string& backend) {
  Model model = perceptron(backend);
  model.compile({.optimizer = Adam(1e-3),
                 .loss = "categorical_crossentropy",
                 .backend = backend,
                 .mixed_precision = "bfloat16"});
  return model;
}

// Wide enough for pieces of columns, and clipped, so that gradients are summed over all variables.
Model normalised_model(const std::string& backend) {
  clear_session();
  auto x = Input({64});
  auto h = x;
  for (int layer = 0; layer < 2; ++layer) {
    h = BatchNormalization()(Dense(256, {.use_bias = false})(h));
    h = Dropout(0.2)(Activation("relu")(h));
  }
  auto y = Dense(10, {.activation = "softmax"})(h);
  Model model(x, y);
  model.compile(
      {.optimizer = SGD(SGDOptions{.learning_rate = 1e-2, .momentum = 0.9, .global_clipnorm = 1.0}),
       .loss = "categorical_crossentropy",
       .metrics = {"accuracy"},
       .backend = backend});
  return model;
}

using Build = Model (*)(const std::string& backend);

// Weights after some training, and predictions with them, for both a whole and a partial last
// batch.
TEST_P(Determinism, SameBitsForAnyNumberOfThreads) {
  const auto [train, test] = datasets::digits();
  for (const auto& [name, build] :
       std::vector<std::pair<std::string, Build>>{{"wide", wide_model},
                                                  {"perceptron", perceptron},
                                                  {"bfloat16", bfloat16_perceptron},
                                                  {"normalised", normalised_model}}) {
    std::vector<uint64_t> states, predictions;
    for (int n : {1, 2, 3, 8}) {
      set_threads(n);
      const Model model = build(GetParam());
      model.fit(train.x, train.y, {.epochs = 1, .batch_size = 100, .verbose = 0});
      states.push_back(hash_state(model));
      const Tensor predicted = model.predict(test.x, {.batch_size = 128, .verbose = 0});
      predictions.push_back(hash_bytes(predicted));
    }
    for (size_t i = 1; i < states.size(); ++i) {
      EXPECT_EQ(states[i], states[0]) << name;
      EXPECT_EQ(predictions[i], predictions[0]) << name;
    }
  }
}

TEST_P(Determinism, SeedsDecideEverything) {
  const auto [train, test] = datasets::digits();
  const auto run = [&](int64_t seed) {
    set_random_seed(seed);
    const Model model = wide_model(GetParam());
    model.fit(train.x, train.y, {.epochs = 1, .batch_size = 128, .verbose = 0});
    return hash_state(model);
  };
  const uint64_t first = run(7);
  EXPECT_EQ(first, run(7));
  EXPECT_NE(first, run(8));
  set_random_seed(0);
}

INSTANTIATE_TEST_SUITE_P(Backends, Determinism, testing::ValuesIn(tested_backends()));

}  // namespace
}  // namespace sinter

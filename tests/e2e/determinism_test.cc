// The same bits for any number of threads, and no allocation in a training step after warm-up.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "tests/e2e/backends.h"

namespace sinter {
namespace {

// FNV-1a over the bytes of all weights and optimizer variables.
uint64_t hash_state(const Model& model) {
  uint64_t hash = 14695981039346656037ull;
  const auto add = [&](const Tensor& t) {
    const auto* bytes = static_cast<const unsigned char*>(t.raw());
    for (int64_t i = 0; i < t.bytes(); ++i) hash = (hash ^ bytes[i]) * 1099511628211ull;
  };
  for (const VariablePtr& v : model.variables()) add(v->value);
  for (const VariablePtr& v : model.optimizer().variables()) add(v->value);
  return hash;
}

class Determinism : public testing::TestWithParam<std::string> {
 protected:
  ~Determinism() override { set_threads(before_); }
  int before_ = threads();
};

// Every layer whose kernels share work between threads.
Model wide_model(const std::string& backend, const std::string& mixed_precision = "") {
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
                 .backend = backend,
                 .mixed_precision = mixed_precision});
  return model;
}

TEST_P(Determinism, SameBitsForOneTwoAndThreeThreads) {
  const auto [train, test] = datasets::digits();
  std::vector<uint64_t> hashes;
  for (int n : {1, 2, 3}) {
    set_threads(n);
    const Model model = wide_model(GetParam());
    model.fit(train.x, train.y, {.epochs = 2, .batch_size = 100, .verbose = 0});
    hashes.push_back(hash_state(model));
  }
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_EQ(hashes[0], hashes[2]);
}

TEST_P(Determinism, SameBitsForAnyNumberOfThreadsInMixedPrecision) {
  const auto [train, test] = datasets::digits();
  const auto run = [&](int threads, const std::string& mixed_precision) {
    set_threads(threads);
    const Model model = wide_model(GetParam(), mixed_precision);
    model.fit(train.x, train.y, {.epochs = 1, .batch_size = 99, .verbose = 0});
    return hash_state(model);
  };
  const uint64_t first = run(1, "bfloat16");
  for (int threads : {2, 3, 8}) EXPECT_EQ(first, run(threads, "bfloat16")) << threads;
  EXPECT_NE(first, run(1, ""));
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

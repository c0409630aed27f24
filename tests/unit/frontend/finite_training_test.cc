// Training that must stay finite where formulas taken literally do not: saturated activations, rows
// of zeros, gradients that never change. And the layers whose gradients at ties are Keras's.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>

#include "ops/gradients.h"
#include "runtime/load.h"

namespace sinter {
namespace {

bool is_finite(const Model& model) {
  for (const Tensor& w : model.get_weights()) {
    for (int64_t i = 0; i < w.elements(); ++i) {
      if (!std::isfinite(w.at(i))) return false;
    }
  }
  return true;
}

Tensor tensor(const Shape& shape, const std::vector<double>& values) {
  return Tensor::from<double>(shape, values).cast(DType::kFloat32);
}

class FiniteTraining : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(0);
    set_backend(GetParam());
  }
  void TearDown() override { set_backend("auto"); }
};

// Pixels as they come, not scaled: what enters the activation is in the hundreds.
TEST_P(FiniteTraining, OfUnscaledPixels) {
  for (const char* activation :
       {"silu", "gelu", "mish", "elu", "softplus", "log_sigmoid", "softsign"}) {
    clear_session();
    const KerasTensor x = Input({64});
    Model model(x, Dense(10, {.activation = "softmax"})(Dense(32, {.activation = activation})(x)));
    model.compile({.optimizer = Adam(1e-3), .loss = "sparse_categorical_crossentropy"});
    Tensor pixels(DType::kFloat32, Shape{256, 64}), classes(DType::kInt32, Shape{256});
    for (int64_t i = 0; i < pixels.elements(); ++i)
      pixels.set(i, static_cast<double>((i * 2654435761u >> 8) % 256));
    for (int64_t i = 0; i < 256; ++i) classes.set(i, static_cast<double>(i % 10));
    const History history =
        model.fit(pixels, classes, {.epochs = 3, .verbose = 0, .shuffle = false});
    for (double loss : history["loss"]) EXPECT_TRUE(std::isfinite(loss)) << activation;
    EXPECT_TRUE(is_finite(model)) << activation;
  }
}

// A relu whose row is zero, or a label row of zeros.
TEST_P(FiniteTraining, OfRowsOfZeros) {
  for (const char* loss :
       {"cosine_similarity", "categorical_crossentropy", "kl_divergence", "poisson",
        "binary_crossentropy", "mean_squared_logarithmic_error", "mean_absolute_percentage_error",
        "log_cosh", "huber", "hinge", "squared_hinge", "categorical_hinge", "mse", "mae"}) {
    clear_session();
    const KerasTensor x = Input({2});
    Dense dense(3, {.activation = "relu"});
    Model model(x, dense(x));
    model.set_weights({tensor({2, 3}, {-0.2, 0.3, -0.2, 0.3, -0.2, 0.3}), tensor({3}, {0, 0, 0})});
    model.compile({.optimizer = SGD(0.01), .loss = loss});
    const Tensor rows = tensor({4, 2}, {0, 0, 1, 1, -1, -1, 2, 3});
    const Tensor labels = tensor({4, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0});
    for (int step = 0; step < 3; ++step)
      EXPECT_TRUE(std::isfinite(model.train_on_batch(rows, labels).loss()))
          << loss << ", step " << step;
    EXPECT_TRUE(is_finite(model)) << loss;
  }
}

// v - a^2 is the variance of the gradients, 0 here but for rounding, which may be below 0. (Keras
// has NaN in a tenth of the weights after 300 steps.)
TEST_P(FiniteTraining, OfCenteredRMSpropUnderConstantGradients) {
  for (double size : {1.0, 1000.0}) {
    clear_session();
    const KerasTensor x = Input({200});
    Model model(x, Dense(1, {.use_bias = false})(x));
    model.compile({.optimizer = RMSprop(RMSpropOptions{.learning_rate = 1e-3, .centered = true}),
                   .loss = [](Symbol, Symbol p) { return mean(p, {-1}); }});
    Tensor row(DType::kFloat32, {1, 200});
    for (int64_t i = 0; i < 200; ++i)
      row.set(i, size * (0.5 + static_cast<double>(i * 7919 % 1009) / 1009));
    for (int step = 0; step < 300; ++step)
      model.train_on_batch(row, Tensor(DType::kFloat32, {1, 1}));
    EXPECT_TRUE(is_finite(model)) << size;
  }
}

// Without a gradient so far, and nothing that regularizes, weights stay. (0 / 0 in Keras.)
TEST_P(FiniteTraining, OfFtrlFromZero) {
  const KerasTensor x = Input({2});
  Model model(x, Dense(1, {.use_bias = false})(x));
  model.set_weights({tensor({2, 1}, {0.5, -0.25})});
  model.compile(
      {.optimizer = Ftrl(FtrlOptions{.learning_rate = 0.1, .initial_accumulator_value = 0}),
       .loss = "mse"});
  model.train_on_batch(tensor({1, 2}, {0, 1}), tensor({1, 1}, {0}));
  EXPECT_TRUE(is_finite(model));
  EXPECT_EQ(model.get_weights()[0].at(0), 0.5);
}

// The gradients of Keras 3 on TensorFlow 2 by the input, where a layer bends.
TEST_P(FiniteTraining, LayersAtTies) {
  struct Tie {
    const char* name;
    Layer layer;
    std::vector<double> x, gradient;
  };
  const std::vector<Tie> ties = {
      {"PReLU", PReLU({.alpha_initializer = Constant(0.25)}), {-1, 0, 1}, {0.25, 0, 1}},
      {"ReLU", ReLU(), {-1, 0, 1}, {0, 0, 1}},
      {"ReLU to 2", ReLU({.max_value = 2.0}), {-1, 0, 1, 2, 3}, {0, 0, 1, 1, 0}},
      {"ReLU with all",
       ReLU({.max_value = 2.0, .negative_slope = 0.1, .threshold = 0.5}),
       {0, 0.5, 1, 2, 3},
       {0.1, 0, 1, 1, 0}},
      {"LeakyReLU", LeakyReLU(0.3), {-1, 0, 1}, {0.3, 0.3, 1}},
  };
  for (const Tie& tie : ties) {
    clear_session();
    // d(w x)/dw = x dy/d(w x) at w = 1, from a step of SGD with rate 1 on the sum.
    const auto count = static_cast<int64_t>(tie.x.size());
    const KerasTensor in = Input({count});
    Dense dense(count, {.use_bias = false});
    Model model(in, tie.layer(dense(in)));
    Tensor diagonal(DType::kFloat32, {count, count});
    for (int64_t i = 0; i < count; ++i) diagonal.set(i * count + i, tie.x[static_cast<size_t>(i)]);
    std::vector<Tensor> weights = model.get_weights();
    weights[0] = diagonal;
    model.set_weights(weights);
    model.compile({.optimizer = SGD(1.0), .loss = [](Symbol, Symbol p) { return sum(p, {-1}); }});
    model.train_on_batch(Tensor::full(DType::kFloat32, {1, count}, 1),
                         Tensor(DType::kFloat32, {1, count}));
    const Tensor after = model.get_weights()[0];
    for (int64_t i = 0; i < count; ++i) {
      EXPECT_NEAR(diagonal.at(i * count + i) - after.at(i * count + i),
                  tie.gradient[static_cast<size_t>(i)], 1e-6)
          << tie.name << " at " << tie.x[static_cast<size_t>(i)];
    }
  }
}

// A certain, right answer leaves 1 - p = 0, of which powers below 1 (2, 3) have no derivative
// (second, third); the loss has all of them, and they are as good as 0.
TEST_P(FiniteTraining, FocalLossesOfCertainAnswers) {
  const auto derivatives = [](const Loss& loss, const Tensor& truth, const Tensor& answer) {
    const CompiledFunction f([&](CallContext&, Symbol t, Symbol y) {
      std::vector<Symbol> orders = {loss.per_sample(t, y)};
      for (int order = 0; order < 3; ++order)
        orders.push_back(gradients(std::vector{sum(orders.back())}, std::vector{y})[0]);
      return orders;
    });
    return f.call({truth, answer});
  };
  for (const double gamma : {0.1, 0.5, 0.9, 1.0, 1.5, 2.0, 2.5}) {
    for (const double z : {5.0, 15.0, 17.0, 20.0, 30.0, 100.0, 1000.0}) {
      const std::vector<Tensor> categorical =
          derivatives(losses::CategoricalFocalCrossentropy({.gamma = gamma, .from_logits = true}),
                      tensor({1, 3}, {1, 0, 0}), tensor({1, 3}, {z, 0, 0}));
      const std::vector<Tensor> binary =
          derivatives(losses::BinaryFocalCrossentropy({.gamma = gamma, .from_logits = true}),
                      tensor({1, 2}, {1, 0}), tensor({1, 2}, {z, -z}));
      const std::vector<Tensor> of_probabilities =
          derivatives(losses::BinaryFocalCrossentropy({.gamma = gamma}), tensor({1, 2}, {1, 0}),
                      tensor({1, 2}, {1, 0}));
      for (const auto* orders : {&categorical, &binary, &of_probabilities}) {
        for (const Tensor& order : *orders) {
          for (int64_t i = 0; i < order.elements(); ++i) {
            EXPECT_TRUE(std::isfinite(order.at(i))) << "gamma " << gamma << ", logit " << z;
            if (z >= 30) EXPECT_NEAR(order.at(i), 0, 1e-6) << "gamma " << gamma << ", logit " << z;
          }
        }
      }
    }
  }
  // By a hand calculation: q^gamma softplus(-z), q = sigmoid(-z), whose derivative is
  // -q^gamma (gamma p softplus(-z) + q).
  const double z = 4, q = 1 / (1 + std::exp(z)), ce = std::log1p(std::exp(-z));
  const std::vector<Tensor> found =
      derivatives(losses::BinaryFocalCrossentropy({.gamma = 0.5, .from_logits = true}),
                  tensor({1, 1}, {1}), tensor({1, 1}, {z}));
  EXPECT_NEAR(found[0].at(0) / (std::sqrt(q) * ce), 1, 1e-5);
  EXPECT_NEAR(found[1].at(0) / (-std::sqrt(q) * (0.5 * (1 - q) * ce + q)), 1, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Backends, FiniteTraining, testing::ValuesIn(backend_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sinter

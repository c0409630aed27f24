// Blocks with residuals over sequences train to the same weights on every backend: their gradients
// meet in the kernels of products, whose operands stand there in other shapes than in the graph.
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/sinter.h"
#include "runtime/load.h"

namespace sinter {
namespace {

KerasTensor block(KerasTensor h, int variant) {
  switch (variant) {
    case 0: return Add()({h, Dense(4)(h)});
    case 1: return Add()({h, Dense(4)(h), Dense(4)(h)});
    default: {
      const KerasTensor y = Add()({Dense(4)(h), h});
      return Add()({y, Dense(4)(y)});
    }
  }
}

struct Trained {
  double loss = 0;
  std::vector<Tensor> weights;
};

Trained train(int variant, bool sequence, const std::string& backend) {
  clear_session();
  const KerasTensor x = sequence ? Input({3, 4}) : Input({4});
  const KerasTensor y = block(Dense(4, {.activation = "tanh"})(x), variant);
  Model model(x, Dense(2)(sequence ? Flatten()(y) : y));
  model.compile({.optimizer = SGD(0.1), .loss = "mse", .backend = backend});
  const auto fill = [](Tensor& t, int64_t by, int64_t modulus, double scale) {
    for (int64_t i = 0; i < t.elements(); ++i)
      t.set(i, static_cast<double>(i * by % modulus - modulus / 2) / scale);
  };
  Tensor inputs(DType::kFloat32, sequence ? Shape{8, 3, 4} : Shape{8, 4}),
      targets(DType::kFloat32, Shape{8, 2});
  fill(inputs, 7, 11, 5);
  fill(targets, 5, 7, 3);
  std::vector<Tensor> weights = model.get_weights();
  for (Tensor& t : weights) fill(t, 3, 5, 4);
  model.set_weights(weights);
  const auto history =
      model.fit(inputs, targets, {.epochs = 3, .batch_size = 8, .verbose = 0, .shuffle = false});
  return {history.history.at("loss").back(), model.get_weights()};
}

TEST(ResidualTraining, BackendsAgree) {
  for (int variant = 0; variant < 3; ++variant) {
    for (const bool sequence : {true, false}) {
      const Trained want = train(variant, sequence, "reference");
      for (const std::string& backend : backend_names()) {
        const Trained got = train(variant, sequence, backend);
        EXPECT_NEAR(got.loss, want.loss, 1e-5) << backend << " variant " << variant;
        ASSERT_EQ(got.weights.size(), want.weights.size());
        for (size_t k = 0; k < want.weights.size(); ++k) {
          for (int64_t i = 0; i < want.weights[k].elements(); ++i)
            ASSERT_NEAR(got.weights[k].at(i), want.weights[k].at(i), 1e-5)
                << backend << " variant " << variant << " weight " << k;
        }
      }
      if (variant == 0 && sequence) EXPECT_NEAR(want.loss, 0.316204, 1e-4);
    }
  }
}

}  // namespace
}  // namespace sinter

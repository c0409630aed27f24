// What the course's remedies against overfitting do to a wide network with few images: Dropout,
// BatchNormalization, L1 and L2. With so few images none of them replaces more images.
#include <sinter/sinter.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace sinter;

int main() {
  auto [train, test] = datasets::letters();
  const Tensor few_x = train.x.rows(0, 300), few_y = train.y.rows(0, 300);

  using Block = std::function<KerasTensor(KerasTensor)>;
  auto relu_dense = [](KerasTensor h) { return Dense(256, {.activation = "relu"})(h); };
  const std::vector<std::pair<std::string, Block>> remedies = {
      {"nothing", relu_dense},
      {"Dropout(0.5)", [&](KerasTensor h) { return Dropout(0.5)(relu_dense(h)); }},
      {"BatchNormalization",
       [](KerasTensor h) { return Activation("relu")(BatchNormalization()(Dense(256)(h))); }},
      {"L1(1e-4)",
       [](KerasTensor h) {
         return Dense(256, {.activation = "relu", .kernel_regularizer = l1(1e-4)})(h);
       }},
      {"L2(1e-3)",
       [](KerasTensor h) {
         return Dense(256, {.activation = "relu", .kernel_regularizer = l2(1e-3)})(h);
       }},
  };
  std::puts("remedy                  loss  test loss  test accuracy  weights near zero");
  for (const auto& [name, block] : remedies) {
    clear_session();
    auto X = Input({784});
    auto Y = Dense(10, {.activation = "softmax"})(block(block(X)));
    Model model(X, Y);
    model.compile(
        {.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
    auto result = model.fit(few_x, few_y, {.epochs = 40, .batch_size = 32, .verbose = 0});
    auto scores = model.evaluate(test.x, test.y, {.verbose = 0});

    int64_t all = 0, small = 0;  // L1 drives the less important weights to zero
    for (const Tensor& weight : model.get_weights()) {
      if (weight.shape().rank() != 2) continue;
      for (const float value : weight.data<float>()) small += std::abs(value) < 1e-3f;
      all += weight.elements();
    }
    std::printf("%-20s %7.4f  %9.4f  %13.4f  %16.1f%%\n", name.c_str(),
                result.history["loss"].back(), scores.loss(), scores["accuracy"],
                100.0 * static_cast<double>(small) / static_cast<double>(all));
  }
}

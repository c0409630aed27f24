// Why the choice of activation matters: a network of six hidden layers learns with ReLU and its
// kin, while the gradient of sigmoid, at most 1/4 a layer, vanishes on its way to the first ones.
#include <sinter/sinter.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using namespace sinter;

int main() {
  auto [train, test] = datasets::digits();
  const std::vector<std::pair<std::string, ActivationFunction>> all = {
      {"sigmoid", sigmoid}, {"tanh", "tanh"},
      {"relu", relu},       {"leaky_relu, slope 0.1", [](Symbol x) { return leaky_relu(x, 0.1); }},
      {"elu", "elu"},       {"swish, beta 1.5", [](Symbol x) { return swish(x, 1.5); }},
      {"gelu", gelu},       {"maxout, 2 pieces", nullptr},  // a layer, not a function
  };
  std::vector<std::string> lines;
  for (const auto& [name, activation] : progress(all, {.description = "activations"})) {
    clear_session();
    auto X = Input({64});
    auto H = X;
    for (int i = 0; i < 6; ++i) {
      H = name.starts_with("maxout") ? Maxout(32, 2)(H) : Dense(32, {.activation = activation})(H);
    }
    auto Y = Dense(10, {.activation = softmax})(H);
    Model model(X, Y);
    model.compile({.optimizer = SGD({.learning_rate = 0.01, .momentum = 0.9}),
                   .loss = "categorical_crossentropy",
                   .metrics = {"accuracy"}});
    auto result = model.fit(
        train.x, train.y, {.epochs = 20, .batch_size = 32, .verbose = 0, .validation_split = 0.2});
    char line[100];
    std::snprintf(line, sizeof line, "%-22s loss %.4f   val_accuracy %.4f", name.c_str(),
                  result.history["loss"].back(), result.history["val_accuracy"].back());
    lines.push_back(line);
  }
  for (const std::string& line : lines) std::puts(line.c_str());
}

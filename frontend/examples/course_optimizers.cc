// Every optimizer of the course on the same network and data: loss and accuracy after ten epochs.
#include <sinter/sinter.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using namespace sinter;

int main() {
  auto [train, test] = datasets::digits();
  const std::vector<std::pair<std::string, Optimizer>> all = {
      {"SGD", SGD(0.01)},
      {"Momentum", SGD({.learning_rate = 0.01, .momentum = 0.9})},
      {"NAG", SGD({.learning_rate = 0.01, .momentum = 0.9, .nesterov = true})},
      {"Adagrad", Adagrad(0.01)},
      {"RMSprop", RMSprop(0.001)},
      {"Adadelta", Adadelta(1.0)},
      {"Adam", Adam(0.001)},
      {"Adamax", Adamax(0.001)},
      {"Nadam", Nadam(0.001)},
  };
  std::vector<std::string> lines;
  for (const auto& [name, optimizer] : progress(all, {.description = "optimizers"})) {
    clear_session();  // the same initial weights for each
    auto X = Input({64});
    auto H = Dense(64, {.activation = "relu"})(X);
    auto Y = Dense(10, {.activation = "softmax"})(H);
    Model model(X, Y);
    model.compile(
        {.optimizer = optimizer, .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
    auto result = model.fit(
        train.x, train.y, {.epochs = 10, .batch_size = 32, .verbose = 0, .validation_split = 0.2});
    char line[100];
    std::snprintf(line, sizeof line, "%-10s loss %.4f   val_accuracy %.4f", name.c_str(),
                  result.history["loss"].back(), result.history["val_accuracy"].back());
    lines.push_back(line);
  }
  for (const std::string& line : lines) std::puts(line.c_str());
}

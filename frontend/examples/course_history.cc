// What fit() returns: loss and metrics of each epoch, to read and to plot.
#include <sinter/sinter.h>

#include <cstdio>

using namespace sinter;

int main() {
  auto [train, test] = datasets::digits();
  auto X = Input({64});
  auto H = Dense(64, {.activation = "relu"})(X);
  auto Y = Dense(10, {.activation = "softmax"})(H);
  Model model(X, Y);
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});

  auto result = model.fit(train.x, train.y,
                          {.epochs = 30, .batch_size = 32, .verbose = 0, .validation_split = 0.2});

  for (const auto& [name, values] : result.history) {
    std::printf("%-14s epoch 1: %.4f   epoch %zu: %.4f\n", name.c_str(), values.front(),
                values.size(), values.back());
  }
  // plt.plot(result.history['loss']); plt.plot(result.history['val_loss']); plt.legend(['loss',
  // 'val_loss'])
  result.plot("course_history.svg");
  result.plot("course_history.png");
  std::puts("The curves are in course_history.svg and course_history.png.");
}

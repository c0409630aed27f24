// Training stops when the validation loss no longer falls, and goes back to the best weights.
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

  auto es = EarlyStopping({.monitor = "val_loss",
                           .min_delta = 0,  // the least change that counts as better
                           .patience = 10,  // epochs to wait without one
                           .verbose = 1,
                           .restore_best_weights = true});
  auto result = model.fit(train.x, train.y,
                          {.epochs = 20000,
                           .batch_size = 128,
                           .verbose = 0,
                           .validation_split = 0.2,
                           .callbacks = {es}});

  std::printf("%zu of 20000 epochs were enough.\n", result.history["loss"].size());
  model.evaluate(test.x, test.y);
}

// The course's first program: activations, optimizer, loss and metrics given by name.
#include <sinter/sinter.h>

using namespace sinter;

int main() {
  auto [train, test] = datasets::letters();

  clear_session();

  auto X = Input({784});
  auto H = Dense(128, {.activation = "relu"})(X);
  H = Dense(128, {.activation = "relu"})(H);
  H = Dense(128, {.activation = "relu"})(H);
  auto Y = Dense(10, {.activation = "softmax"})(H);

  Model model(X, Y);
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});

  model.fit(train.x, train.y, {.epochs = 10, .batch_size = 128, .validation_split = 0.2});
  model.evaluate(test.x, test.y);
}

// Trains on the digits that the library carries; fails when it learns nothing.
#include <sinter/sinter.h>
using namespace sinter;

int main() {
  auto [train, test] = datasets::digits();
  auto x = Input({64});
  Model model(x, Dense(10, {.activation = "softmax"})(Dense(32, {.activation = "relu"})(x)));
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  model.fit(train.x, train.y, {.epochs = 8, .verbose = 0});
  return model.evaluate(test.x, test.y, {.verbose = 0})["accuracy"] > 0.8 ? 0 : 1;
}

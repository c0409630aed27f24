// A loss and a metric of one's own: C++ functions from the symbolic y_true and y_pred to a symbolic
// value. They are differentiated and compiled like Sinter's own.
#include <sinter/sinter.h>

using namespace sinter;

Symbol my_entropy(Symbol y_true, Symbol y_pred) {
  Symbol loss = binary_crossentropy(y_true, y_pred);
  return mean(loss, {-1});
}

Symbol my_accuracy(Symbol y_true, Symbol y_pred) {
  Symbol equals = equal(y_true, cast(y_pred > 0.5, DType::kFloat32));
  return mean(cast(equals, DType::kFloat32));
}

int main() {
  auto [train, test] = datasets::digits();
  auto X = Input({64});
  auto H = Dense(64, {.activation = "relu"})(X);
  auto Y = Dense(10, {.activation = "sigmoid"})(H);
  Model model(X, Y);
  model.compile(
      {.optimizer = optimizers::Adam(0.001),
       .loss = my_entropy,
       .metrics = {Metric("my_accuracy", my_accuracy)}});  // with the name that the log shows

  model.fit(train.x, train.y, {.epochs = 20, .batch_size = 32, .validation_split = 0.2});
  model.evaluate(test.x, test.y);
}

// What tests/e2e/debugger_test.cc stops in: a program as users write them.
#include <sinter/sinter.h>

using namespace sinter;

int main() {
  set_backend("llvm");
  auto x = Input({16});
  auto h = Dense(32, "relu")(x);    // hidden: stops are asked for here
  auto y = Dense(4, "softmax")(h);  // output
  Model model(x, y);
  model.compile({.optimizer = Adam(), .loss = "categorical_crossentropy"});
  Tensor rows(float32, {64, 16}), labels(float32, {64, 4});
  for (int64_t i = 0; i < 64; ++i) labels.set(i * 4 + i % 4, 1);
  model.predict_on_batch(rows);
  model.train_on_batch(rows, labels);
}

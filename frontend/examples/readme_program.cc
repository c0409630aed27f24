// The program of the README, as it stands there.
#include <sinter/sinter.h>
using namespace sinter;

int main() {
  auto [train, test] = datasets::letters();
  auto x = Input({784});
  auto h = Dense(128, {.activation = "relu", .kernel_regularizer = l2(1e-4f)})(x);
  h = Dropout(0.2)(BatchNormalization()(h));
  auto y = Dense(10, {.activation = softmax})(h);
  Model model(x, y);
  model.compile(
      {.optimizer = Adam(1e-3), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  auto history = model.fit(train.x, train.y,
                           {.epochs = 30,
                            .batch_size = 128,
                            .validation_split = 0.2,
                            .callbacks = {EarlyStopping({.monitor = "val_loss", .patience = 5})}});
  history.plot("history.svg");
  model.evaluate(test.x, test.y);
  model.save("letters.sinter");
}

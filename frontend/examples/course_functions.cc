// The course's second program: wherever Keras takes a name it takes a function or an object. Both
// ways give the same model, so after clear_session() this program trains to the same numbers as
// course_strings.
#include <sinter/sinter.h>

using namespace sinter;

int main() {
  auto [train, test] = datasets::letters();

  clear_session();

  auto X = Input({784});
  auto H = Dense(128, {.activation = relu})(X);
  H = Dense(128, {.activation = relu})(H);
  H = Dense(128, {.activation = relu})(H);
  auto Y = Dense(10, {.activation = softmax})(H);

  Model model(X, Y);
  model.compile({.optimizer = optimizers::Adam(0.001),
                 .loss = losses::categorical_crossentropy,
                 .metrics = {metrics::categorical_accuracy}});

  model.fit(train.x, train.y, {.epochs = 10, .batch_size = 128, .validation_split = 0.2});
  model.evaluate(test.x, test.y);
}

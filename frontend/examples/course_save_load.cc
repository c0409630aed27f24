// The two ways to keep a model: all in one file, or the architecture as JSON and the weights beside
// it.
#include <sinter/sinter.h>

#include <cstdio>
#include <fstream>
#include <sstream>

using namespace sinter;

int main() {
  auto [train, test] = datasets::digits();
  auto X = Input({64});
  auto H = Dense(64, {.activation = "relu"})(X);
  auto Y = Dense(10, {.activation = "softmax"})(H);
  Model model(X, Y);
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  model.fit(train.x, train.y, {.epochs = 5, .batch_size = 128, .verbose = 0});
  const Tensor expected = model.predict(test.x);

  // Method 1: architecture, weights and, with include_optimizer, what training needs to go on.
  model.save("course_model.sinter", {.include_optimizer = true});
  Model loaded = load_model("course_model.sinter");
  std::printf("method 1: %s\n", loaded.predict(test.x).identical(expected) ? "the same predictions"
                                                                           : "other predictions");
  loaded.fit(train.x, train.y, {.epochs = 10, .batch_size = 128, .verbose = 2, .initial_epoch = 5});

  // Method 2: the JSON is Keras's own.
  model.save_weights("course_model.weights.sinter");
  std::ofstream("course_model.json") << model.to_json();

  std::stringstream json;
  json << std::ifstream("course_model.json").rdbuf();
  Model rebuilt = model_from_json(json.str());
  rebuilt.load_weights("course_model.weights.sinter");
  std::printf("method 2: %s\n", rebuilt.predict(test.x).identical(expected) ? "the same predictions"
                                                                            : "other predictions");
}

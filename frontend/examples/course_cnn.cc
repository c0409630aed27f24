// Pictures as pictures: a small convolutional network beside the course's perceptron, on the letters
// that the library carries. `bash frontend/quickstart cnn` builds and runs it; its files go to
// build/quickstart or to the folder given.
#include <sinter/sinter.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

using namespace sinter;

namespace {

Tensor pictures(const Tensor& rows) { return rows.reshaped({rows.shape()[0], 28, 28, 1}); }

Model perceptron() {
  auto X = Input({28, 28, 1});
  auto H = Flatten()(X);
  for (int i = 0; i < 3; ++i) H = Dense(128, "relu")(H);
  return Model(X, Dense(10, "softmax")(H), "perceptron");
}

// Convolutions find edges and corners wherever they are, pools halve the picture.
Model cnn() {
  auto X = Input({28, 28, 1});
  KerasTensor H = X;
  for (const int64_t filters : {16, 32}) {
    H = Conv2D(filters, 3, {.padding = "same", .activation = "relu"})(H);
    H = Conv2D(filters, 3, {.padding = "same", .activation = "relu"})(H);
    H = MaxPooling2D(2)(H);
  }
  H = Dropout(0.3)(Flatten()(H));
  H = Dense(128, "relu")(H);
  return Model(X, Dense(10, "softmax")(H), "cnn");
}

// Accuracy on type faces that training never saw.
double train(Model model, const datasets::Split& train, const datasets::Split& test, int epochs) {
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  model.summary();
  const auto start = std::chrono::steady_clock::now();
  model.fit(pictures(train.x), train.y, {.epochs = epochs, .batch_size = 128});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double accuracy =
      model.evaluate(pictures(test.x), test.y, {.verbose = 0})["accuracy"];
  std::printf("%s: %.1f %% of the test images read rightly, %.2f s an epoch\n\n",
              model.name().c_str(), 100 * accuracy, seconds.count() / epochs);
  return accuracy;
}

void run(const std::string& folder) {
  std::filesystem::create_directories(folder);
  auto letters = datasets::letters();
  const double by_perceptron = train(perceptron(), letters.train, letters.test, 12);
  Model model = cnn();
  const double by_cnn = train(model, letters.train, letters.test, 12);

  const Tensor x = pictures(letters.test.x);
  const Tensor predicted = model.predict(x);
  model.save(folder + "/cnn.sinter");
  plot_model(model, folder + "/cnn.svg");
  show_images(x.rows(0, 60), letters.test.y.rows(0, 60), folder + "/cnn_letters.png",
              {.class_names = letters.test.class_names, .predicted = predicted.rows(0, 60)});
  plot_confusion_matrix(confusion_matrix(letters.test.y, predicted), folder + "/cnn_taken.svg",
                        letters.test.class_names);
  std::printf(R"(perceptron %.1f %%, CNN %.1f %%. What there is now in %s:
  cnn.sinter       the model
  cnn.svg          its layers
  cnn_letters.png  test images and what it takes them for
  cnn_taken.svg    which letter is taken for which
)",
              100 * by_perceptron, 100 * by_cnn, folder.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? argv[1] : "build/quickstart");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "course_cnn: %s\n", error.what());
    return 1;
  }
}

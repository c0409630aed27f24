// The whole road in one program: trains the course's network on real images, saves it, loads it
// again, predicts, and draws what happened. `bash frontend/quickstart` builds and runs it; the
// files go to build/quickstart or to the folder given.
#include <sinter/sinter.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

using namespace sinter;

namespace {

constexpr int64_t kSide = 28;

/// Images side by side, two pixel rows a line of text.
void show_images(const Tensor& x, const std::vector<int64_t>& images) {
  const char* shades = " .:-=+*#%@";
  for (int64_t row = 0; row < kSide; row += 2) {
    std::string line = " ";
    for (const int64_t image : images) {
      for (int64_t column = 0; column < kSide; ++column) {
        const int64_t at = (image * kSide + row) * kSide + column;
        line += shades[static_cast<int>((x.at(at) + x.at(at + kSide)) / 2 * 9 + 0.5)];
      }
    }
    std::puts(line.c_str());
  }
}

int64_t most_likely(const Tensor& probabilities, int64_t row) {
  const int64_t classes = probabilities.shape()[1];
  int64_t best = 0;
  for (int64_t c = 1; c < classes; ++c) {
    if (probabilities.at(row * classes + c) > probabilities.at(row * classes + best)) best = c;
  }
  return best;
}

void run(const std::string& folder) {
  std::filesystem::create_directories(folder);
  const std::string model_file = folder + "/letters.sinter";
  auto [train, test] = datasets::letters();
  std::printf(
      "Images of the letters A-J, 28 x 28: %lld to train on, %lld of other type faces to test "
      "on.\n\n",
      static_cast<long long>(train.x.shape()[0]), static_cast<long long>(test.x.shape()[0]));

  auto x = Input({784});
  auto h = Dense(128, {.activation = "relu"})(x);
  h = Dense(128, {.activation = "relu"})(h);
  h = Dense(128, {.activation = "relu"})(h);
  auto y = Dense(10, {.activation = "softmax"})(h);
  Model model(x, y, "letters");
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  model.summary();

  std::puts(
      "\nTraining: a fifth of the training images validates; early stopping goes back to the best "
      "weights.");
  auto history = model.fit(
      train.x, train.y,
      {.epochs = 200,
       .batch_size = 128,
       .validation_split = 0.2,
       .callbacks = {EarlyStopping(
           {.monitor = "val_loss", .patience = 10, .verbose = 1, .restore_best_weights = true})}});

  std::puts("\nTesting, on type faces that training never saw:");
  const double accuracy = model.evaluate(test.x, test.y)["accuracy"];

  model.save(model_file);
  Model loaded = load_model(model_file);
  const Tensor predicted = loaded.predict(test.x);
  if (!predicted.identical(model.predict(test.x)))
    throw std::runtime_error("the loaded model predicts something else");

  std::puts("\nThe model, loaded again from its file, reads five test images:\n");
  const std::vector<int64_t> chosen = {100, 211, 322, 433, 544};
  show_images(test.x, chosen);
  std::string line = " ";
  for (const int64_t image : chosen) {
    const int64_t letter = most_likely(predicted, image);
    char text[32];
    std::snprintf(text, sizeof text, "%13s (%.0f %%)",
                  test.class_names[static_cast<size_t>(letter)].c_str(),
                  100 * predicted.at(image * 10 + letter));
    line += text;
    line.resize(1 + (line.size() + 26) / 28 * 28, ' ');
  }
  std::puts(line.c_str());

  history.plot(folder + "/history.svg", {.title = "letters A-J, 784-128-128-128-10"});
  render_dot(to_dot(model.forward_graph()), folder + "/graph.svg");
  render_dot(to_layer_dot(model.training_graph()), folder + "/training.svg");

  std::printf(R"(
Done: %zu epochs, %.1f %% of the test images read rightly. What there is now in %s:
  letters.sinter   the model: architecture, weights and training state in one file
  history.svg      loss and accuracy of each epoch; open it in a browser
  graph.svg        the network as a graph
  training.svg     what one training step computes, layer by layer: forward, loss, backward, Adam

What to try next:
  build/release/sinter summary %s
  build/release/sinter dump %s --graph training
  build/release/sinter passes
  build/release/examples/course_custom_loss      (and the other course_* beside it)
  frontend/examples/quickstart.cc                this program: change the network, run bash frontend/quickstart again
)",
              history.epoch.size(), 100 * accuracy, folder.c_str(), model_file.c_str(),
              model_file.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? argv[1] : "build/quickstart");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quickstart: %s\n", error.what());
    return 1;
  }
}

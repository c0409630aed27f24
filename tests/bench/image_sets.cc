// Trains the course's perceptron or a small convolutional network on a set of images and prints one
// JSON line: what tests/bench/accuracy calls.
//
//     bench_image_sets --write SET FILE.npz      the images and labels, split, for Keras to read
//     bench_image_sets FILE.npz MODEL EPOCHS     perceptron or cnn
//
// SET is a folder of four IDX files (MNIST, Fashion-MNIST), a folder with a subfolder of images a
// class, or such a folder as an archive. Of images in folders every fifth by name is for testing.
#include <sinter/sinter.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <string>

using namespace sinter;

namespace {

void write_idx(const std::string& folder, const std::string& file) {
  const auto load = [&](const std::string& name) {
    const std::string path = folder + "/" + name;
    return datasets::load_idx(std::filesystem::exists(path) ? path : path + ".gz");
  };
  save_npz(file, {{"x_train", load("train-images-idx3-ubyte")},
                  {"y_train", load("train-labels-idx1-ubyte")},
                  {"x_test", load("t10k-images-idx3-ubyte")},
                  {"y_test", load("t10k-labels-idx1-ubyte")}});
}

void write_folder(const std::string& folder, const std::string& file) {
  std::vector<std::string> paths[2];
  std::vector<int32_t> labels[2];
  std::map<std::string, int> seen;
  for (const std::string& path : glob(folder + "/*/*.png")) {
    const std::string name = std::filesystem::path(path).parent_path().filename();
    const int side = seen[name]++ % 5 == 4;
    paths[side].push_back(path);
    labels[side].push_back(static_cast<int32_t>(seen.size()) - 1);  // paths are sorted
  }
  const auto images = [&](int side) {
    return load_images(paths[side], {.channels = 1, .dtype = DType::kUint8, .progress = false});
  };
  save_npz(file, {{"x_train", images(0)},
                  {"y_train", Tensor::from(labels[0])},
                  {"x_test", images(1)},
                  {"y_test", Tensor::from(labels[1])}});
}

void write(const std::string& set, const std::string& file) {
  if (std::filesystem::is_regular_file(set)) {
    const auto folder = std::filesystem::temp_directory_path() / "sinter-image-set";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    archive::extract(set, folder);
    write_folder(folder.string() + "/*", file);
    std::filesystem::remove_all(folder);
  } else if (!glob(set + "/train-images-idx3-ubyte*").empty()) {
    write_idx(set, file);
  } else {
    write_folder(set, file);
  }
}

Model make(const std::string& name) {
  auto X = Input({28, 28, 1});
  KerasTensor H = Rescaling(1.0 / 255)(X);
  if (name == "perceptron") {
    H = Flatten()(H);
    for (int i = 0; i < 3; ++i) H = Dense(128, "relu")(H);
  } else if (name == "cnn") {
    for (const int64_t filters : {32, 64}) {
      H = Conv2D(filters, 3, {.padding = "same", .activation = "relu"})(H);
      H = MaxPooling2D(2)(H);
    }
    H = Dense(128, "relu")(Flatten()(H));
  } else {
    throw Error("the model is 'perceptron' or 'cnn', not '" + name + "'");
  }
  return Model(X, Dense(10, "softmax")(H), name);
}

void train(const std::string& file, const std::string& name, int epochs) {
  const auto data = load_npz(file);
  const auto images = [&](const char* key) {
    const Tensor& x = data.at(key);
    return x.reshaped({x.shape()[0], 28, 28, 1});
  };
  const Tensor x = images("x_train"), y = to_categorical(data.at("y_train"), 10);
  Model model = make(name);
  model.compile(
      {.optimizer = Adam(1e-3), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  const auto start = std::chrono::steady_clock::now();
  model.fit(x, y, {.epochs = epochs, .batch_size = 128, .verbose = 0});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double accuracy = model.evaluate(images("x_test"), to_categorical(data.at("y_test"), 10),
                                         {.verbose = 0})["accuracy"];
  std::printf("{\"model\": \"%s\", \"epochs\": %d, \"seconds\": %.3f, \"accuracy\": %.4f}\n",
              name.c_str(), epochs, seconds.count() / epochs, accuracy);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 4 && std::string(argv[1]) == "--write")
      write(argv[2], argv[3]);
    else if (argc == 4)
      train(argv[1], argv[2], std::stoi(argv[3]));
    else
      throw Error("usage: bench_image_sets --write SET FILE.npz | FILE.npz MODEL EPOCHS");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_image_sets: %s\n", error.what());
    return 1;
  }
}

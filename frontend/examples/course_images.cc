// The course's slides on image files, in their order: a folder of letters is packed and unpacked,
// its files are listed, shuffled and loaded, become a Dataset, and train a perceptron; then it
// trains on pictures that are shifted and flipped at random.
#include <sinter/sinter.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

using namespace sinter;

// notMNIST in small: letters/A/0.png ... letters/J/2759.png.
static void write_letters(const std::string& folder) {
  auto [train, test] = datasets::letters();
  for (int64_t i = 0; i < train.labels.elements(); ++i) {
    const std::string letter = train.class_names[static_cast<size_t>(train.labels.at(i))];
    std::filesystem::create_directories(folder + "/" + letter);
    write_image(folder + "/" + letter + "/" + std::to_string(i) + ".png",
                train.x.rows(i, i + 1).reshaped({28, 28}));
  }
}

int main() {
  write_letters("letters");

  // $ tar -czf letters.tar.gz letters
  archive::create("letters.tar.gz", "letters");
  // $ tar -xzf letters.tar.gz -C unpacked
  archive::extract("letters.tar.gz", "unpacked");

  // The list of files, in another order, and the first of them.
  auto paths = glob("unpacked/letters/*/*.png");
  std::printf("%zu files: %s, %s ...\n", paths.size(), paths[0].c_str(), paths[1].c_str());
  shuffle(paths, 0);
  paths.resize(2500);

  // The images, with a progress bar, and their labels: the names of the folders they are in.
  Tensor x = load_images(paths);
  std::vector<int> letters;
  for (const auto& path : paths)
    letters.push_back(std::filesystem::path(path).parent_path().filename().string()[0] - 'A');
  Tensor y = Tensor::from(letters);
  const std::vector<std::string> names = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J"};
  std::cout << x.shape() << " " << y.shape() << "\n";

  auto train_ds = Dataset::from_tensor_slices({x.rows(0, 2000), y.rows(0, 2000)});
  train_ds = train_ds.shuffle(1000).batch(128);
  auto valid_ds = Dataset::from_tensor_slices({x.rows(2000, 2500), y.rows(2000, 2500)});
  valid_ds = valid_ds.batch(128);

  auto [train_x, train_y] = train_ds.first();
  std::cout << train_x.shape() << " " << train_y.shape() << "\n";
  auto [valid_x, valid_y] = valid_ds.first();
  std::cout << valid_x.shape() << " " << valid_y.shape() << "\n";

  auto X = Input({28, 28, 1});
  auto H = Flatten()(X);
  H = Dense(128, "relu")(H);
  H = Dense(128, "relu")(H);
  auto Y = Dense(10, "softmax")(H);
  Model model(X, Y);
  model.compile(
      {.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  model.fit(train_ds, {.epochs = 10, .validation_data = valid_ds});
  auto scores = model.evaluate(valid_ds);
  if (scores["accuracy"] < 0.9) return 1;

  // What is taken for what: a picture of the first images, a table of all.
  auto predicted = model.predict(x.rows(2000, 2500));
  show_images(x.rows(2000, 2500), y.rows(2000, 2500), "course_images_valid.png",
              {.class_names = names, .predicted = predicted});
  std::cout << classification_report(y.rows(2000, 2500), predicted, {.class_names = names});
  plot_confusion_matrix(confusion_matrix(y.rows(2000, 2500), predicted), "course_images_taken.svg",
                        names);

  // New images from those there are.
  ImageDataGenerator datagen(
      {.width_shift_range = 0.2, .height_shift_range = 0.2, .horizontal_flip = true});
  auto shifted_ds = datagen.flow(x.rows(0, 2000), y.rows(0, 2000), {.batch_size = 128});
  auto [shifted_x, shifted_y] = shifted_ds.first();
  std::cout << shifted_x.shape() << " " << shifted_y.shape() << "\n";
  show_images(shifted_x, shifted_y, "course_images.png", {.count = 32, .class_names = names});
  model.fit(shifted_ds, {.epochs = 3, .validation_data = valid_ds});

  // The same in one step, for folders that do not fit into memory: files are read ahead of need.
  auto files = image_dataset_from_directory("unpacked/letters",
                                            {.color_mode = "grayscale", .image_size = {28, 28}});
  CompiledFunction scale([](CallContext&, Symbol images) { return images / 255; });
  auto scaled = files.map([&](Tensor images, Tensor labels) {
    return Element{scale(images), labels};
  });
  model.evaluate(scaled);
}

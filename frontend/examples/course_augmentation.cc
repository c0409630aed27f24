// Data augmentation against overfitting: a convolutional network with few images learns them by
// heart; shifted, turned and zoomed ones, other ones in each epoch, it cannot.
#include <sinter/sinter.h>

#include <cstdio>

using namespace sinter;

namespace {

constexpr int64_t kImages = 300, kEpochs = 30;

Tensor pictures(const Tensor& rows) { return rows.reshaped({rows.shape()[0], 28, 28, 1}); }

Model cnn() {
  auto X = Input({28, 28, 1});
  auto H = Conv2D(16, 3, {.padding = "same", .activation = "relu"})(X);
  H = MaxPooling2D()(H);
  H = Conv2D(32, 3, {.padding = "same", .activation = "relu"})(H);
  H = Flatten()(MaxPooling2D()(H));
  Model model(X, Dense(10, "softmax")(Dense(64, "relu")(H)));
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  return model;
}

void report(const char* name, Model& model, const Tensor& x, const Tensor& y, const datasets::Split& test) {
  const auto seen = model.evaluate(x, y, {.verbose = 0});
  const auto unseen = model.evaluate(pictures(test.x), test.y, {.verbose = 0});
  std::printf("%-10s %9.1f%%  %9.4f  %8.1f%%  %9.4f\n", name, 100 * seen["accuracy"], seen.loss(),
              100 * unseen["accuracy"], unseen.loss());
}

}  // namespace

int main() {
  auto [train, test] = datasets::letters();
  const Tensor x = pictures(train.x.rows(0, kImages)), y = train.y.rows(0, kImages);
  std::puts("           seen images: right, loss  new images: right, loss");

  Model without = cnn();
  without.fit(x, y, {.epochs = kEpochs, .batch_size = 32, .verbose = 0});
  report("without", without, x, y, test);

  clear_session();
  ImageDataGenerator generator({.rotation_range = 8,
                                .width_shift_range = 0.1,
                                .height_shift_range = 0.1,
                                .zoom_range = 0.1,
                                .fill_mode = "constant"});
  auto changed = generator.flow(x, y, {.batch_size = 32, .seed = 0});
  auto [changed_x, changed_y] = changed.first();
  show_images(changed_x, changed_y, "course_augmentation.png", {.class_names = train.class_names});
  Model with = cnn();
  with.fit(changed, {.epochs = kEpochs, .verbose = 0});
  report("with", with, x, y, test);
}

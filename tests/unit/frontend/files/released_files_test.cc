// Files of every format that was ever written load: tests/data/released has a folder of each.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/model_file.h"
#include "runtime/compile_options.h"
#include "runtime/load.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

namespace fs = std::filesystem;

Tensor features() {
  Tensor x(float32, {24, 6});
  for (int64_t i = 0; i < x.elements(); ++i)
    x.set(i, static_cast<double>((i * 37) % 23 - 11) / 8.0);
  return x;
}

Tensor labels() {
  Tensor y = Tensor::full(float32, {24, 3}, 0.0);
  for (int64_t i = 0; i < 24; ++i) y.set(i * 3 + i * 7 % 3, 1.0);
  return y;
}

/// A model of most of what files hold, trained for three epochs, then for one more.
void write_files(const fs::path& folder) {
  const Tensor x = features(), y = labels();
  clear_session();
  set_random_seed(3);
  const KerasTensor in = Input({6}, {.name = "features"});
  KerasTensor h = Dropout(0.2)(BatchNormalization()(Dense(8, "relu")(in)));
  h = Dense(8, "gelu")(h) + h;
  h = h * 0.5 + PReLU()(h);
  h = Activation("glu")(Dense(16)(h)) + h;
  h = Flatten()(Dense(4, "relu")(Reshape({2, 4})(h))) + h;
  const Model model(in, Dense(3, {.activation = "softmax", .name = "probabilities"})(h),
                    "released");
  model.compile({.optimizer = Adam(0.01),
                 .loss = "categorical_crossentropy",
                 .metrics = {"accuracy", metrics::AUC()}});
  model.fit(x, y, {.epochs = 3, .batch_size = 10, .verbose = 0});
  model.save(folder / "trained.sinter");
  model.save_weights(folder / "trained.weights.sinter");
  model.export_inference(folder / "exported.sinter");
  save_npy(folder / "x.npy", x);
  save_npy(folder / "y.npy", y);
  save_npy(folder / "predictions.npy", model.predict(x));
  model.fit(x, y, {.epochs = 4, .batch_size = 10, .verbose = 0, .initial_epoch = 3});
  save_npy(folder / "predictions_one_epoch_later.npy", model.predict(x));
}

void expect_near(const Tensor& found, const Tensor& wanted) {
  ASSERT_EQ(found.shape(), wanted.shape());
  for (int64_t i = 0; i < wanted.elements(); ++i) ASSERT_NEAR(found.at(i), wanted.at(i), 1e-5) << i;
}

void check_files(const fs::path& folder) {
  SCOPED_TRACE(folder);
  const auto array = [&](const char* name) { return load_npy(folder / name); };
  const Tensor x = array("x.npy"), y = array("y.npy"), predictions = array("predictions.npy");
  clear_session();
  const Model model = load_model(folder / "trained.sinter");
  expect_near(model.predict(x), predictions);

  const Model twin = clone_model(model);
  twin.load_weights(folder / "trained.weights.sinter");
  expect_near(twin.predict(x), predictions);

  // The optimizer's state, the order of rows and dropout's numbers are those of the file.
  model.fit(x, y, {.epochs = 4, .batch_size = 10, .verbose = 0, .initial_epoch = 3});
  expect_near(model.predict(x), array("predictions_one_epoch_later.npy"));

  const ModelFile file = load_model_file(folder / "exported.sinter");
  const Graph* graph = file.find_graph("inference");
  ASSERT_NE(graph, nullptr);
  for (const std::string& backend : backend_names()) {
    CompileOptions options;
    options.backend = backend;
    options.batch = 24;
    const auto executable = load_executable(*graph, options);
    executable->bind(variables_from_file(file, executable->graph()));
    expect_near(executable->run(std::vector{x})[0], predictions);
  }
}

TEST(ReleasedFiles, OfEveryFormatLoad) {
  int formats = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(SINTER_TEST_DATA "/released")) {
    if (!entry.is_directory()) continue;
    check_files(entry.path());
    ++formats;
  }
  EXPECT_EQ(formats, static_cast<int>(kModelFileVersion));
}

TEST(ReleasedFiles, OfThisVersionLoad) {
  const testing::TemporaryFolder temporary;
  const char* kept = std::getenv("SINTER_RELEASED_FILES");
  const fs::path folder = kept != nullptr ? fs::path(kept) : fs::path(temporary.path());
  write_files(folder);
  check_files(folder);
}

}  // namespace
}  // namespace sinter

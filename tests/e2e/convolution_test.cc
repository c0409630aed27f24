// Convolutional networks on real images: trained on every backend, saved, loaded and exported.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "core/model_file.h"
#include "runtime/compile_options.h"
#include "tests/e2e/backends.h"
#include "tests/support/graph_runs.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

using testing_support::compare;

// Every convolution and pool of two dimensions, with what stands around them in models.
Model network() {
  clear_session();
  set_random_seed(5);
  const auto x = Input({64});
  auto h = Reshape({8, 8, 1})(x);
  h = Conv2D(8, 3, {.padding = "same", .use_bias = false})(h);
  h = Activation("relu")(BatchNormalization({.momentum = 0.9})(h));
  h = MaxPooling2D(2)(h);
  auto skip = h;
  h = DepthwiseConv2D(3, {.padding = "same", .activation = "relu"})(h);
  h = Add()({skip, Conv2D(8, 1)(h)});
  h = SeparableConv2D(12, 3, {.padding = "same", .activation = "relu"})(h);
  h = Conv2DTranspose(6, 3, {.strides = 2, .padding = "same", .activation = "relu"})(h);
  h = AveragePooling2D(3, {.strides = 2, .padding = "same"})(h);
  return Model(x, Dense(10, "softmax")(Flatten()(h)));
}

Model compiled(const std::string& backend, const std::string& mixed_precision = "") {
  Model model = network();
  model.compile({.optimizer = Adam(5e-3),
                 .loss = "categorical_crossentropy",
                 .metrics = {"accuracy"},
                 .backend = backend,
                 .mixed_precision = mixed_precision});
  return model;
}

class Convolutions : public ::testing::TestWithParam<std::string> {
 protected:
  ~Convolutions() override { set_threads(before_); }
  int before_ = threads();
};

// The losses of some epochs on the first rows of the digits.
std::vector<double> losses(const std::string& backend, int64_t rows, int epochs,
                           const std::string& mixed_precision = "") {
  const auto [train, test] = datasets::digits();
  const Model model = compiled(backend, mixed_precision);
  const History history = model.fit(train.x.rows(0, rows), train.y.rows(0, rows),
                                    {.epochs = epochs, .batch_size = 40, .verbose = 0});
  return history["loss"];
}

TEST_P(Convolutions, TrainAsOnTheReference) {
  static const std::vector<double> reference = losses("reference", 100, 2);
  const std::vector<double> found = losses(GetParam(), 100, 2),
                            mixed = losses(GetParam(), 100, 2, "bfloat16");
  for (size_t e = 0; e < reference.size(); ++e) {
    EXPECT_NEAR(found[e], reference[e], 1e-4 * reference[e]) << e;
    EXPECT_NEAR(mixed[e], reference[e], 0.03 * reference[e]) << e;
  }
  EXPECT_NE(mixed, found);
}

TEST_P(Convolutions, LearnDigits) {
  if (GetParam() == "reference") GTEST_SKIP() << "as slow as it is plain";
  const auto [train, test] = datasets::digits();
  const Model model = compiled(GetParam());
  model.fit(train.x, train.y, {.epochs = 8, .batch_size = 64, .verbose = 0});
  EXPECT_GT(model.evaluate(test.x, test.y, {.verbose = 0})["accuracy"], 0.8);
}

TEST_P(Convolutions, GiveTheSameBitsForAnyNumberOfThreads) {
  const auto [train, test] = datasets::digits();
  std::vector<std::vector<Tensor>> weights;
  for (const int n : {1, 2, 3, 8}) {
    set_threads(n);
    const Model model = compiled(GetParam());
    model.fit(train.x.rows(0, 70), train.y.rows(0, 70),
              {.epochs = 1, .batch_size = 40, .verbose = 0});
    weights.push_back(model.get_weights());
    weights.back().push_back(model.predict(test.x.rows(0, 50), {.batch_size = 40}));
  }
  for (size_t i = 1; i < weights.size(); ++i) {
    for (size_t k = 0; k < weights[i].size(); ++k)
      EXPECT_TRUE(weights[i][k].identical(weights[0][k])) << "tensor " << k << ", run " << i;
  }
}

TEST_P(Convolutions, PredictTheSameLoadedAndExported) {
  const auto [train, test] = datasets::digits();
  const testing::TemporaryFolder folder;
  const Model model = compiled(GetParam());
  model.fit(train.x.rows(0, 128), train.y.rows(0, 128),
            {.epochs = 1, .batch_size = 64, .verbose = 0});
  const std::string saved = folder.file("m.sinter"), exported = folder.file("e.sinter");
  model.save(saved);
  model.export_inference(exported);
  const std::string json = model.to_json();
  const std::vector<Tensor> weights = model.get_weights();
  const Model loaded = load_model(saved);
  const ModelFile file = load_model_file(exported);
  clear_session();
  const Model read = model_from_json(json);
  read.set_weights(weights);
  EXPECT_EQ(read.to_json(), json);
  for (const int64_t rows : {1, 2, 7, 33}) {
    const Tensor x = test.x.rows(0, rows);
    const std::vector<Tensor> expected = {model.predict(x)};
    EXPECT_EQ(compare({loaded.predict(x)}, expected, 0), "") << rows;
    EXPECT_EQ(compare({read.predict(x)}, expected, 1e-5), "") << rows;
    CompileOptions options;
    options.backend = GetParam();
    options.batch = rows;
    const auto executable = load_executable(*file.find_graph("inference"), options);
    executable->bind(variables_from_file(file, executable->graph()));
    EXPECT_EQ(compare(executable->run(std::span(&x, 1)), expected, 1e-5), "") << rows;
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Convolutions, ::testing::ValuesIn(tested_backends()));

}  // namespace
}  // namespace sinter

// A model trains and loads alike whatever set_floatx() says when it is loaded.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <string>
#include <utility>
#include <vector>

#include "core/model_file.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

class SessionDType : public ::testing::Test {
 protected:
  void SetUp() override { clear_session(); }
  void TearDown() override { set_floatx("float32"); }

  struct Data {
    Tensor x, y, weights;
  };
  static Data data(DType dtype) {
    Data d{Tensor(dtype, {20, 3}), Tensor(dtype, {20, 1}), Tensor(dtype, {20})};
    for (int64_t i = 0; i < 60; ++i) d.x.set(i, static_cast<double>(i * 13 % 29) / 30);
    for (int64_t i = 0; i < 20; ++i) d.y.set(i, static_cast<double>(i % 3) / 3);
    for (int64_t i = 0; i < 20; ++i) d.weights.set(i, 1 + static_cast<double>(i % 7) / 7);
    return d;
  }
  static Model model(const Optimizer& optimizer) {
    clear_session();
    set_random_seed(5);
    const auto x = Input(3);
    const Model m(x, Dense(1, "sigmoid")(Dropout(0.2)(BatchNormalization()(Dense(4, "tanh")(x)))));
    m.compile({.optimizer = optimizer,
               .loss = "binary_crossentropy",
               .metrics = {"mae", metrics::AUC()},
               .weighted_metrics = {"mse"}});
    return m;
  }
  static std::vector<Optimizer> optimizers() {
    return {Adam(),
            SGD({.learning_rate = 0.1, .momentum = 0.9}),
            Nadam(),
            RMSprop(),
            Adamax(),
            Lion(),
            Ftrl(),
            Adam({.learning_rate = CosineDecay({.initial_learning_rate = 0.1, .decay_steps = 9})}),
            SGD({.learning_rate = 0.1,
                 .use_ema = true,
                 .ema_overwrite_frequency = 3,
                 .gradient_accumulation_steps = 2})};
  }
  TemporaryFolder folder;
};

TEST_F(SessionDType, DoesNotChangeWhatAFileHolds) {
  const std::string path = folder.file("m.sinter");
  for (const auto& [own, other] : {std::pair{"float64", "float32"}, {"float32", "float64"}}) {
    set_floatx(own);
    for (const Optimizer& optimizer : optimizers()) {
      set_floatx(own);
      const Data d = data(parse_dtype(own));
      const Model m = model(optimizer);
      m.fit(d.x, d.y, {.epochs = 2, .batch_size = 5, .verbose = 0, .sample_weight = d.weights});
      m.save(path);
      m.fit(d.x, d.y, {.epochs = 2, .batch_size = 5, .verbose = 0, .sample_weight = d.weights});
      set_floatx(other);
      const Model loaded = load_model(path);
      loaded.fit(d.x, d.y,
                 {.epochs = 2, .batch_size = 5, .verbose = 0, .sample_weight = d.weights});
      for (size_t i = 0; i < m.get_weights().size(); ++i) {
        EXPECT_TRUE(m.get_weights()[i].identical(loaded.get_weights()[i]))
            << own << " " << optimizer.name() << " " << m.variables()[i]->path;
      }
      EXPECT_EQ(m.evaluate(d.x, d.y, {.verbose = 0}).loss(),
                loaded.evaluate(d.x, d.y, {.verbose = 0}).loss())
          << own << " " << optimizer.name();
    }
  }
}

TEST_F(SessionDType, WeightsOfClassesAreThoseOfTheModel) {
  std::vector<std::vector<Tensor>> results;
  for (const char* session : {"float64", "float32"}) {
    set_floatx("float64");
    const Data d = data(float64);
    const Model m = model("adam");
    set_floatx(session);
    const Tensor classes = Tensor::full(int32, {20, 1}, 1);
    m.fit(d.x, classes, {.epochs = 2, .verbose = 0, .class_weight = {{1, 0.1}}});
    results.push_back(m.get_weights());
  }
  for (size_t i = 0; i < results[0].size(); ++i)
    EXPECT_TRUE(results[0][i].identical(results[1][i])) << i;
}

// Older versions kept the rates of optimizers in the dtype of the session.
TEST_F(SessionDType, RatesOfAnotherWidthAreRead) {
  const std::string path = folder.file("m.sinter");
  const Data d = data(float32);
  const Model m = model("nadam");
  m.fit(d.x, d.y, {.epochs = 2, .verbose = 0});
  m.save(path);
  ModelFile file = load_model_file(path);
  int changed = 0;
  for (NamedTensor& t : file.tensors) {
    if (t.tensor.shape().rank() != 0 || t.tensor.dtype() != float32) continue;
    t.tensor = t.tensor.cast(float64);
    ++changed;
  }
  EXPECT_GE(changed, 1);
  const std::string wide = folder.file("wide.sinter");
  save_model_file(wide, file);
  const Model loaded = load_model(wide);
  m.fit(d.x, d.y, {.epochs = 2, .verbose = 0});
  loaded.fit(d.x, d.y, {.epochs = 2, .verbose = 0});
  for (size_t i = 0; i < m.get_weights().size(); ++i)
    EXPECT_TRUE(m.get_weights()[i].identical(loaded.get_weights()[i])) << i;
}

}  // namespace
}  // namespace sinter::testing

// Settings of optimizers beyond their rules: weights without decay, gradients of several steps,
// schedules of one's own; and that files keep them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/model_file.h"
#include "frontend/interop/json.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

class OptimizerSettings : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }
};

Tensor numbers(Shape shape) {
  Tensor x(DType::kFloat32, shape);
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>((i * 37) % 101) / 101);
  return x;
}

// Labels that a network of zeros predicts: only the decay moves its weights.
Model decayed(const Optimizer& optimizer) {
  clear_session();
  auto x = Input(3);
  const Model model(x, Dense(2, {.kernel_initializer = "zeros", .bias_initializer = "ones"})(x));
  model.compile({.optimizer = optimizer, .loss = "mse"});
  return model;
}

TEST_F(OptimizerSettings, WeightsWithoutDecay) {
  const sinter::testing::TemporaryFolder folder;
  const Tensor x = numbers({4, 3}), ones = Tensor::full(DType::kFloat32, {4, 2}, 1.0);
  const auto bias_after = [&](const Model& model) {
    model.fit(x, ones, {.epochs = 3, .verbose = 0});
    return model.get_weights()[1].at(0);
  };
  const SGDOptions options{.learning_rate = 0.1, .weight_decay = 0.5};
  EXPECT_LT(bias_after(decayed(SGD(options))), 0.95);
  const SGD by_name(options), by_weight(options);
  by_name.exclude_from_weight_decay({"bias"});
  EXPECT_EQ(bias_after(decayed(by_name)), 1.0);
  const Model model = decayed(by_weight);
  by_weight.exclude_from_weight_decay({model.variables()[1]});
  model.save(folder.file("m.sinter"));
  EXPECT_EQ(bias_after(model), 1.0);
  EXPECT_EQ(bias_after(load_model(folder.file("m.sinter"))), 1.0);
  EXPECT_THROW(by_weight.exclude_from_weight_decay({"kernel"}), Error);
}

// Two models inside, whose weights have the same paths: fc/kernel, fc/bias.
class TwoTowers {
 public:
  TwoTowers() {
    const auto tower = [](const char* name) {
      const auto in = Input(3);
      return Model(in, Dense(2, {.name = "fc"})(in), name);
    };
    const auto x = Input(3);
    model_.emplace_back(x, Add()({tower("left")(x), tower("right")(x)}));
  }
  const Model& model() const { return model_[0]; }

 private:
  std::vector<Model> model_;
};

// How much is left of the kernels after some steps without a gradient.
std::vector<double> left_of_kernels(const Model& model) {
  const auto sums = [&] {
    std::vector<double> result;
    for (const Tensor& w : model.get_weights()) {
      if (w.shape().rank() != 2) continue;
      double total = 0;
      for (int64_t i = 0; i < w.elements(); ++i) total += std::abs(w.at(i));
      result.push_back(total);
    }
    return result;
  };
  const std::vector<double> before = sums();
  for (int step = 0; step < 3; ++step)
    model.train_on_batch(Tensor::full(float32, {4, 3}, 1), Tensor(float32, {4, 2}));
  std::vector<double> after = sums();
  for (size_t i = 0; i < after.size(); ++i) after[i] /= before[i];
  return after;
}

Symbol no_gradient(Symbol, Symbol y_pred) { return sum(y_pred * 0.0, {-1}); }

const SGDOptions kDecays{.learning_rate = 0.1, .weight_decay = 0.5};
const double kLeft = 0.95 * 0.95 * 0.95;

TEST_F(OptimizerSettings, WeightsWithoutDecayAreThemselvesNotTheirPaths) {
  const sinter::testing::TemporaryFolder folder;
  const std::string path = folder.file("m.sinter");
  const LoadOptions options{.custom_objects = {{"none", no_gradient}}};
  for (const size_t excluded : {0u, 2u}) {
    clear_session();
    const TwoTowers towers;
    const Model& model = towers.model();
    const std::vector<VariablePtr> w = model.variables();
    ASSERT_EQ(w[0]->path, w[2]->path);
    const auto expect = [&](const Model& m) {
      const std::vector<double> left = left_of_kernels(m);
      EXPECT_NEAR(left[0], excluded == 0 ? 1 : kLeft, 1e-5);
      EXPECT_NEAR(left[1], excluded == 0 ? kLeft : 1, 1e-5);
    };
    const SGD optimizer(kDecays);
    optimizer.exclude_from_weight_decay({w[excluded]});
    model.compile({.optimizer = optimizer, .loss = Loss("none", no_gradient)});
    model.save(path);
    const std::string json = model.to_json();
    const Optimizer same = Optimizer::from_config(optimizer.to_config());
    expect(model);
    expect(load_model(path, options));
    expect(model_from_json(json, options));
    load_model(path, options).save(path);  // and once more
    const Model again = load_model(path, options);
    expect(again);
    again.save(path);  // in the middle of training
    expect(load_model(path, options));
    // The same settings for a model of its own.
    const Model clone = clone_model(model);
    clone.compile({.optimizer = same, .loss = Loss("none", no_gradient)});
    expect(clone);
  }
}

TEST_F(OptimizerSettings, WeightsWithoutDecayAreNotThoseOfAClone) {
  clear_session();
  const auto x = Input(3);
  const Model base(x, Dense(2, {.name = "fc"})(x)), clone = clone_model(base);
  const auto y = Input(3);
  const Model both(y, Add()({base(y), Model(x, Activation("linear")(clone(x)), "o")(y)}));
  const SGD optimizer(kDecays);
  optimizer.exclude_from_weight_decay(clone.variables());
  both.compile({.optimizer = optimizer, .loss = no_gradient});
  both.train_on_batch(Tensor::full(float32, {4, 3}, 1), Tensor(float32, {4, 2}));
  const std::vector<Tensor> before = {base.get_weights()[0], clone.get_weights()[0]};
  both.train_on_batch(Tensor::full(float32, {4, 3}, 1), Tensor(float32, {4, 2}));
  EXPECT_FALSE(base.get_weights()[0].identical(before[0]));
  EXPECT_TRUE(clone.get_weights()[0].identical(before[1]));
}

TEST_F(OptimizerSettings, FrozenWeightsWithoutDecayStayIt) {
  const sinter::testing::TemporaryFolder folder;
  const TwoTowers towers;
  const Model& model = towers.model();
  const SGD optimizer(kDecays);
  optimizer.exclude_from_weight_decay({model.variables()[2]});
  const Layer right = model.get_layer("right");
  right.set_trainable(false);
  model.compile({.optimizer = optimizer, .loss = no_gradient});
  model.save(folder.file("m.sinter"));
  const Model loaded =
      load_model(folder.file("m.sinter"), {.custom_objects = {{"custom_loss", no_gradient}}});
  loaded.get_layer("right").set_trainable(true);
  loaded.compile(loaded.compile_arguments());
  EXPECT_NEAR(left_of_kernels(loaded)[1], 1, 1e-5);
}

// Two weights of one path, before training: of settings that were made here it is known which one
// was meant; a text cannot tell, and says so where it matters.
TEST_F(OptimizerSettings, WeightsWithoutDecayOfOnePath) {
  for (const size_t place : {0u, 2u}) {
    const TwoTowers towers;
    const std::vector<VariablePtr> weights = towers.model().variables();
    ASSERT_EQ(weights[0]->path, weights[2]->path);
    const SGD optimizer(kDecays);
    optimizer.exclude_from_weight_decay({weights[place]});
    const ConfigValue settings = optimizer.to_config();
    const Optimizer again = Optimizer::from_config(Optimizer::from_config(settings).to_config());
    towers.model().compile({.optimizer = again, .loss = no_gradient});
    const std::vector<double> left = left_of_kernels(towers.model());
    EXPECT_NEAR(left[0], place == 0 ? 1 : kLeft, 1e-5);
    EXPECT_NEAR(left[1], place == 0 ? kLeft : 1, 1e-5);
    // Of another model it is the weight of that path.
    clear_session();
    const auto x = Input(3);
    const Model other(x, Dense(2, {.name = "b"})(Dense(3, {.name = "fc"})(x)));
    other.compile({.optimizer = Optimizer::from_config(settings), .loss = no_gradient});
    const std::vector<double> left_there = left_of_kernels(other);
    EXPECT_NEAR(left_there[0], 1, 1e-5);
    EXPECT_NEAR(left_there[1], kLeft, 1e-5);
    const ConfigValue text = with_objects(
        parse_json(to_json_text(without_objects(settings)), "the settings of an optimizer"));
    const TwoTowers others;
    others.model().compile({.optimizer = Optimizer::from_config(text), .loss = no_gradient});
    EXPECT_THAT(testing::error_of([&] { left_of_kernels(others.model()); }),
                ::testing::HasSubstr("exclude_from_weight_decay names '" + weights[0]->path +
                                     "', which 2 weights of this model are called"));
  }
}

// Older versions wrote paths, and those of weights of inner layers were not the same everywhere:
// they are found by the names that the file gives its tensors.
TEST_F(OptimizerSettings, WeightsWithoutDecayInOlderFiles) {
  const sinter::testing::TemporaryFolder folder;
  const std::string path = folder.file("m.sinter");
  clear_session();
  const auto x = Input(3);
  const Model model(x, Dense(2, {.name = "b"})(Dense(3, {.name = "a"})(x)));
  const SGD optimizer(kDecays);
  optimizer.exclude_from_weight_decay({model.variables()[2]});
  model.compile({.optimizer = optimizer, .loss = Loss("none", no_gradient)});
  model.save(path);
  ModelFile file = load_model_file(path);
  const std::string places = "{\"places\": [2], ";
  const size_t at = file.compile_settings.find(places);
  ASSERT_NE(at, std::string::npos) << file.compile_settings;
  file.compile_settings.replace(at, places.size(), "{\"weights\": [\"b_7/kernel\"], ");
  file.tensors[2].name = "b_7/kernel";
  file.graphs.clear();
  save_model_file(path, file);
  const std::vector<double> left =
      left_of_kernels(load_model(path, {.custom_objects = {{"none", no_gradient}}}));
  EXPECT_NEAR(left[0], kLeft, 1e-5);
  EXPECT_NEAR(left[1], 1, 1e-5);
}

// Two steps of half the rows are one step of all of them.
TEST_F(OptimizerSettings, AccumulatedGradientsAreThoseOfTheWholeBatch) {
  const Tensor x = numbers({8, 3}), y = numbers({8, 2});
  const auto train = [&](const Optimizer& optimizer, int64_t batch) {
    clear_session();
    auto in = Input(3);
    const Model model(in, Dense(2)(Dense(4, "tanh")(in)));
    model.compile({.optimizer = optimizer, .loss = "mse"});
    model.fit(x, y, {.epochs = 5, .batch_size = batch, .verbose = 0, .shuffle = false});
    return model.get_weights();
  };
  const AdamOptions whole{.learning_rate = 0.01, .clipnorm = 0.1};
  AdamOptions halves = whole;
  halves.gradient_accumulation_steps = 2;
  const auto a = train(Adam(whole), 8), b = train(Adam(halves), 4), c = train(Adam(whole), 4);
  bool differs = false;
  for (size_t i = 0; i < a.size(); ++i) {
    for (int64_t k = 0; k < a[i].elements(); ++k) {
      EXPECT_NEAR(a[i].at(k), b[i].at(k), 1e-6);
      differs = differs || std::abs(a[i].at(k) - c[i].at(k)) > 1e-4;
    }
  }
  EXPECT_TRUE(differs);
  EXPECT_THROW(Adam({.gradient_accumulation_steps = 1}), Error);
}

TEST_F(OptimizerSettings, SchedulesOfOnesOwn) {
  const sinter::testing::TemporaryFolder folder;
  const auto slower = [](Symbol step) { return 0.5 / (1.0 + step); };
  EXPECT_NEAR(SGD(slower).learning_rate(), 0.5, 1e-7);
  EXPECT_NEAR(LearningRate(slower).at(int64_t{4}), 0.1, 1e-7);
  const Model model = decayed(SGD(LearningRate("slower", slower)));
  const Tensor x = numbers({4, 3}), y = numbers({4, 2});
  model.fit(x, y, {.epochs = 3, .verbose = 0});
  EXPECT_NEAR(model.optimizer().learning_rate(), 0.125, 1e-7);
  model.save(folder.file("m.sinter"));
  EXPECT_THROW(load_model(folder.file("m.sinter")), NameError);
  const Model again = load_model(folder.file("m.sinter"), {.custom_objects = {{"slower", slower}}});
  EXPECT_NEAR(again.optimizer().learning_rate(), 0.125, 1e-7);
  EXPECT_EQ(again.fit(x, y, {.verbose = 0})["loss"], model.fit(x, y, {.verbose = 0})["loss"]);
}

TEST_F(OptimizerSettings, RestartsFallOnTheirSteps) {
  const LearningRate rate = CosineDecayRestarts(
      {.initial_learning_rate = 1.0, .first_decay_steps = 10, .t_mul = 2.0, .m_mul = 0.5});
  for (const auto& [step, expected] : std::vector<std::pair<int64_t, double>>{
           {0, 1.0}, {5, 0.5}, {10, 0.5}, {20, 0.25}, {30, 0.25}, {70, 0.125}, {150, 0.0625}})
    EXPECT_NEAR(rate.at(step), expected, 1e-6) << step;
  EXPECT_EQ(LearningRate::from_config(rate.to_config(), 0).to_config(), rate.to_config());
}

}  // namespace
}  // namespace sinter

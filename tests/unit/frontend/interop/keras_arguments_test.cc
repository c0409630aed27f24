// What to_json() writes for Keras's classes Keras takes: it hands all settings of a file to the
// constructor of the class, which refuses those it does not know. What is Sinter's own stands where
// Keras lets it pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "core/file_io.h"
#include "frontend/interop/json.h"

#include "tests/support/own_names.h"

namespace sinter {
namespace {

class KerasArguments : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }

  /// Settings in what `model` writes that Keras's classes refuse, as paths.
  std::vector<std::string> refused(const Model& model) {
    const ConfigValue json = parse_json(model.to_json(), "a model");
    std::vector<std::string> all;
    find(json, "", all);
    const Config& compile = *json.as<Config>()->get("compile_config").as<Config>();
    check("compile", compile, "compile_config", all);
    return all;
  }
  /// Objects of Keras that have been seen.
  std::set<std::string> seen_;

 private:
  void check(const std::string& of, const Config& settings, const std::string& at,
             std::vector<std::string>& all) {
    const ConfigList* known = table_.as<Config>()->get(of).as<ConfigList>();
    if (known == nullptr) return;
    seen_.insert(of);
    for (const ConfigEntry& e : settings.entries()) {
      if (std::find(known->begin(), known->end(), ConfigValue(e.key)) == known->end())
        all.push_back(at + "/" + e.key);
    }
  }
  void find(const ConfigValue& value, const std::string& at, std::vector<std::string>& all) {
    if (const ConfigList* list = value.as<ConfigList>()) {
      for (size_t i = 0; i < list->size(); ++i) find((*list)[i], at + "/" + std::to_string(i), all);
      return;
    }
    const Config* config = value.as<Config>();
    if (config == nullptr) return;
    const std::string* module = config->get("module").as<std::string>();
    const std::string* name = config->get("class_name").as<std::string>();
    const Config* settings = config->get("config").as<Config>();
    if (module != nullptr && name != nullptr && settings != nullptr)
      check(*module + "." + *name, *settings, at + "/" + *name, all);
    for (const ConfigEntry& e : config->entries()) find(e.value, at + "/" + e.key, all);
  }

  const ConfigValue table_ =
      parse_json(read_file(SINTER_TEST_DATA "/keras/arguments.json"), "Keras's arguments");
};

// With all settings that Keras does not have.
void compile_with_own_settings(const Model& model, const Optimizer& optimizer) {
  optimizer.exclude_from_weight_decay({model.variables()[1]}, {"gamma"});
  model.compile({.optimizer = optimizer,
                 .loss = "mse",
                 .backend = "reference",
                 .mixed_precision = "bfloat16",
                 .disabled_passes = {"fuse_elementwise"},
                 .memory_budget = 123'456'789});
}

// Every optimizer with every setting.
TEST_F(KerasArguments, OfOptimizers) {
  const auto in = Input(3);
  const Model model(in, Dense(2, {.name = "fc"})(in));
  const double rate = 0.125;
  std::vector<Optimizer> optimizers = {
      SGD({.learning_rate = rate, .momentum = 0.5, .nesterov = true, .weight_decay = 0.1}),
      Adam({.learning_rate = CosineDecay({.decay_steps = 5, .warmup_steps = 2}), .amsgrad = true}),
      AdamW({.learning_rate = rate, .gradient_accumulation_steps = 2}),
      RMSprop({.learning_rate = ExponentialDecay({}), .centered = true}),
      Adagrad({.learning_rate = CosineDecayRestarts({})}),
      Adadelta({.use_ema = true, .ema_overwrite_frequency = 3}),
      Adamax({.global_clipnorm = 1}),
      Nadam({.clipnorm = 1}),
      Ftrl({.clipvalue = 1}),
      Lion({.loss_scale_factor = 2})};
  for (const std::string& name : names_of_library(optimizer_names())) {
    if (name.find("test") == std::string::npos) optimizers.emplace_back(name);
  }
  for (const Optimizer& optimizer : optimizers) {
    compile_with_own_settings(model, optimizer);
    EXPECT_THAT(refused(model), ::testing::IsEmpty()) << optimizer.name();
  }
  EXPECT_GE(seen_.size(), 13u);  // ten optimizers, two schedules or more, compile()
}

TEST_F(KerasArguments, OfLossesAndMetrics) {
  const auto in = Input(3);
  const Model model(in, Dense(3, {.activation = "softmax"})(in));
  const auto expect_taken = [&](const Loss& loss, const std::vector<Metric>& metrics) {
    model.compile({.loss = loss, .metrics = metrics, .weighted_metrics = metrics});
    EXPECT_THAT(refused(model), ::testing::IsEmpty()) << loss.name();
  };
  expect_taken(losses::MeanSquaredError(), {"mse", metrics::MeanSquaredError()});
  expect_taken(losses::Huber({.delta = 2}), {metrics::AUC(), metrics::Precision()});
  expect_taken(losses::CosineSimilarity(), {metrics::CosineSimilarity(), metrics::F1Score()});
  expect_taken(losses::BinaryCrossentropy({.label_smoothing = 0.1}),
               {metrics::BinaryCrossentropy(), metrics::RecallAtPrecision(0.5)});
  expect_taken(losses::CategoricalCrossentropy(), {metrics::CategoricalCrossentropy()});
  expect_taken(losses::BinaryFocalCrossentropy(), {metrics::R2Score(), "accuracy"});
  expect_taken(losses::CategoricalFocalCrossentropy(), {metrics::MeanIoU(3), metrics::BinaryIoU()});
  expect_taken(losses::Dice({.axis = {1}}), {metrics::TruePositives()});
  expect_taken(losses::Tversky(), {metrics::TopKCategoricalAccuracy({.k = 2})});
  const Model classes(in, Dense(3)(in));
  classes.compile(
      {.loss = losses::SparseCategoricalCrossentropy({.from_logits = true, .ignore_class = -1}),
       .metrics = {metrics::SparseCategoricalAccuracy()}});
  EXPECT_THAT(refused(classes), ::testing::IsEmpty());
  EXPECT_GE(seen_.size(), 20u);
}

TEST_F(KerasArguments, OfLayers) {
  const auto in = Input({4, 6}, {.name = "x"});
  const DenseOptions all{.activation = "relu",
                         .kernel_initializer = VarianceScaling(),
                         .bias_initializer = Constant(0.5),
                         .kernel_regularizer = L1L2({.l1 = 0.1, .l2 = 0.2}),
                         .bias_regularizer = "l2",
                         .activity_regularizer = L2(0.1),
                         .kernel_constraint = MaxNorm({.max_value = 2}),
                         .bias_constraint = "non_neg"};
  KerasTensor h = Dense(6, all)(in);
  h = BatchNormalization({.axis = -1})(h);
  h = Dropout(0.5, {.seed = 3})(h);
  for (const Layer& layer : std::vector<Layer>{Activation("tanh"), ELU(), LeakyReLU(), PReLU(),
                                               ReLU({.max_value = 6}), Softmax()})
    h = layer(h);
  h = Add()({h, in});
  h = Average()({h, in});
  h = Maximum()({h, in});
  h = Minimum()({h, in});
  h = Multiply()({h, in});
  h = Subtract()({h, in});
  h = Concatenate()({h, in});
  h = LayerNormalization({.axis = {1, 2}})(h);
  h = UnitNormalization()(RMSNormalization()(GroupNormalization(2)(h)));
  h = AlphaDropout(0.1, {.noise_shape = {kBatch, 1, 12}})(h);
  h = GaussianDropout(0.1, {.seed = 1})(GaussianNoise(0.1)(SpatialDropout1D(0.1)(h)));
  h = Permute({2, 1})(ActivityRegularization({.l1 = 0.1})(Rescaling(2, {.offset = 1})(h)));
  h = UpSampling1D(2)(Cropping1D({1, 0})(ZeroPadding1D({1, 0})(h)));
  h = Concatenate()({GlobalAveragePooling1D()(h), GlobalMaxPooling1D()(h)});
  KerasTensor image = Reshape({2, 2, 2})(RepeatVector(1)(h));
  image = UpSampling2D({2, 1})(Cropping2D({{0, 1}, {0, 1}})(ZeroPadding2D(1)(image)));
  image = SpatialDropout2D(0.1)(Normalization()(RandomFlip("vertical", {.seed = 1})(image)));
  image = RandomRotation(0.1)(image);
  image = RandomZoom(0.1)(RandomTranslation(0.1, {0.1, 0.2})(CenterCrop(2, 2)(image)));
  image = Resizing(3, 2)(RandomCrop(2, 2)(RandomContrast(0.1)(RandomBrightness(0.1)(image))));
  h = Concatenate()({GlobalAveragePooling2D()(image), GlobalMaxPooling2D()(image)});
  KerasTensor volume = Reshape({1, 2, 2, 1})(h);
  volume = UpSampling3D(2)(Cropping3D(1)(ZeroPadding3D({1, 2, 1})(volume)));
  volume = SpatialDropout3D(0.1, {.data_format = "channels_first"})(volume);
  h = Concatenate()({GlobalAveragePooling3D()(volume), GlobalMaxPooling3D()(volume)});
  h = Flatten()(Reshape({2, 1})(h));
  const Model model(in, Dense(1)(h));
  EXPECT_THAT(refused(model), ::testing::IsEmpty());
  EXPECT_GE(seen_.size(), 65u);
}

// They come back all the same.
TEST_F(KerasArguments, OwnSettingsStandBeside) {
  const auto in = Input(3);
  const Model model(in, Dense(2, {.name = "fc"})(in));
  model.compile({.optimizer = "adamw", .loss = "mse"});
  EXPECT_EQ(model.to_json().find("sinter"), std::string::npos);
  compile_with_own_settings(model, AdamW());
  const Model again = model_from_json(model.to_json());
  EXPECT_EQ(again.to_json(), model.to_json());
  const CompileArguments arguments = again.compile_arguments();
  EXPECT_EQ(arguments.backend, "reference");
  EXPECT_EQ(arguments.mixed_precision, "bfloat16");
  EXPECT_EQ(arguments.memory_budget, 123'456'789);
  EXPECT_THAT(arguments.disabled_passes, ::testing::ElementsAre("fuse_elementwise"));
  EXPECT_FALSE(arguments.optimizer.impl().excludes(*again.variables()[0]));
  EXPECT_TRUE(arguments.optimizer.impl().excludes(*again.variables()[1]));
}

}  // namespace
}  // namespace sinter

// Settings in files: misspelt ones are refused with the right name, those of other versions of
// Keras are ignored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "frontend/interop/json.h"
#include "frontend/interop/keras_compile.h"
#include "frontend/layers/operation.h"
#include "frontend/sinter.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::function<void()>& f) {
  clear_session();
  try {
    f();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

/// A Sequential of three numbers with one layer, called "d".
Model model_with(const std::string& class_name, const std::string& settings) {
  return model_from_json(
      R"({"class_name": "Sequential", "config": {"name": "s", "layers": [)"
      R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 3], "name": "in"}},)"
      R"({"class_name": ")" +
      class_name + R"(", "config": {"name": "d", )" + settings + "}}]}}");
}

std::string of_layer(const std::string& class_name, const std::string& settings) {
  return error_of([&] { model_with(class_name, settings); });
}

std::string of_compile(const std::string& json) {
  return error_of([&] { compile_arguments_from_config(parse_json(json, "a test")); });
}

std::string of_fit(const std::string& json) {
  return error_of([&] { fit_options_from_config(parse_json(json, "a test")); });
}

std::string object(const std::string& class_name, const std::string& settings) {
  return R"({"class_name": ")" + class_name + R"(", "config": {)" + settings + "}}";
}

TEST(MisspeltSettings, OfLayers) {
  EXPECT_THAT(of_layer("Dense", R"("units": 2, "activaton": "relu")"),
              HasSubstr("unknown setting 'activaton' of Dense 'd'; did you mean 'activation'?"));
  // Told though the layer cannot be made without it.
  EXPECT_THAT(of_layer("Dense", R"("unit": 2)"),
              HasSubstr("unknown setting 'unit' of Dense 'd'; did you mean 'units'?"));
  EXPECT_THAT(of_layer("LeakyReLU", R"("negativ_slope": 0.1)"), HasSubstr("'negative_slope'?"));
  EXPECT_THAT(of_layer("Dense", R"("units": 2, "trainible": false)"), HasSubstr("'trainable'?"));
  EXPECT_THAT(of_layer("BatchNormalization", R"("momentun": 0.5)"), HasSubstr("'momentum'?"));
  EXPECT_THAT(of_layer("Dropout", R"("Rate": 0.5)"), HasSubstr("'rate'?"));
  // Within another one.
  EXPECT_THAT(of_layer("Activation", R"("activation": )" + object("ELU", R"("alhpa": 2)")),
              HasSubstr("unknown setting 'alhpa' of ELU; did you mean 'alpha'?"));
  const auto dense_with = [](const char* key, const std::string& class_name,
                             const std::string& settings) {
    return of_layer(
        "Dense", R"("units": 2, ")" + std::string(key) + R"(": )" + object(class_name, settings));
  };
  EXPECT_THAT(dense_with("kernel_initializer", "RandomNormal", R"("stdev": 1)"),
              HasSubstr("unknown setting 'stdev' of RandomNormal; did you mean 'stddev'?"));
  EXPECT_THAT(dense_with("kernel_regularizer", "L1L2", R"("L1": 1)"), HasSubstr("'l1'?"));
  EXPECT_THAT(dense_with("kernel_constraint", "MaxNorm", R"("max_valeu": 1)"),
              HasSubstr("'max_value'?"));
  EXPECT_THAT(
      error_of([] {
        model_from_json(R"({"class_name": "Sequential", "config": {"layers": [{"class_name": )"
                        R"("InputLayer", "config": {"batch_shpe": [null, 3], "name": "x"}}]}})");
      }),
      HasSubstr("unknown setting 'batch_shpe' of InputLayer 'x'"));
  EXPECT_THAT(error_of([] {
                layer_from_config("Dense", {{"units", 2}, {"use_bais", false}});
              }),
              HasSubstr("unknown setting 'use_bais' of Dense; did you mean 'use_bias'?"));
}

TEST(MisspeltSettings, OfOperations) {
  const ConfigList x = {OperationImpl::tensor_argument()};
  const auto sum_with = [&](const char* key) {
    return error_of([&] {
      operation_from_config("Sum", {{"name", "s"}, {"axis", 1}, {key, true}}, x, {})(Input(3));
    });
  };
  EXPECT_THAT(sum_with("keepdim"),
              HasSubstr("unknown setting 'keepdim' of Sum 's'; did you mean 'keepdims'?"));
  EXPECT_EQ(sum_with("keepdims"), "");
}

TEST(MisspeltSettings, OfCompileAndFit) {
  const auto optimizer = [](const std::string& class_name, const std::string& settings) {
    return of_compile(R"({"optimizer": )" + object(class_name, settings) + "}");
  };
  EXPECT_THAT(optimizer("Adam", R"("lr": 0.5)"),
              HasSubstr("unknown setting 'lr' of Adam; did you mean 'learning_rate'?"));
  EXPECT_THAT(optimizer("SGD", R"("nestrov": true)"), HasSubstr("'nesterov'?"));
  EXPECT_THAT(optimizer("RMSprop", R"("weight_deacy": 1)"), HasSubstr("'weight_decay'?"));
  EXPECT_THAT(
      optimizer("Adam", R"("learning_rate": )" + object("CosineDecay", R"("decay_step": 3)")),
      HasSubstr("unknown setting 'decay_step' of CosineDecay; did you mean"));
  EXPECT_THAT(of_compile(R"({"loss": )" +
                         object("SparseCategoricalCrossentropy", R"("from_logit": true)") + "}"),
              HasSubstr("unknown setting 'from_logit' of SparseCategoricalCrossentropy; did you "
                        "mean 'from_logits'?"));
  EXPECT_THAT(of_compile(R"({"loss": )" + object("Huber", R"("reducton": "sum")") + "}"),
              HasSubstr("'reduction'?"));
  const auto metric = [](const std::string& class_name, const std::string& settings) {
    return of_compile(R"({"metrics": [)" + object(class_name, settings) + "]}");
  };
  EXPECT_THAT(metric("SparseTopKCategoricalAccuracy", R"("K": 2)"), HasSubstr("'k'?"));
  EXPECT_THAT(metric("AUC", R"("num_threshold": 20)"), HasSubstr("'num_thresholds'?"));
  EXPECT_THAT(metric("MeanIoU", R"("num_clases": 2)"), HasSubstr("'num_classes'?"));
  EXPECT_THAT(of_compile(R"({"metric": ["mae"]})"),
              HasSubstr("unknown setting 'metric' of compile(); did you mean 'metrics'?"));
  EXPECT_THAT(of_fit(R"({"callbacks": [)" + object("EarlyStopping", R"("monitr": "loss")") + "]}"),
              HasSubstr("unknown setting 'monitr' of EarlyStopping; did you mean 'monitor'?"));
  EXPECT_THAT(of_fit(R"({"epoch": 3})"), HasSubstr("'epochs'?"));
}

// A file of Keras has all that Keras knows, so what is like a key that is there is another one.
TEST(MisspeltSettings, OthersAreIgnored) {
  EXPECT_EQ(of_layer("Dense", R"("units": 2, "from_the_future": {"a": [1]})"), "");
  EXPECT_EQ(of_layer("Dense", R"("units": 2, "activation": "relu", "activation2": "tanh")"), "");
  EXPECT_EQ(of_layer("LeakyReLU", R"("alpha": 0.1)"), "");  // of Keras 2
  EXPECT_EQ(of_layer("Flatten", R"("data_format": "channels_last")"), "");
  for (const char* keras_2 :
       {R"({"optimizer": {"class_name": "Adam", "config": {"learning_rate": 0.1, "decay": 0.0,
            "jit_compile": false, "is_legacy_optimizer": true}}})",
        R"({"optimizer": {"class_name": "Nadam", "config": {"learning_rate": 0.1,
            "schedule_decay": 0.004, "decay": 0.0}}})",
        R"({"loss": {"class_name": "MeanSquaredError", "config": {"reduction": "auto",
            "name": "mean_squared_error", "fn": "mean_squared_error"}}})",
        R"({"metrics": [{"class_name": "AUC", "config": {"name": "auc", "dtype": "float32",
            "num_thresholds": 4, "thresholds": [0.25, 0.75]}}]})"})
    EXPECT_EQ(of_compile(keras_2), "");
}

TEST(MisspeltSettings, OfLayersOfYourOwn) {
  register_layer("unit>Wide", [](const Config& c, SourceLocation where) -> Layer {
    return Dense(c.get_int("width", 1), {.name = c.get_string("name", "")}, where);
  });
  EXPECT_THAT(of_layer("unit>Wide", R"("widht": 2)"),
              HasSubstr("unknown setting 'widht' of unit>Wide 'd'; did you mean 'width'?"));
  EXPECT_EQ(of_layer("unit>Wide", R"("width": 2, "epsilon": 1)"), "");
  // One that reads a copy of its settings: "type" is its own, not a misspelt "dtype".
  register_layer("unit>Own", [](const Config& c, SourceLocation where) -> Layer {
    const Config own = c;
    return Dense(own.get_string("type", "") == "wide" ? 8 : 2, {.name = own.get_string("name", "")},
                 where);
  });
  EXPECT_EQ(of_layer("unit>Own", R"("type": "wide", "trained": 1)"), "");
}

// Both would change the numbers silently.
TEST(KerasSettings, ThatAreNotSupportedAreRefusedEverywhere) {
  const std::string ignoring = object("SparseCategoricalCrossentropy", R"("ignore_class": 1)");
  EXPECT_THAT(of_compile(R"({"metrics": [)" + ignoring + "]}"),
              HasSubstr("metrics have no ignore_class"));
  EXPECT_THAT(of_layer("BatchNormalization", R"("renorm": true)"), HasSubstr("not supported"));
}

// The mean square 4 / 3, and the penalty 0.01 * 2^2 of the one row.
TEST(KerasSettings, AnyLayerMayHaveAnActivityRegularizer) {
  clear_session();
  const Model m = model_with("ReLU", R"("activity_regularizer": )" + object("L2", R"("l2": 0.01)"));
  const auto loss = [](const Model& model) {
    model.compile({.loss = "mse"});
    return model.evaluate(Tensor::from({{-1.f, 2.f, 0.f}}), Tensor(float32, {1, 3}), {.verbose = 0})
        .loss();
  };
  EXPECT_NEAR(loss(m), 4.0 / 3 + 0.04, 1e-6);
  EXPECT_NEAR(loss(model_from_json(m.to_json())), 4.0 / 3 + 0.04, 1e-6);
}

TEST(KerasSettings, ErrorsNameTheLayer) {
  EXPECT_THAT(of_layer("Flatten", R"("data_format": "channels_first")"),
              HasSubstr("Flatten 'd': only channels_last is supported"));
  EXPECT_THAT(of_layer("Softmax", R"("axis": [1, 2])"), HasSubstr("Softmax 'd': "));
  EXPECT_THAT(of_layer("Dense", R"("units": "many")"),
              HasSubstr("Dense 'd': setting 'units' must be an integer, found a string"));
}

}  // namespace
}  // namespace sinter

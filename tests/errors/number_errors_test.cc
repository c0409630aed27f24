// The exact text of what a user is told of numbers that cannot mean anything, and of zeros that C++
// makes of divisions of whole numbers.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <regex>

#include "tests/support/error_of.h"

namespace sinter {
namespace {

using losses::CategoricalCrossentropy;

std::string without_numbers(const std::string& text) {
  return std::regex_replace(text, std::regex("number_errors_test.cc:[0-9]+"),
                            "number_errors_test.cc:N");
}

template <typename F>
std::string error_of(const F& action) {
  return without_numbers(sinter::testing::error_of(action));
}

TEST(NumberErrors, Optimizers) {
  const auto text = [](const std::string& rest) { return "number_errors_test.cc:N: " + rest; };
  EXPECT_EQ(error_of([] { Adam({.beta_1 = 1.5}); }),
            text("Adam: beta_1 must lie in [0, 1), found 1.5"));
  EXPECT_EQ(error_of([] { Adam({.beta_2 = 1}); }),
            text("Adam: beta_2 must lie in [0, 1), found 1"));
  EXPECT_EQ(error_of([] { AdamW({.epsilon = -1e-7}); }),
            text("AdamW: epsilon must be finite and not negative, found -1e-07"));
  EXPECT_EQ(error_of([] { Adamax({.beta_2 = 1.1}); }),
            text("Adamax: beta_2 must lie in [0, 1], found 1.1"));
  EXPECT_EQ(error_of([] { Nadam({.beta_1 = -0.1}); }),
            text("Nadam: beta_1 must lie in [0, 1), found -0.1"));
  EXPECT_EQ(error_of([] { RMSprop({.rho = 2}); }),
            text("RMSprop: rho must lie in [0, 1), found 2"));
  EXPECT_EQ(error_of([] { RMSprop({.momentum = 3}); }),
            text("RMSprop: momentum must lie in [0, 1], found 3"));
  EXPECT_EQ(error_of([] { Adadelta({.rho = 1}); }),
            text("Adadelta: rho must lie in [0, 1), found 1"));
  EXPECT_EQ(error_of([] { Adagrad({.initial_accumulator_value = -1}); }),
            text("Adagrad: initial_accumulator_value must be finite and not negative, found -1"));
  EXPECT_EQ(error_of([] { SGD(0.1, 3); }), text("SGD: momentum must lie in [0, 1], found 3"));
  EXPECT_EQ(error_of([] { Lion({.beta_2 = 2}); }),
            text("Lion: beta_2 must lie in [0, 1], found 2"));
  EXPECT_EQ(error_of([] { Ftrl({.beta = -1}); }),
            text("Ftrl: beta must be finite and not negative, found -1"));
  EXPECT_EQ(error_of([] { SGD({.weight_decay = -0.1}); }),
            text("SGD: weight_decay must be finite and not negative, found -0.1"));
  EXPECT_EQ(error_of([] { SGD({.ema_momentum = 2}); }),
            text("SGD: ema_momentum must lie in [0, 1], found 2"));
  EXPECT_EQ(error_of([] { Adam(-1e-3); }),
            text("Adam: learning_rate must be finite and not negative, found -0.001"));
  EXPECT_EQ(error_of([] { Adam(1 / 0.0); }),
            text("Adam: learning_rate must be finite and not negative, found inf"));
  EXPECT_EQ(error_of([] { Adam(1e300); }),
            text("Adam: learning_rate must be at most 3.4e+38, the largest float32, found 1e+300"));
  EXPECT_EQ(error_of([] { CosineDecay({.initial_learning_rate = -1.0, .decay_steps = 2}); }),
            text("CosineDecay: initial_learning_rate must be finite and not negative, found -1"));
  EXPECT_EQ(error_of([] { CosineDecayRestarts({.t_mul = 0}); }),
            text("CosineDecayRestarts: t_mul must be finite and positive, found 0"));
}

TEST(NumberErrors, ALearningRateOfZeroInWholeNumbers) {
  const std::string rest =
      " is 0, of whole numbers: 1 / 1000 of them is 0 in C++. Write 1 / 1000.0, and 0.0 where "
      "nothing is to be learnt";
  EXPECT_EQ(error_of([] { Adam(1 / 1000); }),
            "number_errors_test.cc:N: Adam: learning_rate" + rest);
  EXPECT_EQ(error_of([] { SGD({.learning_rate = 1 / 10}); }),
            "number_errors_test.cc:N: SGD: learning_rate" + rest);
  EXPECT_EQ(error_of([] { SGD(0.1).set_learning_rate(1 / 10); }),
            "number_errors_test.cc:N: SGD: learning_rate" + rest);
  EXPECT_EQ(error_of([] { ExponentialDecay({.initial_learning_rate = 1 / 10}); }),
            "number_errors_test.cc:N: ExponentialDecay: initial_learning_rate" + rest);
  EXPECT_EQ(Adam(0.0).learning_rate(), 0);
  EXPECT_EQ(SGD(1).learning_rate(), 1);
  EXPECT_EQ(Optimizer::from_config(Adam(0.0).to_config()).learning_rate(), 0);
}

TEST(NumberErrors, Layers) {
  clear_session();
  EXPECT_EQ(error_of([] { BatchNormalization({.momentum = 1.5, .name = "bn"}); }),
            "BatchNormalization 'bn' (number_errors_test.cc:N): momentum must lie in [0, 1], found "
            "1.5");
  EXPECT_EQ(error_of([] { BatchNormalization({.epsilon = -1, .name = "bn"}); }),
            "BatchNormalization 'bn' (number_errors_test.cc:N): epsilon must be finite and not "
            "negative, found -1");
  EXPECT_EQ(error_of([] { LayerNormalization({.epsilon = -1, .name = "ln"}); }),
            "LayerNormalization 'ln' (number_errors_test.cc:N): epsilon must be finite and not "
            "negative, found -1");
  EXPECT_EQ(error_of([] { RMSNormalization({.epsilon = -1, .name = "rms"}); }),
            "RMSNormalization 'rms' (number_errors_test.cc:N): epsilon must be finite and not "
            "negative, found -1");
  EXPECT_EQ(error_of([] { LeakyReLU(-0.1, {.name = "l"}); }),
            "LeakyReLU 'l' (number_errors_test.cc:N): negative_slope must be finite and not "
            "negative, found -0.1");
  EXPECT_EQ(error_of([] { ReLU({.max_value = -1, .name = "r"}); }),
            "ReLU 'r' (number_errors_test.cc:N): max_value must be finite and not negative, found "
            "-1");
  EXPECT_EQ(error_of([] { MaxNorm({.max_value = -1}); }),
            "number_errors_test.cc:N: MaxNorm: max_value must be finite and not negative, found "
            "-1");
  EXPECT_EQ(error_of([] { MinMaxNorm({.min_value = 2, .max_value = 1}); }),
            "number_errors_test.cc:N: MinMaxNorm: min_value must not be above max_value, found 2 "
            "and 1");
}

TEST(NumberErrors, Losses) {
  EXPECT_EQ(error_of([] { CategoricalCrossentropy({.label_smoothing = 1.5}); }),
            "number_errors_test.cc:N: CategoricalCrossentropy: label_smoothing must lie in [0, 1], "
            "found 1.5");
  EXPECT_EQ(error_of([] { losses::Huber({.delta = 0}); }),
            "number_errors_test.cc:N: Huber: delta must be finite and positive, found 0");
  EXPECT_EQ(error_of([] { losses::BinaryFocalCrossentropy({.alpha = 2}); }),
            "number_errors_test.cc:N: BinaryFocalCrossentropy: alpha must lie in [0, 1], found 2");
  EXPECT_EQ(error_of([] { losses::CategoricalFocalCrossentropy({.gamma = -1}); }),
            "number_errors_test.cc:N: CategoricalFocalCrossentropy: gamma must be finite and not "
            "negative, found -1");
  EXPECT_EQ(error_of([] { losses::Tversky({.beta = -1}); }),
            "number_errors_test.cc:N: Tversky: beta must be finite and not negative, found -1");
  EXPECT_EQ(error_of([] { metrics::FBetaScore({.threshold = 2}); }),
            "number_errors_test.cc:N: FBetaScore: threshold must lie in (0, 1], found 2");
}

TEST(NumberErrors, Callbacks) {
  EXPECT_EQ(error_of([] { EarlyStopping({.patience = -1}); }),
            "number_errors_test.cc:N: EarlyStopping: patience must not be negative, found -1");
  EXPECT_EQ(error_of([] { EarlyStopping({.verbose = 7}); }),
            "number_errors_test.cc:N: EarlyStopping: verbose must be 0 (silent), 1 (progress) or 2 "
            "(lines), found 7");
  EXPECT_EQ(error_of([] { ReduceLROnPlateau({.factor = 1 / 2}); }),
            "number_errors_test.cc:N: ReduceLROnPlateau: factor must lie in (0, 1), found 0");
  EXPECT_EQ(error_of([] { ReduceLROnPlateau({.min_lr = -1}); }),
            "number_errors_test.cc:N: ReduceLROnPlateau: min_lr must be finite and not negative, "
            "found -1");
  EXPECT_EQ(error_of([] { ModelCheckpoint("m.sinter", {.save_freq = 0}); }),
            "number_errors_test.cc:N: ModelCheckpoint: save_freq must be at least 1, found 0");
}

TEST(NumberErrors, Verbose) {
  clear_session();
  set_backend("reference");
  const auto x = Input(2, {.name = "x"});
  const Model model(x, Dense(1)(x));
  model.compile({.loss = "mse"});
  const Tensor rows = Tensor::full(float32, {4, 2}, 1), labels = Tensor::full(float32, {4, 1}, 1);
  const std::string rest = ": verbose must be 0 (silent), 1 (progress) or 2 (lines), found 7";
  EXPECT_EQ(error_of([&] { model.fit(rows, labels, {.verbose = 7}); }),
            "number_errors_test.cc:N: fit" + rest);
  EXPECT_EQ(error_of([&] { model.evaluate(rows, labels, {.verbose = 7}); }),
            "number_errors_test.cc:N: evaluate" + rest);
  EXPECT_EQ(error_of([&] { model.predict(rows, {.verbose = 7}); }),
            "number_errors_test.cc:N: predict" + rest);
  set_backend("auto");
}

// What is divided as whole numbers, and what it is told.
TEST(NumberErrors, ZerosOfWholeNumbers) {
  clear_session();
  const auto told = [](const auto& make) {
    ::testing::internal::CaptureStderr();
    make();
    return without_numbers(::testing::internal::GetCapturedStderr());
  };
  const auto text = [](const std::string& owner, const char* name) {
    return "sinter: " + owner + " (number_errors_test.cc:N): " + name +
           " is 0, of whole numbers, and does nothing: 1 / 2 of whole numbers is 0 in C++. Write 1 "
           "/ 2.0, and 0.0 where 0 is meant\n";
  };
  EXPECT_EQ(told([] { Dropout(1 / 2, {.name = "d"}); }), text("Dropout 'd'", "rate"));
  EXPECT_EQ(told([] { SpatialDropout2D(1 / 2, {.name = "s"}); }),
            text("SpatialDropout2D 's'", "rate"));
  EXPECT_EQ(told([] { GaussianNoise(1 / 10); }), text("GaussianNoise", "stddev"));
  EXPECT_EQ(told([] { GaussianDropout(1 / 10); }), text("GaussianDropout", "rate"));
  EXPECT_EQ(told([] { AlphaDropout(1 / 10); }), text("AlphaDropout", "rate"));
  EXPECT_EQ(told([] { LeakyReLU(1 / 10); }), text("LeakyReLU", "negative_slope"));
  EXPECT_EQ(told([] { ELU(1 / 2); }), text("ELU", "alpha"));
  EXPECT_EQ(told([] { RandomRotation(1 / 8); }), text("RandomRotation", "factor"));
  EXPECT_EQ(told([] { RandomZoom(1 / 8); }), text("RandomZoom", "height_factor"));
  EXPECT_EQ(told([] { RandomTranslation(1 / 8, 1 / 8); }),
            text("RandomTranslation", "height_factor"));
  EXPECT_EQ(told([] { RandomContrast(1 / 8); }), text("RandomContrast", "factor"));
  EXPECT_EQ(told([] { RandomBrightness(1 / 8); }), text("RandomBrightness", "factor"));
  EXPECT_EQ(told([] { l1(1 / 1000); }), text("L1", "l1"));
  EXPECT_EQ(told([] { l2(1 / 1000); }), text("L2", "l2"));
  EXPECT_EQ(told([] { l1_l2(1 / 1000, 1 / 1000); }), text("L1L2", "l2"));
  EXPECT_EQ(told([] { ImageDataGenerator({.width_shift_range = 1 / 10}); }),
            text("ImageDataGenerator", "width_shift_range"));
  EXPECT_EQ(told([] { ImageDataGenerator({.zoom_range = 1 / 10}); }),
            text("ImageDataGenerator", "zoom_range"));
  EXPECT_EQ(told([] { ImageDataGenerator({.validation_split = 1 / 10}); }),
            text("ImageDataGenerator", "validation_split"));
  set_backend("reference");
  const auto x = Input(2);
  const Model model(x, Dense(1)(x));
  model.compile({.loss = "mse"});
  const Tensor rows = Tensor::full(float32, {4, 2}, 1), labels = Tensor::full(float32, {4, 1}, 1);
  EXPECT_EQ(told([&] { model.fit(rows, labels, {.verbose = 0, .validation_split = 1 / 5}); }),
            text("fit", "validation_split"));
  set_backend("auto");
  // What is meant, and what is not everything.
  EXPECT_EQ(told([&] {
              Dropout(0.0);
              GaussianNoise(0.0);
              RandomTranslation(0.1, 0);
              RandomZoom(0, {.width_factor = 0.1});
              l1_l2(0, 0.01);
              L1L2({.l2 = 0.0});
              ImageDataGenerator({.horizontal_flip = true});
              model.fit(rows, labels, {.verbose = 0});
              Dropout(1);
              layer_from_config("Dropout", Dropout(0.0).config());
            }),
            "");
}

}  // namespace
}  // namespace sinter

// The exact text of what a user is told when layers, compile() or data do not fit.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <limits>

#include "core/memory_limit.h"

namespace sinter {
namespace {

class ModelErrors : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }
};

// The text of the error that `action` raises, with line numbers of this file replaced by N.
template <typename F>
std::string error_of(F action) {
  std::string text = "no error";
  try {
    action();
  } catch (const Error& error) {
    text = error.what();
  }
  const std::string file = "model_errors_test.cc:";
  for (size_t at = text.find(file); at != std::string::npos; at = text.find(file, at + 1)) {
    size_t end = at + file.size();
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    text.replace(at + file.size(), end - at - file.size(), "N");
  }
  return text;
}

Tensor zeros(Shape shape, DType dtype = DType::kFloat32) { return Tensor(dtype, std::move(shape)); }

Model compiled(const LossArgument& loss = "categorical_crossentropy") {
  auto x = Input({4});
  Model model(x, Dense(3, {.activation = "softmax"})(x));
  model.compile({.optimizer = "sgd", .loss = loss});
  return model;
}

TEST_F(ModelErrors, LayersTooLargeForTheMemory) {
  const KerasTensor x = Dense(1 << 20)(Input({1}));
  try {
    Dense(1 << 20)(x);
    FAIL();
  } catch (const MemoryError& error) {
    const std::string text = error.what();
    EXPECT_TRUE(text.starts_with("Dense 'dense_1' (model_errors_test.cc:")) << text;
    EXPECT_NE(text.find("float32[1048576,1048576] needs 4.0 TiB of memory"), std::string::npos)
        << text;
  }
}

TEST_F(ModelErrors, Layers) {
  auto x = Input({4});
  EXPECT_EQ(error_of([&] { Dense(0); }),
            "Dense 'dense' (model_errors_test.cc:N): units must be positive, found 0");
  EXPECT_EQ(error_of([&] { Dense(3, {.activation = "rellu"}); }),
            "model_errors_test.cc:N: unknown activation 'rellu'; did you mean 'relu'? Known: celu, "
            "elu, exponential, gelu,"
            " glu, hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu, "
            "linear, log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu, "
            "soft_shrink, softmax, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax, "
            "squareplus, swish, tanh, tanh_shrink");
  EXPECT_EQ(
      error_of([&] { Dense(3, {.kernel_initializer = "glorot"}); }),
      "model_errors_test.cc:N: unknown initializer 'glorot'. Known: constant, glorot_normal, "
      "glorot_uniform, he_normal, "
      "he_uniform, identity, lecun_normal, lecun_uniform, normal, one, ones, orthogonal, "
      "random_normal, random_uniform, truncated_normal, uniform, variance_scaling, zero, zeros");
  EXPECT_EQ(error_of([&] { Dense(3, {.kernel_regularizer = "l3"}); }),
            "model_errors_test.cc:N: unknown regularizer 'l3'; did you mean 'l1'? Known: L1, L1L2, "
            "L2, l1, l1l2, l2");
  EXPECT_EQ(error_of([&] { Dropout(1.5); }),
            "Dropout 'dropout' (model_errors_test.cc:N): rate must lie in [0, 1], found 1.5");
  EXPECT_EQ(error_of([&] { Input({0}); }),
            "Input 'input_layer_1' (model_errors_test.cc:N): shape [0] holds 0; give the shape of "
            "one sample, without the batch");
  EXPECT_EQ(
      error_of([&] { Dense(3, {.name = "\xff\xfe"}); }),
      "model_errors_test.cc:N: Dense: the name '\\xff\\xfe' is not UTF-8, as which files keep "
      "names");
  EXPECT_EQ(error_of([&] { Input({3}, {.name = "in\xe4"}); }),
            "model_errors_test.cc:N: InputLayer: the name 'in\\xe4' is not UTF-8, as which files "
            "keep names");
  EXPECT_EQ(error_of([&] { Model(x, Dense(2)(x), "m\xe4"); }),
            "model_errors_test.cc:N: Model: the name 'm\\xe4' is not UTF-8, as which files keep "
            "names");
  EXPECT_TRUE(error_of([&] { Sequential("s\xe4"); }).starts_with("model_errors_test.cc:N: "));
  EXPECT_TRUE(
      error_of([&] { Sequential({Dense(2)}, "s\xe4"); }).starts_with("model_errors_test.cc:N: "));
  const Dense shared(3, {.name = "fc1"});
  shared(x);
  EXPECT_EQ(error_of([&] { shared(Input({5})); }),
            "Dense 'fc1' (model_errors_test.cc:N): input [batch,5] has 5 features, the kernel "
            "[4,3] expects 4");
  EXPECT_EQ(error_of([&] {
              Add()({x, Input({5})});
            }),
            "Add 'add' (model_errors_test.cc:N): add: shapes [batch,4] and [batch,5] cannot be "
            "broadcast together");
  EXPECT_EQ(error_of([&] { Add()(x); }),
            "Add 'add_1' (model_errors_test.cc:N): takes at least 2 inputs, given 1");
  EXPECT_EQ(error_of([&] {
              Concatenate()({x, Input({2, 3})});
            }),
            "Concatenate 'concatenate' (model_errors_test.cc:N): concat(float32[batch,4], "
            "float32[batch,2,3]): inputs must have one dtype and rank");
  EXPECT_EQ(error_of([&] { Reshape({3})(x); }),
            "Reshape 'reshape' (model_errors_test.cc:N): cannot reshape [batch,4] (4 values a "
            "sample) to target_shape [3]");
  EXPECT_EQ(error_of([&] { layer_from_config("Densee", {}); }),
            "model_errors_test.cc:N: unknown layer 'Densee'; did you mean 'Dense'? Known: "
            "Activation, ActivityRegularization, Add, AlphaDropout, Average, AveragePooling1D, "
            "AveragePooling2D, AveragePooling3D, BatchNormalization, CenterCrop, Concatenate, "
            "Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3D, Conv3DTranspose, "
            "Cropping1D, Cropping2D, Cropping3D, Dense, DepthwiseConv1D, DepthwiseConv2D, "
            "Dropout, ELU, Flatten, GaussianDropout, GaussianNoise, GlobalAveragePooling1D, "
            "GlobalAveragePooling2D, GlobalAveragePooling3D, GlobalMaxPooling1D, "
            "GlobalMaxPooling2D, GlobalMaxPooling3D, GroupNormalization, InputLayer, Lambda, "
            "LayerNormalization, LeakyReLU, MaxPooling1D, MaxPooling2D, MaxPooling3D, Maximum, "
            "Minimum, Multiply, Normalization, PReLU, Permute, RMSNormalization, "
            "RandomBrightness, RandomContrast, RandomCrop, RandomFlip, RandomRotation, "
            "RandomTranslation, RandomZoom, ReLU, RepeatVector, Rescaling, Reshape, Resizing, "
            "SeparableConv1D, SeparableConv2D, Softmax, SpatialDropout1D, SpatialDropout2D, "
            "SpatialDropout3D, Subtract, UnitNormalization, UpSampling1D, UpSampling2D, "
            "UpSampling3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D, sinter>Maxout");
}

// A chain calls its layers; the line is that of the user.
TEST_F(ModelErrors, Chains) {
  EXPECT_EQ(error_of([&] {
              Sequential({Input({4}), Dense(3), Reshape({2, 2})});
            }),
            "Reshape 'reshape' (model_errors_test.cc:N): cannot reshape [batch,3] (3 values a "
            "sample) to target_shape [2,2]");
  Sequential chain({Input({4}), Dense(3)});
  EXPECT_EQ(error_of([&] {
              chain.add(Reshape({2, 2}));
            }),
            "Reshape 'reshape_1' (model_errors_test.cc:N): cannot reshape [batch,3] (3 values a "
            "sample) to target_shape [2,2]");
  const std::string text = error_of([&] { chain(Input({5})); });
  EXPECT_TRUE(text.starts_with("Sequential 'sequential_1' (model_errors_test.cc:N): ")) << text;
  const Sequential longer({Input({4}), chain, Dense(2)});
  EXPECT_EQ(longer.output().shape(), Shape({kBatch, 2}));
}

TEST_F(ModelErrors, Structure) {
  auto x = Input({4});
  auto h = Dense(3)(x);
  EXPECT_EQ(error_of([&] { Model(Input({4}), h); }),
            "model_errors_test.cc:N: the output of layer 'dense' depends on 'input_layer', which "
            "is not among the inputs "
            "of the model");
  EXPECT_EQ(
      error_of([&] { Model(x, Dense(2, {.name = "dense"})(h)); }),
      "model_errors_test.cc:N: two layers of the model are named 'dense'; names must be unique");
  EXPECT_EQ(error_of([&] { Model(x, h).get_layer("dens"); }),
            "model_errors_test.cc:N: unknown layer 'dens'; did you mean 'dense'? Known: dense, "
            "input_layer");
  EXPECT_EQ(
      error_of([&] { Model(x, h).get_layer(7); }),
      "model_errors_test.cc:N: get_layer: model 'functional_3' has 2 layers, asked for number 7");
  EXPECT_EQ(error_of([&] {
              Model(x, h).set_weights({zeros({4, 3})});
            }),
            "model_errors_test.cc:N: model 'functional_4' has 2 weights, given 1");
  EXPECT_EQ(error_of([&] {
              Model(x, h).set_weights({zeros({3, 4}), zeros({3})});
            }),
            "model_errors_test.cc:N: model 'functional_5': weight 'dense/kernel' has shape [4,3], "
            "given [3,4]");
  EXPECT_EQ(error_of([&] {
              Model({x, x}, h);
            }),
            "model_errors_test.cc:N: input 'input_layer' is given twice: each input of a model may "
            "be given once");
}

TEST_F(ModelErrors, AHistoryOfNoEpoch) {
  const History none = compiled().fit(zeros({2, 4}), zeros({2, 3}), {.epochs = 0, .verbose = 0});
  EXPECT_EQ(error_of([&] { none["loss"]; }),
            "model_errors_test.cc:N: unknown entry of the history 'loss'. There are none");
}

TEST_F(ModelErrors, Compile) {
  const Model model = compiled();
  EXPECT_EQ(error_of([&] { model.compile({.optimizer = "adamm"}); }),
            "model_errors_test.cc:N: unknown optimizer 'adamm'; did you mean 'adam'? Known: "
            "adadelta, adagrad, adam, "
            "adamax, adamw, ftrl, lion, nadam, rmsprop, sgd");
  EXPECT_EQ(error_of([&] { model.compile({.loss = "categorical_crosentropy"}); }),
            "model_errors_test.cc:N: unknown loss 'categorical_crosentropy'; did you mean "
            "'categorical_crossentropy'? "
            "Known: BCE, KLD, MAE, MAPE, MSE, MSLE, bce, binary_crossentropy, "
            "binary_focal_crossentropy, categorical_crossentropy, categorical_focal_crossentropy, "
            "categorical_hinge, cce, ce, cosine_similarity, crossentropy, dice, hinge, huber, "
            "huber_loss, kl_divergence, kld, kullback_leibler_divergence, log_cosh, logcosh, mae, "
            "mape, mean_absolute_error, mean_absolute_percentage_error, mean_squared_error, "
            "mean_squared_logarithmic_error, mse, msle, poisson, scce, "
            "sparse_categorical_crossentropy, squared_hinge, tversky");
  EXPECT_EQ(
      error_of([&] { model.compile({.loss = "mse", .metrics = {"acuracy"}}); }),
      "model_errors_test.cc:N: unknown metric 'acuracy'; did you mean 'accuracy'? Known: BCE, KLD, "
      "MAE, MAPE, MSE, "
      "MSLE, RMSE, acc, accuracy, auc, bce, binary_accuracy, binary_crossentropy, binary_io_u, "
      "categorical_accuracy, categorical_crossentropy, categorical_hinge, ce, "
      "cosine_similarity, crossentropy, f1_score, f_beta_score, false_negatives, "
      "false_positives, hinge, io_u, kl_divergence, kld, kullback_leibler_divergence, log_cosh, "
      "logcosh, mae, mape, mean_absolute_error, mean_absolute_percentage_error, mean_io_u, "
      "mean_squared_error, mean_squared_logarithmic_error, mse, msle, one_hot_io_u, "
      "one_hot_mean_io_u, poisson, precision, precision_at_recall, r2_score, recall, "
      "recall_at_precision, rmse, root_mean_squared_error, sensitivity_at_specificity, "
      "sparse_categorical_accuracy, sparse_categorical_crossentropy, "
      "sparse_top_k_categorical_accuracy, specificity_at_sensitivity, squared_hinge, "
      "top_k_categorical_accuracy, true_negatives, true_positives");
  EXPECT_EQ(error_of([&] {
              model.compile({.loss = {"mse", "mae"}});
            }),
            "model_errors_test.cc:N: compile: the model has 1 output, given 2 losses");
  EXPECT_EQ(error_of([&] { model.compile({.loss = "mse", .backend = "cuda"}); }),
            std::string("model_errors_test.cc:N: unknown backend 'cuda'. Known: auto, ") +
                (SINTER_WITH_LLVM ? "llvm, " : "") + (SINTER_WITH_ONEDNN ? "onednn, " : "") +
                "reference");
  EXPECT_EQ(error_of([&] { model.compile({.loss = "mse", .mixed_precision = "bfloat"}); }),
            "model_errors_test.cc:N: unknown mixed precision 'bfloat'; did you mean 'bfloat16'? "
            "Known: bfloat16");
  EXPECT_EQ(error_of([&] { model.compile({.loss = "mse", .memory_budget = -1}); }),
            "model_errors_test.cc:N: memory_budget is -1, but must be at least 0");
  EXPECT_EQ(error_of([&] { Adam({.clipnorm = 1.0, .clipvalue = 1.0}); }),
            "model_errors_test.cc:N: Adam: only one of clipnorm, clipvalue and global_clipnorm can "
            "be set");
  auto x = Input({4});
  EXPECT_EQ(error_of([&] {
              Model(x, Dense(1)(x)).fit(zeros({2, 4}), zeros({2, 1}));
            }),
            "model_errors_test.cc:N: fit: model 'functional_1' must be compiled first: "
            "model.compile({.optimizer = "
            "\"adam\", .loss = ...})");
  const Model plain(x, Dense(1)(x));
  EXPECT_EQ(error_of([&] { plain.memory_report(8, {.training = true}); }),
            "model_errors_test.cc:N: memory_report: model 'functional_2' must be compiled first: "
            "model.compile({.optimizer = "
            "\"adam\", .loss = ...})");
  EXPECT_EQ(error_of([&] { plain.memory_report(0); }),
            "model_errors_test.cc:N: memory_report: batch must be at least 1, found 0");
  EXPECT_EQ(error_of([&] { Sequential({Dense(1)}).memory_report(8); }),
            "model_errors_test.cc:N: model 'sequential' has no input yet: add an Input, or call "
            "build() or fit()");
}

TEST_F(ModelErrors, Data) {
  const Model model = compiled();
  const Tensor x = zeros({6, 4}), y = zeros({6, 3});
  EXPECT_EQ(
      error_of([&] {
        model.fit(zeros({6, 5}), y);
      }),
      "model_errors_test.cc:N: fit: input 'input_layer' takes [batch,4], found x of shape [6,5]");
  EXPECT_EQ(
      error_of([&] {
        model.fit(zeros({6, 4, 2}), y);
      }),
      "model_errors_test.cc:N: fit: input 'input_layer' takes [batch,4], found x of shape [6,4,2]");
  EXPECT_EQ(error_of([&] {
              model.fit({x, x}, y);
            }),
            "model_errors_test.cc:N: fit: the model has 1 input, given 2");
  EXPECT_EQ(error_of([&] {
              model.fit(x, zeros({5, 3}));
            }),
            "model_errors_test.cc:N: fit: y has 5 rows, x has 6");
  EXPECT_EQ(error_of([&] {
              model.fit(zeros({0, 4}), zeros({0, 3}));
            }),
            "model_errors_test.cc:N: fit: x has no rows");
  EXPECT_EQ(error_of([&] { model.fit(x, zeros({6}, DType::kInt32)); }),
            "model_errors_test.cc:N: fit: loss 'categorical_crossentropy' at output 'dense' "
            "compares y with predictions "
            "[batch,3], found y [batch]; y looks like integer classes: use "
            "'sparse_categorical_crossentropy' or to_categorical()");
  EXPECT_EQ(error_of([&] {
              model.fit(x, zeros({6, 4}));
            }),
            "model_errors_test.cc:N: fit: loss 'categorical_crossentropy' at output 'dense' "
            "compares y with predictions "
            "[batch,3], found y [batch,4]");
  EXPECT_EQ(error_of([&] { model.fit(x, y, {.batch_size = 0}); }),
            "model_errors_test.cc:N: fit: batch_size must be at least 1, found 0");
  EXPECT_EQ(error_of([&] { model.fit(x, y, {.epochs = -1}); }),
            "model_errors_test.cc:N: fit: epochs must not be negative, found -1");
  EXPECT_EQ(error_of([&] { model.fit(x, y, {.validation_split = 1.5}); }),
            "model_errors_test.cc:N: fit: validation_split must lie in [0, 1), found 1.5");
  EXPECT_EQ(error_of([&] { model.fit(x, y, {.validation_split = 0.999}); }),
            "model_errors_test.cc:N: fit: validation_split 0.999 of 6 rows leaves 0 rows to train "
            "on and 6 to validate with");
  EXPECT_EQ(error_of([&] { model.fit(x, y, {.sample_weight = zeros({5})}); }),
            "model_errors_test.cc:N: fit: sample_weight has 5 rows, x has 6");
  EXPECT_EQ(error_of([&] {
              model.fit(x, y, {.class_weight = {{0, 2.0}}, .sample_weight = zeros({6})});
            }),
            "model_errors_test.cc:N: fit: give class_weight or sample_weight, not both");
  EXPECT_EQ(error_of([&] {
              model.fit(x, y, {.class_weight = {{0, 2.0}, {3, 1.0}}});
            }),
            "model_errors_test.cc:N: fit: class_weight has a weight for class 3, output 'dense' "
            "[batch,3] has classes 0 to 2");
  EXPECT_EQ(error_of([&] { model.evaluate(x, y, {.batch_size = -3}); }),
            "model_errors_test.cc:N: evaluate: batch_size must be at least 1, found -3");
  EXPECT_EQ(error_of([&] {
              model.predict(zeros({6, 3}));
            }),
            "model_errors_test.cc:N: predict: input 'input_layer' takes [batch,4], found x of "
            "shape [6,3]");
  Tensor holes = zeros({6, 4});
  holes.set(9, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(error_of([&] { model.fit(holes, y); }),
            "model_errors_test.cc:N: fit: x holds NaN (row 2, element 1 of the row); remove or "
            "fill such rows first");
  const Model sparse = compiled("sparse_categorical_crossentropy");
  EXPECT_EQ(error_of([&] { sparse.fit(x, y); }),
            "model_errors_test.cc:N: fit: loss 'sparse_categorical_crossentropy' at output "
            "'dense_1' compares integer "
            "classes y [batch] with predictions [batch,3], found y [batch,3]; y looks one-hot: use "
            "'categorical_crossentropy'");
  EXPECT_EQ(error_of([&] { sparse.fit(x, Tensor::full(DType::kInt32, {6}, 3)); }),
            "model_errors_test.cc:N: fit: y holds 3 (element 0), but output 'dense_1' has the "
            "classes 0 to 2 and loss "
            "'sparse_categorical_crossentropy' takes integer classes");
  EXPECT_EQ(error_of([&] { model.evaluate(x, y, {.verbose = 0})["acc"]; }),
            "model_errors_test.cc:N: unknown result of evaluate 'acc'. Known: loss");
}

// Where compile() was called, for losses and metrics; where it was made, for a Lambda.
TEST_F(ModelErrors, FunctionsOfTheUser) {
  EXPECT_EQ(error_of([&] {
              compiled([](Symbol t, Symbol p) {
                return matmul(t, p);
              }).fit(zeros({6, 4}), zeros({6, 3}), {.verbose = 0});
            }),
            "model_errors_test.cc:N: 'custom_loss' (model_errors_test.cc:N): "
            "matmul(float32[batch,3], float32[batch,3]): "
            "dimension 1 of the first must be dimension 0 of the second");
  EXPECT_EQ(error_of([&] {
              auto x = Input({4});
              Lambda([](Symbol s) { return squeeze(s, -1); })(x);
            }),
            "Lambda 'lambda' (model_errors_test.cc:N): squeeze: axis -1 of float32[batch,4] is not "
            "1");
}

TEST_F(ModelErrors, Callbacks) {
  EXPECT_EQ(error_of([&] { EarlyStopping({.mode = "maximum"}); }),
            "model_errors_test.cc:N: unknown EarlyStopping mode 'maximum'. Known: auto, max, min");
  const Model model = compiled();
  LambdaCallback add({.on_epoch_end = [](int, Logs& logs) { logs["zeal"] = 1; }});
  EXPECT_EQ(error_of([&] {
              model.fit(zeros({6, 4}), zeros({6, 3}),
                        {.verbose = 0, .callbacks = {add, EarlyStopping({.monitor = "zeal"})}});
            }),
            "EarlyStopping (model_errors_test.cc:N): cannot tell whether 'zeal' should rise or "
            "fall; set .mode to \"min\" "
            "or \"max\"");
  EXPECT_EQ(error_of([&] {
              model.fit(zeros({6, 4}), zeros({6, 3}),
                        {.verbose = 0, .callbacks = {CSVLogger("/no-such-folder/log.csv")}});
            }),
            "CSVLogger (model_errors_test.cc:N): cannot write '/no-such-folder/log.csv': No such "
            "file or directory");
}

}  // namespace
}  // namespace sinter

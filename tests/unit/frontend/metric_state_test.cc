// Metrics with a state: over whole epochs whatever the batches, apart from other runs, in files,
// and a user's own. Their numbers against Keras are cases of tests/data/keras.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "frontend/interop/keras_compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

/// F1 over all rows of an epoch, as a user writes it.
class WholeF1 : public MetricImpl {
 public:
  void update_state(MetricContext& m, Symbol y_true, Symbol y_pred, Symbol weight) const override {
    const Symbol p = cast(y_pred > 0.5, y_pred.dtype());
    const Symbol w = weight.valid() ? expand_dims(weight, -1) : scalar_like(y_pred, 1.0);
    m.add("hits", sum(y_true * p * w));
    m.add("either", sum((y_true + p) * w));
  }
  Symbol result(MetricContext& m) const override {
    return 2.0 * m.variable("hits") / (m.variable("either") + 1e-7);
  }
  std::string direction() const override { return "max"; }
};

/// The largest prediction of an epoch: a state that is no sum.
class Largest : public MetricImpl {
 public:
  void update_state(MetricContext& m, Symbol, Symbol y_pred, Symbol) const override {
    m.assign("largest",
             maximum(m.variable("largest", {}, -5.0), cast(reduce_max(y_pred), float64)));
  }
  Symbol result(MetricContext& m) const override { return m.variable("largest"); }
};

class Rows : public MetricImpl {
 public:
  void update_state(MetricContext& m, Symbol, Symbol y_pred, Symbol) const override {
    m.add("rows", sum(full_like(slice(y_pred, -1, 0, 1), 1.0)));
  }
  Symbol result(MetricContext& m) const override { return m.variable("rows"); }
};

class Vector : public Rows {
 public:
  void update_state(MetricContext& m, Symbol, Symbol y_pred, Symbol) const override {
    m.add("rows", sum(concat(std::vector<Symbol>{y_pred, y_pred}, -1), {0}));
  }
};

class MetricState : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(0);
    set_backend("reference");
    for (int64_t i = 0; i < 37; ++i) {
      for (int64_t k = 0; k < 3; ++k)
        x.set(i * 3 + k, static_cast<double>((i * 31 + k * 17) % 23) / 11.5 - 1);
      y.set(i, (i * 7) % 3 == 0 ? 1 : 0);
      w.set(i, static_cast<double>(i % 4) / 2);
    }
  }
  void TearDown() override { set_backend("auto"); }

  static Model sigmoid(std::vector<Metric> metrics, std::vector<Metric> weighted = {}) {
    clear_session();
    auto in = Input({3});
    Model model(in, Dense(1, {.activation = "sigmoid"})(Dense(4, {.activation = "tanh"})(in)));
    model.compile({.optimizer = SGD(0.3),
                   .loss = "binary_crossentropy",
                   .metrics = std::move(metrics),
                   .weighted_metrics = std::move(weighted)});
    return model;
  }
  static Metric own() { return Metric("own_f1", std::make_shared<WholeF1>()); }

  /// F1 of predictions, by hand.
  double f1(const Model& model, bool weighted = false) const {
    const Tensor p = model.predict(x);
    double hits = 0, either = 0;
    for (int64_t i = 0; i < 37; ++i) {
      const double positive = p.at(i) > 0.5 ? 1 : 0, weight = weighted ? w.at(i) : 1;
      hits += weight * positive * y.at(i);
      either += weight * (positive + y.at(i));
    }
    return 2 * hits / (either + 1e-7);
  }

  Tensor x{float32, {37, 3}}, y{float32, {37, 1}}, w{float32, {37}};
};

TEST_F(MetricState, IsThatOfAllRowsWhateverTheBatches) {
  const Model model = sigmoid(
      {own(), Metric("rows", std::make_shared<Rows>()),
       Metric("largest", std::make_shared<Largest>()), "auc", metrics::Precision(), "accuracy"},
      {own()});
  const Tensor p = model.predict(x);
  double largest = 0;
  for (int64_t i = 0; i < 37; ++i) largest = std::max(largest, p.at(i));
  for (const std::string& backend : backend_names()) {
    set_backend(backend);
    double auc = 0;
    for (const int64_t batch : {37, 16, 5, 1, 64}) {
      const Evaluation e =
          model.evaluate(x, y, {.batch_size = batch, .verbose = 0, .sample_weight = w});
      EXPECT_NEAR(e["own_f1"], f1(model), 1e-9) << backend << batch;
      EXPECT_NEAR(e["weighted_own_f1"], f1(model, true), 1e-6) << backend << batch;
      EXPECT_EQ(e["rows"], 37);
      EXPECT_NEAR(e["largest"], largest, 1e-6);
      if (auc == 0) auc = e["auc"];
      EXPECT_NEAR(e["auc"], auc, 1e-9) << backend << batch;
    }
  }
}

TEST_F(MetricState, StartsAnewEachEpochAndEachCall) {
  const Model model = sigmoid(
      {Metric("rows", std::make_shared<Rows>()), Metric("largest", std::make_shared<Largest>())});
  const History h =
      model.fit(x, y, {.epochs = 3, .batch_size = 8, .verbose = 0, .validation_split = 0.25});
  EXPECT_EQ(h["rows"], (std::vector<double>{27, 27, 27}));
  EXPECT_EQ(h["val_rows"], (std::vector<double>{10, 10, 10}));
  EXPECT_EQ(model.train_on_batch(x, y)["rows"], 37);
  EXPECT_EQ(model.train_on_batch(x, y)["rows"], 37);
  EXPECT_EQ(model.test_on_batch(x.rows(0, 5), y.rows(0, 5))["rows"], 5);
  EXPECT_EQ(model.evaluate(x, y, {.batch_size = 10, .verbose = 0, .steps = 2})["rows"], 20);
  EXPECT_LT(model.evaluate(x, y, {.verbose = 0})["largest"], 1);
}

TEST_F(MetricState, OfAnEpochSurvivesAnEvaluationWithin) {
  const Model model = sigmoid({Metric("rows", std::make_shared<Rows>())});
  std::vector<double> seen;
  LambdaCallback nested({.on_train_batch_end = [&](int64_t, Logs& logs) {
    seen.push_back(logs["rows"]);
    EXPECT_EQ(model.evaluate(x, y, {.verbose = 0})["rows"], 37);
  }});
  const History h = model.fit(x, y, {.batch_size = 10, .verbose = 0, .callbacks = {nested}});
  EXPECT_EQ(seen, (std::vector<double>{10, 20, 30, 37}));
  EXPECT_EQ(h["rows"], (std::vector<double>{37}));
}

TEST_F(MetricState, CountsBeyondFloat32) {
  const Model model = sigmoid({metrics::TruePositives({.thresholds = {0.0}})});
  Tensor heavy = Tensor::full(float32, {37}, 16777216.0);
  model.compile({.optimizer = SGD(0.3),
                 .loss = "binary_crossentropy",
                 .weighted_metrics = {metrics::TruePositives({.thresholds = {0.0}})}});
  double positives = 0;
  for (int64_t i = 0; i < 37; ++i) positives += y.at(i);
  heavy.set(0, 16777215.0);
  ASSERT_EQ(y.at(0), 1);
  const Evaluation e =
      model.evaluate(x, y, {.batch_size = 1, .verbose = 0, .sample_weight = heavy});
  EXPECT_EQ(e["true_positives"], positives * 16777216.0 - 1);
}

TEST_F(MetricState, DoesNotTouchTheTraining) {
  const Model plain = sigmoid({}), measured = sigmoid({own(), "auc"});
  for (const Model& model : {plain, measured}) {
    model.fit(x, y, {.epochs = 2, .batch_size = 8, .verbose = 0});
    EXPECT_EQ(model.variables().size(), 4u);
  }
  for (size_t i = 0; i < 4; ++i)
    EXPECT_TRUE(plain.get_weights()[i].identical(measured.get_weights()[i])) << i;
}

TEST_F(MetricState, IsSavedByNameAndSettings) {
  const std::string path = testing::TempDir() + "metric_state.sinter";
  const Model model = sigmoid({own(), metrics::AUC({.num_thresholds = 20, .curve = "PR"}),
                               metrics::Recall({.thresholds = {0.3}, .name = "found"})});
  model.fit(x, y, {.epochs = 1, .verbose = 0});
  const Evaluation before = model.evaluate(x, y, {.verbose = 0});
  model.save(path);
  const Model loaded =
      load_model(path, {.custom_objects = {{"own_f1", CustomObject(std::make_shared<WholeF1>())}}});
  const Evaluation after = loaded.evaluate(x, y, {.verbose = 0});
  EXPECT_EQ(before.values, after.values);
  std::filesystem::remove(path);
  register_metric("registered_f1", std::make_shared<WholeF1>());
  EXPECT_NEAR(sigmoid({"registered_f1"}).evaluate(x, y, {.verbose = 0})["registered_f1"],
              f1(sigmoid({})), 1.0);
}

TEST_F(MetricState, ColumnsThatPredictionsDoNotHaveAreRefused) {
  const Tensor x = Tensor::full(float32, {4, 2}, 1.0), y = Tensor::full(float32, {4, 3}, 1.0);
  const auto refused = [&](const Metric& metric) {
    const KerasTensor in = Input({2});
    const Model model(in, Dense(3, "sigmoid")(in));
    model.compile({.loss = "binary_crossentropy", .metrics = {metric}});
    EXPECT_THROW(model.evaluate(x, y, {.verbose = 0}), ShapeError) << metric.name();
  };
  refused(metrics::Precision({.top_k = 4}));
  refused(metrics::Recall({.class_id = 3}));
  refused(metrics::AUC({.multi_label = true, .num_labels = 2}));
  refused(metrics::AUC({.label_weights = {1.0, 1.0}}));
  refused(metrics::AUC({.multi_label = true, .label_weights = {1.0, 1.0, 1.0, 1.0}}));
}

TEST_F(MetricState, NamesAndDirectionsAreKeras) {
  const std::pair<Metric, std::string> named[] = {{metrics::AUC(), "auc"},
                                                  {metrics::F1Score(), "f1_score"},
                                                  {metrics::R2Score(), "r2_score"},
                                                  {metrics::FBetaScore(), "fbeta_score"},
                                                  {metrics::MeanIoU(3), "mean_io_u"},
                                                  {metrics::TruePositives(), "true_positives"},
                                                  {Metric("Precision"), "Precision"},
                                                  {Metric("recall"), "recall"}};
  for (const auto& [metric, name] : named) {
    EXPECT_EQ(metric.name(), name);
    EXPECT_EQ(metric.direction(), "max") << name;
    EXPECT_EQ(Metric::from_config(metric.to_config()).name(), name);
  }
  EXPECT_EQ(metrics::FalseNegatives().direction(), "min");
  EXPECT_EQ(Metric("own", std::make_shared<Rows>()).direction(), "");
}

TEST_F(MetricState, SettingsThatCannotBeAreRefused) {
  EXPECT_THROW(metrics::Precision({.thresholds = {0.2, 0.4}}), Error);
  EXPECT_THROW(metrics::TruePositives({.thresholds = {1.5}}), Error);
  EXPECT_THROW(metrics::AUC({.num_thresholds = 1}), Error);
  EXPECT_THROW(metrics::AUC({.num_thresholds = int64_t{1} << 40}), Error);
  EXPECT_THROW(metrics::AUC({.multi_label = true, .num_labels = 0}), Error);
  EXPECT_THROW(metrics::AUC({.label_weights = {1.0, -1.0}}), Error);
  EXPECT_THROW(metrics::Precision({.top_k = 0}), Error);
  EXPECT_THROW(metrics::Recall({.class_id = -1}), Error);
  EXPECT_THROW(metrics::TopKCategoricalAccuracy({.k = 0}), Error);
  EXPECT_THROW(metrics::SparseTopKCategoricalAccuracy({.k = -3}), Error);
  EXPECT_THROW(metrics::AUC({.curve = "ROX"}), NameError);
  EXPECT_THROW(metrics::AUC({.summation_method = "middle"}), NameError);
  EXPECT_THROW(metrics::SensitivityAtSpecificity(1.5), Error);
  EXPECT_THROW(metrics::FBetaScore({.average = "median"}), NameError);
  EXPECT_THROW(metrics::FBetaScore({.beta = 0}), Error);
  EXPECT_THROW(metrics::IoU(2, {2}), Error);
  EXPECT_THROW(metrics::MeanIoU(0), Error);
  const auto evaluate = [&](const Metric& m) { sigmoid({m}).evaluate(x, y, {.verbose = 0}); };
  EXPECT_THROW(evaluate(metrics::Precision({.class_id = 1})), ShapeError);
  EXPECT_THROW(evaluate(Metric("v", std::make_shared<Vector>())), Error);
}

TEST_F(MetricState, NothingToCountIsZeroNotNaN) {
  const Tensor none(float32, {37, 1});
  const Model model = sigmoid({metrics::Precision({.thresholds = {1.0}}), metrics::Recall(), "auc",
                               metrics::F1Score({.threshold = 0.5}),
                               metrics::PrecisionAtRecall(0.5), metrics::BinaryIoU()});
  for (const auto& [name, value] : model.evaluate(x, none, {.verbose = 0}).values)
    EXPECT_TRUE(std::isfinite(value)) << name;
}

/// Data of other dtypes are converted batch by batch: the same bits as converted as a whole.
TEST_F(MetricState, DataOfAnyDTypeIsWhatItsFloatsAre) {
  Tensor bytes(DType::kUint8, {37, 3});
  for (int64_t i = 0; i < bytes.elements(); ++i) bytes.set(i, static_cast<double>((i * 37) % 256));
  const Tensor classes = y.cast(DType::kUint8);
  std::vector<Tensor> weights, predictions;
  for (const DType dtype : {float32, DType::kUint8, int32, int64, float64}) {
    const Model model = sigmoid({"accuracy"});  // the same weights and seeds every time
    const Tensor data = bytes.cast(dtype);
    model.fit(data, classes.cast(dtype),
              {.epochs = 2, .batch_size = 8, .verbose = 0, .validation_split = 0.2});
    model.fit(data, classes,
              {.epochs = 1,
               .batch_size = 8,
               .verbose = 0,
               .shuffle = false,
               .class_weight = {{0, 1.0}, {1, 2.0}}});
    weights.push_back(model.get_weights()[0]);
    predictions.push_back(model.predict(data, {.batch_size = 10}));
    EXPECT_TRUE(predictions.back().identical(predictions.front())) << dtype_name(dtype);
    EXPECT_TRUE(weights.back().identical(weights.front())) << dtype_name(dtype);
  }
}

}  // namespace
}  // namespace sinter

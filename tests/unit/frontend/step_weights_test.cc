// Sample weights of steps: [rows, steps] for outputs [rows, steps, ...]. The numbers were written
// by Keras 3.15.1 in float32, so they agree to what sums in another order leave; whole trainings
// are random_451 and random_477 of tests/data/keras.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <string>
#include <vector>

#include "tests/support/without_line.h"

namespace sinter {
namespace {

class StepWeights : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    for (int64_t i = 0; i < 120; ++i)
      x.set(i, static_cast<double>((i / 12 * 37 + i % 12 * 11) % 23 - 11) / 8);
    for (int64_t i = 0; i < 60; ++i) y.set(i, static_cast<double>(i * 7 % 5) / 5);
    for (int64_t i = 0; i < 30; ++i) w.set(i, static_cast<double>(i * 5 % 7) / 3);
  }
  static Model model(int64_t units, const std::string& activation) {
    const KerasTensor in = Input({3, 4});
    return Model(in,
                 Dense(units, {.activation = activation, .kernel_initializer = Constant(0.1)})(in));
  }
  std::string error(const Shape& weights, const Tensor& labels, const Model& of) const {
    try {
      of.evaluate(x, labels, {.verbose = 0, .sample_weight = Tensor::full(float32, weights, 1.0)});
    } catch (const ShapeError& error) {
      return testing::without_line(error.what());
    }
    return "no error";
  }

  Tensor x{float32, {10, 3, 4}}, y{float32, {10, 3, 2}}, w{float32, {10, 3}};
};

TEST_F(StepWeights, LossesAndMetricsAreKeras) {
  const Model m = model(2, "linear");
  const std::pair<Loss, double> losses[] = {
      {"mse", 0.28745490312576294},
      {"mae", 0.44611114263534546},
      {losses::Huber({.reduction = "sum"}), 1.6170002222061157},
      {losses::MeanSquaredError({.reduction = "mean_with_sample_weight"}), 0.29104262590408325}};
  for (const auto& [loss, expected] : losses) {
    m.compile({.loss = loss, .metrics = {"mae"}, .weighted_metrics = {"mae", "mse"}});
    const Evaluation e = m.evaluate(x, y, {.batch_size = 4, .verbose = 0, .sample_weight = w});
    EXPECT_NEAR(e["loss"], expected, 1e-6 * expected);
    EXPECT_NEAR(e["mae"], 0.429166704416275, 1e-6);
    EXPECT_NEAR(e["mse"], 0.29068470001220703, 1e-6);
    EXPECT_NEAR(e["weighted_mae"], 0.45112356543540955, 1e-6);
  }
}

TEST_F(StepWeights, MetricsWithAStateAreKeras) {
  Tensor labels(float32, {10, 3, 1});
  for (int64_t i = 0; i < 30; ++i) labels.set(i, static_cast<double>(i % 2));
  const Model m = model(1, "sigmoid");
  m.compile(
      {.loss = "binary_crossentropy",
       .weighted_metrics = {"accuracy", metrics::Precision(), metrics::Recall(), metrics::AUC()}});
  const Evaluation e = m.evaluate(x, labels, {.batch_size = 4, .verbose = 0, .sample_weight = w});
  for (const auto& [name, expected] : {std::pair("loss", 0.6886633038520813),
                                       {"accuracy", 0.5730336904525757},
                                       {"precision", 0.5957446694374084},
                                       {"recall", 0.5957447290420532},
                                       {"auc", 0.494680792093277}})
    EXPECT_NEAR(e[name], expected, 1e-6) << name;
}

TEST_F(StepWeights, WeightsOfRowsAreThoseOfAllTheirSteps) {
  const Model m = model(2, "linear");
  m.compile({.loss = "mse", .weighted_metrics = "mae"});
  Tensor rows(float32, {10}), columns(float32, {10, 1}), steps(float32, {10, 3});
  for (int64_t i = 0; i < 30; ++i) {
    rows.set(i / 3, static_cast<double>(i / 3));
    columns.set(i / 3, static_cast<double>(i / 3));
    steps.set(i, static_cast<double>(i / 3));
  }
  const auto of = [&](const Tensor& weights) {
    return m.evaluate(x, y, {.batch_size = 4, .verbose = 0, .sample_weight = weights}).values;
  };
  EXPECT_EQ(of(rows), of(columns));
  const auto by_rows = of(rows), by_steps = of(steps);
  for (size_t i = 0; i < by_rows.size(); ++i)
    EXPECT_NEAR(by_rows[i].second, by_steps[i].second, 1e-5) << by_rows[i].first;
}

TEST_F(StepWeights, OtherShapesAreRefused) {
  const Model m = model(2, "linear");
  m.compile({.loss = "mse"});
  EXPECT_EQ(error({10, 2}, y, m),
            "evaluate: sample_weight must hold one weight for each row, shape [10], or for each "
            "step, [10,3], found [10,2]");
  EXPECT_NE(error({10, 3, 2}, y, m)
                .find("loss 'mean_squared_error': sample weights [batch,3,2] do "
                      "not fit values [batch,3]"),
            std::string::npos)
      << error({10, 3, 2}, y, m);
  const KerasTensor in = Input({3, 4});
  const Model flat(in, mean(in, 1));
  flat.compile({.loss = "mse"});
  EXPECT_NE(error({10, 4}, Tensor::full(float32, {10, 4}, 1.0), flat).find("do not fit values"),
            std::string::npos);
}

}  // namespace
}  // namespace sinter

// Every training case on every backend, without passes, and in float64: same weights and data in,
// Keras's history, evaluation, predictions, weights and optimizer variables out.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "frontend/interop/json.h"
#include "frontend/interop/keras_compile.h"
#include "frontend/session.h"
#include "frontend/sinter.h"
#include "passes/pass.h"
#include "runtime/load.h"
#include "tests/keras/case_files.h"
#include "tests/keras/compare.h"

namespace sinter::keras_test {
namespace {

struct Result {
  sinter::History history;
  std::map<std::string, double> evaluate;
  std::vector<Tensor> predictions, weights, slots;
  int64_t iterations = 0;
};

/// Sets floatx for one test.
class Floatx {
 public:
  explicit Floatx(DType dtype) { set_floatx(dtype == DType::kFloat64 ? "float64" : "float32"); }
  ~Floatx() { set_floatx("float32"); }
};

Result replay(const Case& c, DType dtype, const std::string& backend,
              std::vector<std::string> disabled_passes = {}) {
  const Floatx floatx(dtype);
  clear_session();
  const auto json = [&](const std::string& file) {
    const std::string text = read_text(c.path(file));
    return dtype == DType::kFloat64 ? as_float64(text) : text;
  };
  const Model model = model_from_json(json("model.json"));
  model.set_weights(c.split("initial_weights.npy", c.weights, dtype));

  CompileArguments compile =
      compile_arguments_from_config(with_objects(parse_json(json("compile.json"), "compile.json")));
  compile.backend = backend;
  compile.disabled_passes = std::move(disabled_passes);
  model.compile(compile);

  FitOptions fit = fit_options_from_config(with_objects(parse_json(json("fit.json"), "fit.json")));
  fit.verbose = 0;
  if (c.has("sample_weight")) fit.sample_weight = c.arrays("sample_weight", dtype);
  if (c.has("x_val"))
    fit.validation_data = ValidationData{c.arrays("x_val", dtype), c.arrays("y_val", dtype)};
  if (c.has("sample_weight_val"))
    fit.validation_data.sample_weight = c.arrays("sample_weight_val", dtype);
  const Data x = c.arrays("x", dtype), y = c.arrays("y", dtype);

  Result result;
  result.history = model.fit(x, y, fit);
  result.evaluate = model.evaluate(x, y, {.batch_size = fit.batch_size, .verbose = 0}).logs();
  result.predictions = model.predict_all(x, {.batch_size = fit.batch_size});
  result.weights = model.get_weights();
  const std::vector<VariablePtr>& variables = model.optimizer().variables();
  // Keras counts updates where gradients accumulate over several steps.
  const ConfigValue settings = model.optimizer().to_config();
  const int64_t group =
      settings.as<ConfigObject>()->config.get_int("gradient_accumulation_steps", 1);
  result.iterations = static_cast<int64_t>(variables.at(0)->value.at(0)) / group;
  for (size_t i = 2; i < variables.size(); ++i) result.slots.push_back(variables[i]->value);
  return result;
}

using Values = std::map<std::string, std::vector<double>>;

Values as_lists(const std::map<std::string, double>& values) {
  Values result;
  for (const auto& [key, value] : values) result[key] = {value};
  return result;
}

class KerasTraining : public testing::TestWithParam<std::string> {
 protected:
  void expect_float32(const std::string& backend, std::vector<std::string> disabled_passes = {}) {
    const Case c = load_case("", GetParam());
    SCOPED_TRACE(c.covers + ", backend " + backend);
    const Result found = replay(c, DType::kFloat32, backend, std::move(disabled_passes));
    const History history = c.history("history.json");
    const double sample = 1.0 / static_cast<double>(smallest_set(c));
    EXPECT_EQ(found.history.epoch, history.epochs);
    EXPECT_TRUE(near(Values(found.history.history.begin(), found.history.history.end()),
                     history.values, c.tolerance.history, sample));
    EXPECT_TRUE(
        near(as_lists(found.evaluate), as_lists(c.evaluate()), c.tolerance.history, sample));
    EXPECT_TRUE(near(found.weights, c.split("final_weights.npy", c.weights, DType::kFloat32),
                     c.tolerance.weights, c.weights));
    const std::vector<Tensor> predictions = c.arrays("y_pred", DType::kFloat32);
    ASSERT_EQ(found.predictions.size(), predictions.size());
    for (size_t i = 0; i < predictions.size(); ++i) {
      EXPECT_TRUE(
          near(found.predictions[i], predictions[i], c.tolerance.predictions, "predictions"));
    }
    EXPECT_EQ(found.iterations, c.iterations);
    EXPECT_TRUE(near_in_scale(
        found.slots, c.split("final_optimizer.npy", c.optimizer_variables, DType::kFloat32),
        10 * c.tolerance.weights, c.optimizer_variables));
  }

  /// Rows of the smallest set that an accuracy is counted over.
  static int64_t smallest_set(const Case& c) {
    int64_t rows = c.arrays("x", DType::kFloat32)[0].shape()[0];
    if (c.has("x_val")) rows = std::min(rows, c.arrays("x_val", DType::kFloat32)[0].shape()[0]);
    return rows;
  }
};

TEST_P(KerasTraining, Float32OnEveryBackend) {
  for (const std::string& backend : backend_names()) expect_float32(backend);
}

TEST_P(KerasTraining, WithoutOptionalPasses) {
  std::vector<std::string> disabled = {"all"};
  // This pass is what finds the logits of saturated outputs; without it the losses clip, as their
  // formulas say.
  if (load_case("", GetParam()).saturated) {
    disabled.clear();
    for (const Pass& pass : all_passes()) {
      if (pass.name != "stabilize_cross_entropy") disabled.push_back(pass.name);
    }
  }
  expect_float32("auto", disabled);
}

TEST_P(KerasTraining, Float64) {
  const Case c = load_case("", GetParam());
  SCOPED_TRACE(c.covers);
  const Result found = replay(c, DType::kFloat64, "reference");
  const History history = c.history("history_float64.json");
  EXPECT_EQ(found.history.epoch, history.epochs);
  EXPECT_TRUE(near(Values(found.history.history.begin(), found.history.history.end()),
                   history.values, c.tolerance_float64, 0));
  EXPECT_TRUE(near(found.weights, c.split("final_weights_float64.npy", c.weights, DType::kFloat64),
                   c.tolerance_float64, c.weights));
}

INSTANTIATE_TEST_SUITE_P(Cases, KerasTraining, testing::ValuesIn(case_names("")),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sinter::keras_test

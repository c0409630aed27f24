// The reference cases themselves: complete, readable, and consistent with the tolerances they
// state.
#include <gtest/gtest.h>

#include <limits>

#include "tests/keras/case_files.h"
#include "tests/keras/compare.h"

namespace sinter::keras_test {
namespace {

TEST(KerasCases, EachIsCompleteAndKeepsItsOwnRule) {
  const std::vector<std::string> names = case_names("");
  EXPECT_GE(names.size(), 100u);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const Case c = load_case("", name);
    for (const auto& [stem, list] : c.files)
      EXPECT_EQ(c.arrays(stem, DType::kFloat32).size(), list.size());
    c.split("initial_weights.npy", c.weights, DType::kFloat32);
    c.split("final_optimizer.npy", c.optimizer_variables, DType::kFloat32);
    // Keras's float32 run passes against its float64 run, and the comparison can fail at all.
    const auto single = c.split("final_weights.npy", c.weights, DType::kFloat32);
    const auto twice = c.split("final_weights_float64.npy", c.weights, DType::kFloat64);
    EXPECT_TRUE(near(single, twice, c.tolerance.weights, c.weights));
    EXPECT_FALSE(near(single, twice, 0, c.weights));
    EXPECT_TRUE(near(c.history("history.json").values, c.history("history_float64.json").values,
                     c.tolerance.history, 0));
  }
}

TEST(KerasCases, TrainingChangedTheWeights) {
  for (const std::string& name : case_names("")) {
    SCOPED_TRACE(name);
    const Case c = load_case("", name);
    EXPECT_FALSE(near(c.split("initial_weights.npy", c.weights, DType::kFloat32),
                      c.split("final_weights.npy", c.weights, DType::kFloat32), c.tolerance.weights,
                      c.weights));
  }
}

TEST(KerasCases, MoreOfThemFromSinterData) {
  if (more_cases().empty()) {
    GTEST_SKIP()
        << "only the cases in the tree ran; random_cases.py of tests/data/keras writes more "
           "into DIR/keras, and SINTER_DATA=DIR runs them";
  }
  EXPECT_GT(case_names("").size(), 100u);
}

TEST(Compare, FindsKeysLengthsShapesAndNaN) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(near({{"loss", {1.0}}}, {{"loss", {1.0}}, {"mae", {1.0}}}, 1, 0));
  EXPECT_FALSE(near({{"loss", {1.0}}}, {{"loss", {1.0, 1.0}}}, 1, 0));
  EXPECT_FALSE(near({{"loss", {nan}}}, {{"loss", {1.0}}}, 1, 0));
  EXPECT_TRUE(near({{"accuracy", {0.5}}}, {{"accuracy", {0.52}}}, 1e-6, 0.02));
  EXPECT_FALSE(near({{"accuracy", {0.5}}}, {{"accuracy", {0.55}}}, 1e-6, 0.02));
  const Tensor a = Tensor::from<float>({2}, std::vector<float>{1, 2});
  EXPECT_FALSE(near(a, a.reshaped({2, 1}), 1, "a"));
  EXPECT_FALSE(near(Tensor::full(DType::kFloat32, {2}, nan), a, 1, "a"));
  EXPECT_FALSE(near({a}, {a, a}, 1, {{"a", {2}}, {"b", {2}}}));
}

}  // namespace
}  // namespace sinter::keras_test

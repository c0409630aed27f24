// Networks as Keras 3 and Keras 2 describe them in JSON: with the same weights they give Keras's
// predictions.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "frontend/session.h"
#include "frontend/sinter.h"
#include "tests/keras/case_files.h"

namespace sinter::keras_test {
namespace {

class KerasArchitecture : public testing::TestWithParam<std::string> {
 protected:
  static void expect_predictions(const Case& c, const Model& model) {
    model.set_weights(c.split("weights.npy", c.weights, DType::kFloat32));
    const std::vector<Tensor> found = model.predict_all(c.arrays("x", DType::kFloat32));
    const std::vector<Tensor> expected = c.arrays("y_pred", DType::kFloat32);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].shape(), expected[i].shape());
      for (int64_t k = 0; k < expected[i].elements(); ++k) {
        const double y = expected[i].at(k);
        ASSERT_NEAR(found[i].at(k), y, c.atol + c.rtol * std::abs(y))
            << "output " << i << ", element " << k;
      }
    }
  }
  static bool has(const Case& c, const std::string& file) {
    return std::filesystem::exists(c.path(file));
  }
  static Model read(const Case& c, const std::string& file) {
    clear_session();
    return model_from_json(read_text(c.path(file)));
  }
};

TEST_P(KerasArchitecture, Keras3) {
  const Case c = load_case("json", GetParam());
  expect_predictions(c, read(c, "keras3.json"));
}

// Those that Keras 2 has.
class Keras2Architecture : public KerasArchitecture {
 public:
  static std::vector<std::string> names() {
    std::vector<std::string> result = case_names("json");
    std::erase_if(result, [](const std::string& name) {
      return !has(load_case("json", name), "keras2.json");
    });
    return result;
  }
};

TEST_P(Keras2Architecture, Predicts) {
  const Case c = load_case("json", GetParam());
  expect_predictions(c, read(c, "keras2.json"));
}

TEST_P(KerasArchitecture, WhatWeWriteReadsBackTheSame) {
  const Case c = load_case("json", GetParam());
  for (const char* file : {"keras3.json", "keras2.json"}) {
    SCOPED_TRACE(file);
    if (!has(c, file)) continue;
    const std::string written = to_json(read(c, file));
    clear_session();
    const Model again = model_from_json(written);
    expect_predictions(c, again);
    EXPECT_EQ(to_json(again), written);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, KerasArchitecture, testing::ValuesIn(case_names("json")),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(Cases, Keras2Architecture, testing::ValuesIn(Keras2Architecture::names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sinter::keras_test

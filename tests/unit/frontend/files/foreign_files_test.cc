// What is told of files that are no models of Sinter, of functions that files name only, and what
// model_from_json makes of "compile_config".
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cstdio>
#include <fstream>

#include "tests/support/error_of.h"
#include "tests/support/without_line.h"

namespace sinter {
namespace {

std::string error_of(const auto& action) {
  return testing::without_line(testing::error_of(action));
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class ForeignFiles : public ::testing::Test {
 protected:
  ~ForeignFiles() override { std::remove(path.c_str()); }
  std::string load(const std::string& name, const std::string& bytes) {
    path = ::testing::TempDir() + "foreign-" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    const std::string whole = error_of([&] { load_model(path); });
    EXPECT_EQ(error_of([&] { load_weights(model, path); }), whole);
    return whole;
  }
  KerasTensor x = Input(3);
  Model model = Model(x, Dense(2, "softmax")(x));
  std::string path;
};

TEST_F(ForeignFiles, SayWhatReadsThem) {
  EXPECT_TRUE(has(load("m.keras", "PK\x03\x04"), "a file of Keras"));
  EXPECT_TRUE(has(load("m.h5", "\x89HDF\r\n\x1a\n"), "model_from_json()"));
  EXPECT_TRUE(has(load("m.json", model.to_json()), "model_from_json()"));
  EXPECT_TRUE(has(load("m.sinter", " {\"a\": 1}"), "model_from_json()"));
  EXPECT_TRUE(has(load("m.npy", "\x93NUMPY\x01"), "load_npy()"));
  EXPECT_TRUE(has(load("m.txt", "hello"), "it is not a .sinter file"));
  EXPECT_TRUE(has(load("m.sinter", ""), "it is empty"));
  EXPECT_TRUE(has(error_of([] { load_model("/nonexistent/m.keras"); }), "No such file"));
}

TEST_F(ForeignFiles, FunctionsOfTheUserAreAskedFor) {
  path = ::testing::TempDir() + "foreign-custom.sinter";
  const auto loss = [](Symbol t, Symbol p) { return mean(square(t - p), -1); };
  model.compile({.loss = loss});
  model.save(path);
  const std::string text = error_of([&] { load_model(path); });
  EXPECT_TRUE(has(text, ".custom_objects = {{\"custom_loss\", your_function}}")) << text;
  EXPECT_TRUE(has(text, ".compile = false")) << text;
  EXPECT_FALSE(load_model(path, {.compile = false}).is_compiled());
  EXPECT_TRUE(load_model(path, {.custom_objects = {{"custom_loss", loss}}}).is_compiled());

  const Model own(x, Dense(2, [](Symbol v) { return v * v; })(x));
  own.save(path);
  const std::string of_layer = error_of([&] { load_model(path); });
  EXPECT_TRUE(has(of_layer, "{{\"custom_activation\", your_function}}")) << of_layer;
  EXPECT_FALSE(has(of_layer, ".compile")) << of_layer;
}

TEST_F(ForeignFiles, JsonSaysHowToCompile) {
  EXPECT_FALSE(model_from_json(model.to_json()).is_compiled());
  model.compile({.optimizer = SGD(0.5), .loss = "mse", .metrics = "mae"});
  const Model again = model_from_json(model.to_json());
  ASSERT_TRUE(again.is_compiled());
  EXPECT_EQ(again.to_json(), model.to_json());
  EXPECT_EQ(again.optimizer().learning_rate(), 0.5);
  EXPECT_FALSE(model_from_json(model.to_json(), {.compile = false}).is_compiled());
  const Tensor rows(DType::kFloat32, {2, 3}), labels(DType::kFloat32, {2, 2});
  EXPECT_EQ(again.fit(rows, labels, {.verbose = 0}).history.count("mae"), 1u);
}

}  // namespace
}  // namespace sinter

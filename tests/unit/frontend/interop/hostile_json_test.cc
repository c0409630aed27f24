// Architectures that no program would write: an error of a documented type, at once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "frontend/interop/json.h"
#include "frontend/sinter.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& json) {
  try {
    model_from_json(json);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// A model of an input of 4 values and one layer.
std::string with_layer(const std::string& class_name, const std::string& settings) {
  return fmt::format(
      R"({{"class_name": "Sequential", "config": {{"name": "s", "layers": [
           {{"class_name": "InputLayer", "config": {{"batch_shape": [null, 4], "name": "in"}}}},
           {{"class_name": "{}", "config": {{"name": "layer", {}}}}}]}}}})",
      class_name, settings);
}

TEST(HostileJson, SizesThatNoMemoryHolds) {
  for (const char* units : {"4611686018427387904", "4611686018427387903", "9223372036854775807",
                            "1e30", "99999999999999999999", "3.5", "0", "-1"}) {
    EXPECT_NE(error_of(with_layer("Dense", fmt::format("\"units\": {}", units))), "no error")
        << units;
  }
  EXPECT_THAT(error_of(with_layer("Dense", "\"units\": 4611686018427387903")),
              HasSubstr("weight 'kernel': float32[4,4611686018427387903] is too large"));
  for (const char* target : {"[-1, 4294967296, 4294967296]", "[4294967296, 4294967296, 4]",
                             "[21943, 45817, 30516, 61760, 38987]", "[-1, 0]", "[-1, -1]",
                             "[9223372036854775807, 2, 2]", "[-2, -2]"}) {
    EXPECT_NE(error_of(with_layer("Reshape", fmt::format("\"target_shape\": {}", target))),
              "no error")
        << target;
  }
  EXPECT_NE(error_of(with_layer("sinter>Maxout", "\"units\": 4611686018427387904, \"pieces\": 4")),
            "no error");
  EXPECT_NE(
      error_of(
          R"({"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": "InputLayer", "config": {"batch_shape": [null, 4611686018427387904, 4611686018427387904], "name": "in"}}, {"class_name": "Flatten", "config": {"name": "f"}}]}})"),
      "no error");
}

TEST(HostileJson, ProgramsSayTheSame) {
  constexpr int64_t k40 = int64_t{1} << 40, k62 = int64_t{1} << 62;
  const KerasTensor x = Input({4});
  EXPECT_THROW(Dense{k62}(x), ShapeError);
  EXPECT_THROW(Dense{std::numeric_limits<int64_t>::max()}(x), ShapeError);
  EXPECT_THROW(Dense{k40}(Input({k40})), ShapeError);
  EXPECT_THROW(Maxout(k62, 4)(x), ShapeError);
  EXPECT_THROW(Input({k40, k40}), ShapeError);
  EXPECT_THROW(Flatten()(Input({int64_t{1} << 31, int64_t{1} << 33})), ShapeError);
  EXPECT_THROW(Concatenate()({Input({k62}), Input({k62})}), ShapeError);
  EXPECT_THROW(to_categorical(Tensor(DType::kInt32, {64}), int64_t{1} << 60), ShapeError);
}

TEST(HostileJson, Nesting) {
  const auto nested = [](size_t depth) {
    return R"({"class_name": "Sequential", "config": )" + std::string(depth, '[') +
           std::string(depth, ']') + "}";
  };
  EXPECT_THAT(error_of(nested(200000)), HasSubstr("levels deep"));
  std::string inner = R"({"class_name": "Dense", "config": {"name": "d", "units": 2}})";
  for (int i = 0; i < 2000; ++i)
    inner = fmt::format(
        R"({{"class_name": "Sequential", "config": {{"name": "s{}", "layers": [{}]}}}})", i, inner);
  EXPECT_THAT(error_of(inner), HasSubstr("levels deep"));
}

TEST(HostileJson, ManyKeys) {
  std::string keys;
  for (int i = 0; i < 100000; ++i) keys += fmt::format("\"key{}\": {}, ", i, i);
  const std::string json = with_layer("Dense", keys + "\"units\": 2, \"key5\": \"again\"");
  EXPECT_EQ(error_of(json), "no error");
  const ConfigValue value = parse_json("{" + keys + "\"key5\": \"again\"}", "keys");
  const Config& config = *value.as<Config>();
  EXPECT_EQ(config.entries().size(), 100000u);
  for (int i = 0; i < 100000; ++i) {
    const ConfigEntry& entry = config.entries()[static_cast<size_t>(i)];
    ASSERT_EQ(entry.key, fmt::format("key{}", i));
    ASSERT_EQ(config.find(entry.key), &entry.value);
  }
  EXPECT_EQ(config.get_string("key5", ""), "again");
  EXPECT_FALSE(config.contains("key100000"));
  Config copy = config;
  copy.set("key7", "mine").set("new", 1);
  EXPECT_EQ(copy.get_string("key7", ""), "mine");
  EXPECT_EQ(config.get_int("key7", 0), 7);
  EXPECT_EQ(copy.entries().back().key, "new");
}

TEST(HostileJson, LongTextsAreCut) {
  const std::string name(1 << 20, 'n');
  for (const std::string& json :
       {with_layer(name, "\"units\": 1"), with_layer("Dense", "\"units\": \"" + name + "\""),
        "{\"class_name\": \"" + name, "{\"class_name\": \"" + name + "\", \"config\": {}}",
        with_layer("Dense", "\"units\": 2, \"activation\": \"" + name + "\"")}) {
    const std::string error = error_of(json);
    EXPECT_NE(error, "no error");
    EXPECT_LT(error.size(), 10000u) << error.substr(0, 200);
  }
}

// Layers in the order in which nothing is there yet.
TEST(HostileJson, LayersFromTheLastToTheFirst) {
  constexpr int kLayers = 2000;
  std::string layers;
  for (int i = kLayers; i >= 1; --i) {
    layers += fmt::format(
        R"({{"class_name": "Activation", "config": {{"name": "a{}", "activation": "tanh"}}, "inbound_nodes": [[["a{}", 0, 0, {{}}]]]}}, )",
        i, i - 1);
  }
  layers +=
      R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "a0"}, "inbound_nodes": []})";
  const Model model = model_from_json(fmt::format(
      R"({{"class_name": "Functional", "config": {{"name": "m", "layers": [{}], "input_layers": [["a0", 0, 0]], "output_layers": [["a{}", 0, 0]]}}}})",
      layers, kLayers));
  EXPECT_EQ(model.layers().size(), kLayers + 1u);
}

}  // namespace
}  // namespace sinter

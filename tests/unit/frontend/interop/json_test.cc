// JSON text to settings and back: order, numbers, Python's bare words, and errors with their place.
#include "frontend/interop/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace sinter {
namespace {

std::string again(std::string_view text) { return to_json_text(parse_json(text, "a test")); }

TEST(Json, KeepsOrderAndNumbers) {
  const std::string text =
      R"({"z": 1, "a": [true, null, -3, 1.0, 1e-07, 0.0010000000474974513], "s": "a\"b\\c\nü", "empty": {}, "none": []})";
  EXPECT_EQ(again(text), text);
  EXPECT_EQ(again("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(again("18446744073709551615"), "1.8446744073709552e+19");
}

TEST(Json, PythonsBareWords) {
  EXPECT_EQ(again(R"([NaN, -Infinity, Infinity, "NaN \" Infinity"])"),
            R"([NaN, -Infinity, Infinity, "NaN \" Infinity"])");
  EXPECT_TRUE(std::isnan(*(*parse_json("[NaN]", "").as<ConfigList>())[0].as<double>()));
}

TEST(Json, Indents) {
  EXPECT_EQ(to_json_text(parse_json(R"({"a":[1,2],"b":{}})", ""), 1),
            "{\n \"a\": [\n  1,\n  2\n ],\n \"b\": {}\n}");
}

TEST(Json, Objects) {
  const ConfigValue value = with_objects(parse_json(
      R"({"units": 3, "kernel_initializer": {"module": "keras.initializers", "class_name": "Constant", "config": {"value": 1.0}, "registered_name": null}})",
      ""));
  const ConfigObject* object = value.as<Config>()->get("kernel_initializer").as<ConfigObject>();
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->class_name, "Constant");
  EXPECT_EQ(object->config.get_float("value", 0), 1.0);
  EXPECT_EQ(
      to_json_text(value),
      R"({"units": 3, "kernel_initializer": {"module": "keras.initializers", "class_name": "Constant", "config": {"value": 1.0}, "registered_name": null}})");
}

TEST(Json, ErrorsSayWhere) {
  const auto error = [](std::string_view text) -> std::string {
    try {
      parse_json(text, "'m.json'");
      return "";
    } catch (const ParseError& e) {
      return e.what();
    }
  };
  EXPECT_THAT(error("{\"a\": 1,\n  x}"),
              ::testing::HasSubstr("cannot parse 'm.json': line 2, column 3: "));
  EXPECT_THAT(error(""), ::testing::HasSubstr("cannot parse 'm.json': line 1, column 1: "));
  EXPECT_EQ(error(std::string(100000, '[')),
            "cannot parse 'm.json': it is nested more than 2000 levels deep");
  EXPECT_NE(error("[1] 2"), "");
  EXPECT_NE(error("{\"a\": \"\xff\"}"), "");
}

}  // namespace
}  // namespace sinter

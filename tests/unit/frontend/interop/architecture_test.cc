// Keras's JSON: what Keras 3 wrote is what Sinter writes again, and JSON that is no model is
// refused with its place.
#include "frontend/interop/architecture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/interop/json.h"
#include "frontend/sinter.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

const char* const kCases[] = {
    "activation_layers", "activation_strings", "arguments",  "edges",  "merges",
    "noise_and_order",   "normalizations",     "sequential", "shapes", "shared_two_outputs"};

ConfigValue keras_json(const std::string& name, const std::string& file) {
  return parse_json(read_file(SINTER_TEST_DATA "/keras/json/" + name + "/" + file), name);
}

// Written by this release of Keras alone, and without meaning where they are null, false or empty.
const std::set<std::string> kMayBeAbsent = {"quantization_config",
                                            "input_axes",
                                            "output_axes",
                                            "mask",
                                            "training",
                                            "synchronized",
                                            "renorm",
                                            "renorm_clipping",
                                            "renorm_momentum",
                                            "compile_config",
                                            "build_config"};

/// Where `ours` says something else than `keras`, as a path; "" when nowhere.
std::string difference(const ConfigValue& ours, const ConfigValue& keras,
                       const std::string& at = "") {
  if (const Config* a = ours.as<Config>()) {
    const Config* b = keras.as<Config>();
    if (b == nullptr) return at;
    for (const ConfigEntry& e : a->entries()) {
      // Keras leaves it out for layers that are built from the start; what it says is right for
      // them, too.
      if (!b->contains(e.key) && e.key == "build_config") continue;
      if (!b->contains(e.key)) return at + "/" + e.key + " (ours alone)";
      if (const std::string d = difference(e.value, b->get(e.key), at + "/" + e.key); !d.empty())
        return d;
    }
    for (const ConfigEntry& e : b->entries()) {
      if (!a->contains(e.key) && !kMayBeAbsent.contains(e.key))
        return at + "/" + e.key + " (missing)";
    }
    return "";
  }
  if (const ConfigList* a = ours.as<ConfigList>()) {
    const ConfigList* b = keras.as<ConfigList>();
    if (b == nullptr || a->size() != b->size()) return at;
    for (size_t i = 0; i < a->size(); ++i) {
      if (const std::string d = difference((*a)[i], (*b)[i], at + "/" + std::to_string(i));
          !d.empty())
        return d;
    }
    return "";
  }
  return ours == keras ? "" : at + ": " + to_json_text(ours) + " against " + to_json_text(keras);
}

class ArchitectureCase : public ::testing::TestWithParam<const char*> {};

TEST_P(ArchitectureCase, WritesWhatKeras3Wrote) {
  clear_session();
  const ConfigValue keras = keras_json(GetParam(), "keras3.json");
  EXPECT_EQ(difference(architecture_to_config(architecture_from_config(keras)), keras), "");
}

TEST_P(ArchitectureCase, Keras2ReadsAsTheSameNetwork) {
  clear_session();
  const Architecture two = architecture_from_config(keras_json(GetParam(), "keras2.json"));
  clear_session();
  const Architecture three = architecture_from_config(keras_json(GetParam(), "keras3.json"));
  ASSERT_EQ(two.layers.size(), three.layers.size());
  for (size_t i = 0; i < two.layers.size(); ++i) {
    EXPECT_EQ(two.layers[i].class_name(), three.layers[i].class_name());
    EXPECT_EQ(two.layers[i].count_params(), three.layers[i].count_params());
  }
  EXPECT_EQ(two.inputs.size(), three.inputs.size());
  EXPECT_EQ(two.outputs.size(), three.outputs.size());
}

INSTANTIATE_TEST_SUITE_P(Keras, ArchitectureCase, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param); });

std::string error_of(const std::string& json) {
  clear_session();
  try {
    architecture_from_config(parse_json(json, "a test"));
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

const std::string kInput =
    R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 3], "dtype": "float32", "name": "x"}, "name": "x", "inbound_nodes": []})";

std::string functional(const std::string& layers, const std::string& outputs = R"(["d", 0, 0])") {
  return R"({"class_name": "Functional", "config": {"name": "m", "layers": [)" + kInput + layers +
         R"(], "input_layers": [["x", 0, 0]], "output_layers": )" + outputs + "}}";
}

TEST(Architecture, UnknownSettingsAreIgnoredAndOldFormsRead) {
  EXPECT_EQ(
      error_of(functional(
          R"(, {"class_name": "Dense", "config": {"units": 2, "from_the_future": {"a": [1]}}, "name": "d", "inbound_nodes": [[["x", 0, 0]]]})")),
      "");
  // Keras 2's list of layers, and a first layer that gives the shape.
  EXPECT_EQ(
      error_of(
          R"({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"name": "d", "units": 2, "batch_input_shape": [null, 3]}}]})"),
      "");
}

// Keras takes any callable as an activation, and writes a layer as an object.
TEST(Architecture, ActivationsMayBeLayersWithSettings) {
  const auto model = [](const std::string& object) {
    return model_from_json(
        R"({"class_name": "Sequential", "config": {"name": "s", "layers": [)"
        R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 2, 2], "name": "in"}},)"
        R"({"class_name": "Activation", "config": {"name": "a", "activation": )" +
        object + "}}]}}");
  };
  const auto layer = [](const std::string& name, const std::string& config) {
    return R"({"module": "keras.layers", "class_name": ")" + name + R"(", "config": )" + config +
           "}";
  };
  const Tensor x = Tensor::from({{{-1.f, 2.f}, {0.f, -30.f}}});
  const KerasTensor in = Input({2, 2});
  const std::vector<std::pair<std::string, KerasTensor>> expected = {
      {layer("ELU", R"({"alpha": 0.5})"), elu(in, 0.5)},
      {layer("Softmax", R"({"axis": 1})"), softmax(in, 1)},
      {layer("LeakyReLU", R"({"negative_slope": 0.125})"), leaky_relu(in, 0.125)},
      {layer("ReLU", R"({"max_value": 1.5, "threshold": 0.5})"),
       ReLU({.max_value = 1.5, .threshold = 0.5})(in)},
      {layer("Activation", R"({"activation": "tanh"})"), tanh(in)},
      {layer("Activation", R"({"activation": )" + layer("ELU", R"({"alpha": 2.0})") + "}"),
       elu(in, 2)},
      {R"("selu")", selu(in)}};
  for (const auto& [object, y] : expected) {
    const Model read = model(object);
    EXPECT_TRUE(read.predict(x).identical(Model(in, y).predict(x))) << object;
    EXPECT_EQ(model_from_json(read.to_json()).to_json(), read.to_json());
    EXPECT_TRUE(model_from_json(read.to_json()).predict(x).identical(read.predict(x))) << object;
  }
  EXPECT_THROW(model(layer("PReLU", "{}")), NameError);  // its weights would be lost
  EXPECT_THROW(model(layer("Dense", R"({"units": 2})")), NameError);
}

// Weights of bfloat16 could not be trained, whole numbers would all be drawn as 0.
TEST(Architecture, WeightsAreFloat32OrFloat64) {
  for (const char* dtype : {"bfloat16", "int32", "uint8", "bool"}) {
    const std::string text = error_of(functional(
        R"(, {"class_name": "Dense", "config": {"units": 2, "dtype": ")" + std::string(dtype) +
        R"("}, "name": "d", "inbound_nodes": [[["x", 0, 0, {}]]]})"));
    EXPECT_THAT(text, HasSubstr("weights are float32 or float64")) << dtype;
  }
}

TEST(Architecture, LayersMayStandInAnyOrder) {
  EXPECT_EQ(
      error_of(
          R"({"class_name": "Model", "config": {"name": "m", "layers": [)"
          R"({"class_name": "Dense", "config": {"units": 2}, "name": "d", "inbound_nodes": [[["e", 0, 0, {}]]]},)"
          R"({"class_name": "Dense", "config": {"units": 2}, "name": "e", "inbound_nodes": [[["x", 0, 0, {}]]]},)" +
          kInput + R"(], "input_layers": [["x", 0, 0]], "output_layers": [["d", 0, 0]]}})"),
      "");
}

TEST(Architecture, ErrorsSayWhere) {
  const std::string dense =
      R"(, {"class_name": "Dense", "config": {"units": 2}, "name": "d", "inbound_nodes": [[["x", 0, 0, {}]]]})";
  EXPECT_EQ(error_of(functional(dense)), "");
  EXPECT_EQ(error_of("[]"), "model JSON: the document must be a dictionary, found a list");
  EXPECT_EQ(error_of("{}"), "model JSON: \"class_name\" must be a string, found null");
  EXPECT_EQ(error_of(R"({"class_name": "Dense", "config": {}})"),
            "model JSON: \"class_name\" is 'Dense', but must be Functional, Model or Sequential");
  EXPECT_EQ(error_of(functional(dense + dense)), "model JSON: two layers are named 'd'");
  EXPECT_EQ(
      error_of(functional(dense, R"(["e", 0, 0])")),
      "model JSON: \"output_layers\" names output 0 of call 0 of layer 'e', which nothing makes");
  EXPECT_EQ(
      error_of(functional(
          R"(, {"class_name": "Dense", "config": {"units": 2}, "name": "d", "inbound_nodes": [[["y", 0, 0, {}]]]})")),
      "model JSON: layer 'd' needs output 0 of call 0 of layer 'y', which nothing makes");
  EXPECT_EQ(
      error_of(functional(
          R"(, {"class_name": "Dense", "config": {"units": 2}, "name": "d", "inbound_nodes": [[["d", 0, 0, {}]]]})")),
      "model JSON: layer 'd' needs output 0 of call 0 of layer 'd', which nothing makes");
  EXPECT_THAT(
      error_of(functional(
          R"(, {"class_name": "Dens", "config": {"units": 2}, "name": "d", "inbound_nodes": [[["x", 0, 0, {}]]]})")),
      HasSubstr("model JSON: layer 'd': unknown layer 'Dens'; did you mean 'Dense'?"));
  EXPECT_THAT(
      error_of(functional(
          R"(, {"class_name": "Dense", "config": {"units": "two"}, "name": "d", "inbound_nodes": [[["x", 0, 0, {}]]]})")),
      HasSubstr("setting 'units' must be an integer, found a string"));
  EXPECT_EQ(error_of(R"({"class_name": "Sequential", "config": {"layers": []}})"),
            "model JSON: a Sequential model without layers");
}

}  // namespace
}  // namespace sinter

#include "tests/keras/case_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "frontend/data/npy.h"

namespace sinter::keras_test {

namespace {

using Json = nlohmann::json;

const std::string kRoot = SINTER_TEST_DATA "/keras";

Json read_json(const std::string& path) { return Json::parse(read_text(path)); }

std::vector<Variable> variables(const Json& list, const char* name_key) {
  std::vector<Variable> result;
  for (const Json& entry : list) {
    result.push_back({entry.at(name_key), Shape(entry.at("shape").get<std::vector<int64_t>>())});
  }
  return result;
}

std::vector<double> numbers(const Json& list) {
  std::vector<double> result;
  for (const Json& value : list) {
    result.push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                     : value.get<double>());
  }
  return result;
}

}  // namespace

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string as_float64(std::string json) {
  const std::string from = "\"float32\"";
  for (size_t at = json.find(from); at != std::string::npos; at = json.find(from, at)) {
    json.replace(at, from.size(), "\"float64\"");
  }
  return json;
}

std::string more_cases() {
  const char* data = std::getenv("SINTER_DATA");
  return data == nullptr || !std::filesystem::is_directory(std::string(data) + "/keras")
             ? ""
             : std::string(data) + "/keras";
}

std::string Case::path(const std::string& file) const {
  const std::string kept = kRoot + "/" + name + "/" + file;
  return std::filesystem::exists(kRoot + "/" + name) ? kept
                                                     : more_cases() + "/" + name + "/" + file;
}

std::vector<Tensor> Case::arrays(const std::string& stem, DType floats) const {
  std::vector<Tensor> result;
  for (const std::string& file : files.at(stem)) {
    const Tensor tensor = load_npy(path(file));
    result.push_back(tensor.dtype() == DType::kFloat32 ? tensor.cast(floats) : tensor);
  }
  return result;
}

std::vector<Tensor> Case::split(const std::string& file, const std::vector<Variable>& variables,
                                DType dtype) const {
  const Tensor flat = load_npy(path(file)).cast(dtype);
  std::vector<Tensor> result;
  int64_t offset = 0;
  for (const Variable& variable : variables) {
    const int64_t count = variable.shape.elements();
    if (offset + count > flat.elements()) throw std::runtime_error(path(file) + " is too short");
    result.push_back(flat.rows(offset, offset + count).clone().reshaped(variable.shape));
    offset += count;
  }
  if (offset != flat.elements()) throw std::runtime_error(path(file) + " is too long");
  return result;
}

History Case::history(const std::string& file) const {
  const Json json = read_json(path(file));
  History result{json.at("epoch").get<std::vector<int>>(), {}};
  for (const auto& [key, values] : json.at("history").items()) result.values[key] = numbers(values);
  return result;
}

std::map<std::string, double> Case::evaluate() const {
  return read_json(path("evaluate.json")).get<std::map<std::string, double>>();
}

std::vector<std::string> case_names(const std::string& group) {
  std::set<std::string> names;
  const auto add_all = [&](const std::string& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (std::filesystem::exists(entry.path() / "case.json"))
        names.insert(entry.path().filename().string());
    }
  };
  add_all(kRoot + "/" + group);
  if (group.empty() && !more_cases().empty()) add_all(more_cases());
  return {names.begin(), names.end()};
}

Case load_case(const std::string& group, const std::string& name) {
  Case result;
  result.name = group.empty() ? name : group + "/" + name;
  const Json json = read_json(result.path("case.json"));
  result.covers = json.at("covers");
  result.files = json.at("files").get<std::map<std::string, std::vector<std::string>>>();
  result.weights = variables(json.at("weights"), "path");
  result.rtol = json.value("rtol", 0.0);
  result.atol = json.value("atol", 0.0);
  if (json.at("kind") == "training") {
    result.optimizer_variables = variables(json.at("optimizer_variables"), "name");
    result.iterations = json.at("iterations");
    const Json& tolerance = json.at("tolerance");
    result.tolerance = {tolerance.at("history"), tolerance.at("weights"),
                        tolerance.at("predictions")};
    result.tolerance_float64 = json.at("tolerance_float64");
    result.saturated = json.value("saturated", false);
  }
  return result;
}

ActivationTable load_activations() {
  const Json json = read_json(kRoot + "/activations.json");
  ActivationTable result;
  result.x = numbers(json.at("x"));
  for (const auto& [name, values] : json.at("functions").items()) {
    result.f[name] = numbers(values.at("f"));
    result.df[name] = numbers(values.at("df"));
    result.tolerance[name] = values.at("tolerance");
  }
  for (const char* name : {"softmax", "glu"}) {
    for (const Json& row : json.at(name).at("x")) result.rows[name].x.push_back(numbers(row));
    for (const Json& row : json.at(name).at("f")) result.rows[name].f.push_back(numbers(row));
  }
  return result;
}

std::vector<ScheduleSample> load_schedules() {
  std::vector<ScheduleSample> result;
  for (const Json& json : read_json(kRoot + "/schedules.json")) {
    result.push_back({json.at("config").get<std::map<std::string, double>>(),
                      json.at("steps").get<std::vector<int64_t>>(), numbers(json.at("rates"))});
  }
  return result;
}

std::vector<InitializerSample> load_initializers() {
  std::vector<InitializerSample> result;
  for (const Json& json : read_json(kRoot + "/initializers.json")) {
    result.push_back({json.at("name"), json.at("config").get<std::map<std::string, double>>(),
                      Shape(json.at("shape").get<std::vector<int64_t>>()), json.at("mean"),
                      json.at("std"), json.at("min"), json.at("max"),
                      numbers(json.at("quartiles"))});
  }
  return result;
}

}  // namespace sinter::keras_test

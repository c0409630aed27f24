// Operations as layers, and from files.
#include "frontend/layers/operation.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/counted.h"
#include "core/error.h"
#include "frontend/asked_settings.h"
#include "ops/ops.h"

namespace sinter {
namespace {

constexpr const char* kTensor = "__keras_tensor__";

/// Tensors of a file become marks; everything else stays.
ConfigValue marked(const ConfigValue& value) {
  if (const Config* config = value.as<Config>()) {
    const std::string* kind = config->get("class_name").as<std::string>();
    return kind != nullptr && *kind == kTensor ? OperationImpl::tensor_argument() : value;
  }
  const ConfigList* list = value.as<ConfigList>();
  if (list == nullptr) return value;
  ConfigList result;
  for (const ConfigValue& v : *list) result.push_back(marked(v));
  return result;
}

size_t count_tensors(const ConfigValue& value) {
  if (OperationImpl::is_tensor_argument(value)) return 1;
  size_t count = 0;
  if (const ConfigList* list = value.as<ConfigList>()) {
    for (const ConfigValue& v : *list) count += count_tensors(v);
  }
  return count;
}

}  // namespace

const ConfigValue& OperationArguments::value(size_t index) const {
  static const ConfigValue null;
  return index < arguments_.size() ? arguments_[index] : null;
}

Symbol OperationArguments::tensor(size_t index) const {
  if (!OperationImpl::is_tensor_argument(value(index))) {
    throw Error(
        fmt::format("argument {} must be a tensor, found {}", index, value(index).type_name()));
  }
  size_t before = 0;
  for (size_t i = 0; i < index; ++i) before += count_tensors(arguments_[i]);
  return tensors_[before];
}

Operand OperationArguments::operand(size_t index) const {
  const ConfigValue& v = value(index);
  if (const std::optional<Number> number = number_in(v)) return *number;
  if (OperationImpl::is_tensor_argument(v)) return tensor(index);
  throw Error(
      fmt::format("argument {} must be a tensor or a number, found {}", index, v.type_name()));
}

ConfigValue config_value(Number number) {
  if (number.is_floating()) return number.as_double();
  if (number.kind() == Number::Kind::kBool) return number.as_integer() != 0;
  return number.as_integer();
}

std::optional<Number> number_in(const ConfigValue& value) {
  if (const bool* number = value.as<bool>()) return *number;
  if (const int64_t* number = value.as<int64_t>()) return *number;
  if (const double* number = value.as<double>()) return *number;
  return std::nullopt;
}

ConfigValue OperationImpl::tensor_argument() { return ConfigObject{"", kTensor, {}}; }

bool OperationImpl::is_tensor_argument(const ConfigValue& value) {
  const ConfigObject* object = value.as<ConfigObject>();
  return object != nullptr && object->class_name == kTensor;
}

Config OperationImpl::config() const {
  Config c = {{"name", name()}};
  return c.merge(settings_);
}

std::shared_ptr<LayerImpl> OperationImpl::clone() const {
  return std::make_shared<OperationImpl>(entry_, settings_, arguments_, name(),
                                         SourceLocation::current());
}

std::vector<Symbol> OperationImpl::call(CallContext&, std::span<const Symbol> inputs) {
  const size_t wanted = count_tensors(arguments_);
  if (inputs.size() != wanted) {
    throw ShapeError(
        fmt::format("{}: takes {}, given {}", title(), counted(wanted, "tensor"), inputs.size()));
  }
  return {made_of(fmt::format("{} '{}'", class_name(), name()), settings_, [&] {
    return entry_.write({inputs, arguments_, settings_});
  })};
}

Layer operation_from_config(const std::string& class_name, const Config& config,
                            const ConfigList& arguments, SourceLocation where) {
  const OperationEntry* entry = find_operation(class_name);
  if (entry == nullptr) raise_unknown_name("operation", class_name, operation_names());
  Config settings;
  for (const ConfigEntry& e : config.entries()) {
    if (e.key != "name") settings.set(e.key, e.value);
  }
  const ConfigValue marks = marked(arguments);
  return Layer(std::make_shared<OperationImpl>(*entry, std::move(settings), *marks.as<ConfigList>(),
                                               config.get_string("name", ""), where));
}

}  // namespace sinter

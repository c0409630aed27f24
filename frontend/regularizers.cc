// Formulas of keras.regularizers and their names.
#include "frontend/regularizers.h"

#include "core/error.h"
#include "frontend/custom_functions.h"
#include "frontend/origin.h"
#include "ops/ops.h"

namespace sinter {

struct Regularizer::Spec {
  std::string class_name;
  Config config;
  Function function;
};
namespace {

const std::vector<std::string> kNames = {"l1", "l2", "l1l2", "L1", "L2", "L1L2"};

CustomFunctions<Regularizer::Function>& custom_regularizers() {
  static CustomFunctions<Regularizer::Function> functions;
  return functions;
}

Symbol penalty(Symbol x, double l1, double l2) {
  if (l1 != 0 && l2 != 0) return multiply(sum(abs(x)), l1) + multiply(sum(square(x)), l2);
  if (l2 != 0) return multiply(sum(square(x)), l2);
  return multiply(sum(abs(x)), l1);
}

Regularizer by_name(const std::string& name, const Config& config) {
  if (name == "l1" || name == "L1") return L1(config.get_float("l1", 0.01));
  if (name == "l2" || name == "L2") return L2(config.get_float("l2", 0.01));
  if (name == "l1l2" || name == "L1L2") {
    return L1L2({.l1 = config.get_float("l1", 0.0), .l2 = config.get_float("l2", 0.0)});
  }
  if (auto custom = custom_regularizers().find(name)) return {name, *std::move(custom)};
  std::vector<std::string> known = kNames;
  custom_regularizers().append_names(known);
  raise_unknown_name("regularizer", name, known);
}

}  // namespace

Regularizer::Regularizer(std::string class_name, Config config, Function function)
    : spec_(std::make_shared<const Spec>(
          Spec{std::move(class_name), std::move(config), std::move(function)})) {}

Regularizer::Regularizer(std::string name, Function function)
    : Regularizer(std::move(name), {}, std::move(function)) {}

Regularizer::Regularizer(const std::string& name, SourceLocation where)
    : Regularizer(at_line(where, [&] { return by_name(name, {}); })) {}
Regularizer::Regularizer(const char* name, SourceLocation where)
    : Regularizer(std::string(name), where) {}

Regularizer::Regularizer(Symbol (*function)(Symbol)) {
  if (function != nullptr) *this = Regularizer("custom_regularizer", {}, function);
}

ConfigValue Regularizer::to_config() const {
  if (spec_ == nullptr) return nullptr;
  return ConfigObject{"keras.regularizers", spec_->class_name, spec_->config};
}

Regularizer Regularizer::from_config(const ConfigValue& value) {
  if (value.is_null()) return {};
  if (const std::string* name = value.as<std::string>()) return by_name(*name, {});
  if (const std::string* name = function_name(value)) return by_name(*name, {});
  if (const ConfigObject* object = value.as<ConfigObject>())
    return by_name(object->class_name, object->config);
  throw Error("a regularizer is null, a name or an object, found " +
              std::string(value.type_name()));
}

L1::L1(double l1) : Regularizer("L1", {{"l1", l1}}, [l1](Symbol x) { return penalty(x, l1, 0); }) {}

L2::L2(double l2) : Regularizer("L2", {{"l2", l2}}, [l2](Symbol x) { return penalty(x, 0, l2); }) {}

L1L2::L1L2(L1L2Options o)
    : Regularizer("L1L2", {{"l1", o.l1}, {"l2", o.l2}},
                  [o](Symbol x) { return penalty(x, o.l1, o.l2); }) {}

Symbol Regularizer::operator()(Symbol x) const { return spec_->function(x); }

void register_regularizer(const std::string& name, Regularizer::Function function) {
  custom_regularizers().set(name, std::move(function));
}

Regularizer l1(double l1) { return L1(l1); }
Regularizer l2(double l2) { return L2(l2); }
Regularizer l1_l2(double l1, double l2) { return L1L2({.l1 = l1, .l2 = l2}); }

}  // namespace sinter

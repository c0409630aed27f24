// Formulas of keras.regularizers and their names.
#include "frontend/regularizers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/graph.h"
#include "core/line.h"
#include "frontend/argument_checks.h"
#include "frontend/asked_settings.h"
#include "frontend/custom_functions.h"
#include "frontend/given_function.h"
#include "frontend/origin.h"
#include "frontend/own_names.h"
#include "ops/ops.h"

namespace sinter {

struct Regularizer::Spec {
  std::string class_name;
  Config config;
  Function function;
  SourceLocation where = {};
  bool own = false;  // the user's
};
namespace {

const std::vector<std::string> kNames = {"l1", "l2", "l1l2", "L1", "L2", "L1L2"};

bool is_regularizer_of_keras(const std::string& name) {
  return std::ranges::find(kNames, name) != kNames.end();
}

CustomFunctions<Regularizer::Function>& custom_regularizers() {
  static CustomFunctions<Regularizer::Function> functions;
  return functions;
}

Symbol penalty(Symbol x, double l1, double l2) {
  if (l1 != 0 && l2 != 0) return multiply(sum(abs(x)), l1) + multiply(sum(square(x)), l2);
  if (l2 != 0) return multiply(sum(square(x)), l2);
  return multiply(sum(abs(x)), l1);
}

double factor(const char* owner, const char* name, double value, SourceLocation where) {
  at_line(where, [&] { check_number(owner, name, value, kNotNegative); });
  return value;
}

Regularizer by_name(const std::string& name, const Config& config) {
  if (auto custom = custom_regularizers().find(name)) return {name, *std::move(custom)};
  if (name == "l1" || name == "L1") return L1(config.get_float("l1", 0.01), {});
  if (name == "l2" || name == "L2") return L2(config.get_float("l2", 0.01), {});
  if (name == "l1l2" || name == "L1L2") {
    return L1L2({.l1 = config.get_float("l1", 0.0), .l2 = config.get_float("l2", 0.0)}, {});
  }
  std::vector<std::string> known = kNames;
  custom_regularizers().append_names(known);
  raise_unknown_name("regularizer", name, known);
}

}  // namespace

Regularizer::Regularizer(std::string class_name, Config config, Function function,
                         SourceLocation where)
    : spec_(std::make_shared<const Spec>(Spec{class_name, std::move(config),
                                              given(std::move(function), "a regularizer", where),
                                              where, !is_regularizer_of_keras(class_name)})) {}

Regularizer::Regularizer(std::string name, Function function, SourceLocation where)
    : spec_(std::make_shared<const Spec>(Spec{
          std::move(name), {}, given(std::move(function), "a regularizer", where), where, true})) {}

Regularizer::Regularizer(const std::string& name, SourceLocation where)
    : Regularizer(at_line(where, [&] { return by_name(name, {}); })) {}
Regularizer::Regularizer(const char* name, SourceLocation where)
    : Regularizer(std::string(name), where) {}

ConfigValue Regularizer::to_config() const {
  if (spec_ == nullptr) return nullptr;
  const std::string& name = spec_->class_name;
  const ConfigObject object{"keras.regularizers", name, spec_->config};
  if (!spec_->own) return object;
  return telling(object, kOwnRegularizer, {name, spec_->where, is_regularizer_of_keras(name)},
                 spec_->function);
}

Regularizer Regularizer::from_config(const ConfigValue& value) {
  if (value.is_null()) return {};
  if (const std::string* name = value.as<std::string>()) return by_name(*name, {});
  if (const std::string* name = function_name(value)) return by_name(*name, {});
  if (const ConfigObject* object = value.as<ConfigObject>()) {
    return made_of(object->class_name, object->config,
                   [&] { return by_name(object->class_name, object->config); });
  }
  throw Error("a regularizer is null, a name or an object, found " +
              std::string(value.type_name()));
}

L1::L1(RealNumber l1, SourceLocation where)
    : Regularizer("L1", {{"l1", factor("L1", "l1", l1, where)}},
                  [l1](Symbol x) { return penalty(x, l1, 0); }) {
  warn_of_whole_zero(named_with_line("L1", where), "l1", l1.is_whole_zero());
}

L2::L2(RealNumber l2, SourceLocation where)
    : Regularizer("L2", {{"l2", factor("L2", "l2", l2, where)}},
                  [l2](Symbol x) { return penalty(x, 0, l2); }) {
  warn_of_whole_zero(named_with_line("L2", where), "l2", l2.is_whole_zero());
}

L1L2::L1L2(L1L2Options o, SourceLocation where)
    : Regularizer(
          "L1L2",
          {{"l1", factor("L1L2", "l1", o.l1, where)}, {"l2", factor("L1L2", "l2", o.l2, where)}},
          [o](Symbol x) { return penalty(x, o.l1, o.l2); }) {
  warn_of_whole_zero(named_with_line("L1L2", where), "l2",
                     (o.l1.is_whole_zero() && o.l2 == 0) || (o.l2.is_whole_zero() && o.l1 == 0));
}

Symbol Regularizer::operator()(OpInput x) const {
  const Symbol y = spec_->function(x);
  x.graph().id_of(y, fmt::format("regularizer '{}'", spec_->class_name));
  return y.rank() == 0 ? y : sum(y);
}

void register_regularizer(const std::string& name, Regularizer::Function function,
                          SourceLocation where) {
  custom_regularizers().set(name, given(std::move(function), "a regularizer", where));
}

Regularizer l1(RealNumber l1, SourceLocation where) { return L1(l1, where); }
Regularizer l2(RealNumber l2, SourceLocation where) { return L2(l2, where); }
Regularizer l1_l2(RealNumber l1, RealNumber l2, SourceLocation where) {
  return L1L2({.l1 = l1, .l2 = l2}, where);
}

}  // namespace sinter

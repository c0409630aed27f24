// Formulas of keras.constraints and their names.
#include "frontend/constraints.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/line.h"
#include "frontend/argument_checks.h"
#include "frontend/asked_settings.h"
#include "frontend/custom_functions.h"
#include "frontend/given_function.h"
#include "frontend/origin.h"
#include "frontend/own_names.h"
#include "ops/ops.h"

namespace sinter {

struct Constraint::Spec {
  std::string class_name;
  Config config;
  Function function;
  SourceLocation where = {};
  bool own = false;  // the user's
};
namespace {

constexpr double kEpsilon = 1e-7;

const std::vector<std::string> kNames = {"max_norm", "non_neg", "unit_norm", "min_max_norm"};

bool is_constraint_of_keras(const std::string& name) {
  return std::ranges::any_of(kNames, [&](const std::string& known) {
    return known == name || known == to_snake_case(name);
  });
}

CustomFunctions<Constraint::Function>& custom_constraints() {
  static CustomFunctions<Constraint::Function> functions;
  return functions;
}

Symbol norm_along(Symbol w, const Axes& axis) { return norm(w, axis.list(), true); }

ConfigValue axes(const Axes& axis) {
  // Keras keeps one axis as a number.
  return axis.list().size() == 1 ? ConfigValue(axis.list()[0]) : ConfigValue::ints(axis.list());
}

Config checked(const char* owner, Config settings, SourceLocation where) {
  at_line(where, [&] {
    check_numbers(owner, settings,
                  {{"min_value", kNotNegative}, {"max_value", kNotNegative}, {"rate", kZeroToOne}});
    const double low = settings.get_float("min_value", 0),
                 high = settings.get_float("max_value", 0);
    if (low > high)
      throw Error(fmt::format("{}: min_value must not be above max_value, found {} and {}", owner,
                              low, high));
  });
  return settings;
}

Constraint by_name(const std::string& name, const Config& c) {
  if (auto custom = custom_constraints().find(name)) return {name, *std::move(custom)};
  std::vector<int64_t> axis;
  for (const int64_t a : c.get_ints("axis", {0})) axis.push_back(to_int32("axis", a));
  if (name == "MaxNorm" || name == "max_norm")
    return MaxNorm({.max_value = c.get_float("max_value", 2.0), .axis = axis}, {});
  if (name == "NonNeg" || name == "non_neg") return NonNeg();
  if (name == "UnitNorm" || name == "unit_norm") return UnitNorm({.axis = axis});
  if (name == "MinMaxNorm" || name == "min_max_norm") {
    return MinMaxNorm({.min_value = c.get_float("min_value", 0.0),
                       .max_value = c.get_float("max_value", 1.0),
                       .rate = c.get_float("rate", 1.0),
                       .axis = axis},
                      {});
  }
  std::vector<std::string> known = kNames;
  custom_constraints().append_names(known);
  raise_unknown_name("constraint", name, known);
}

}  // namespace

Constraint::Constraint(std::string class_name, Config config, Function function,
                       SourceLocation where)
    : spec_(std::make_shared<const Spec>(Spec{class_name, std::move(config),
                                              given(std::move(function), "a constraint", where),
                                              where, !is_constraint_of_keras(class_name)})) {
  at_line(where, [&] {
    refuse_nan(spec_->class_name, spec_->config);
    if (const ConfigList* axis = spec_->config.get("axis").as<ConfigList>(); axis && axis->empty())
      throw Error(spec_->class_name + ": axis names no dimension");
  });
}

Constraint::Constraint(std::string name, Function function, SourceLocation where)
    : spec_(std::make_shared<const Spec>(Spec{
          std::move(name), {}, given(std::move(function), "a constraint", where), where, true})) {}

Constraint::Constraint(const std::string& name, SourceLocation where)
    : Constraint(at_line(where, [&] { return by_name(name, {}); })) {}
Constraint::Constraint(const char* name, SourceLocation where)
    : Constraint(std::string(name), where) {}

ConfigValue Constraint::to_config() const {
  if (spec_ == nullptr) return nullptr;
  const std::string& name = spec_->class_name;
  const ConfigObject object{"keras.constraints", name, spec_->config};
  if (!spec_->own) return object;
  return telling(object, kOwnConstraint, {name, spec_->where, is_constraint_of_keras(name)},
                 spec_->function);
}

Constraint Constraint::from_config(const ConfigValue& value) {
  if (value.is_null()) return {};
  if (const std::string* name = value.as<std::string>()) return by_name(*name, {});
  if (const std::string* name = function_name(value)) return by_name(*name, {});
  if (const ConfigObject* object = value.as<ConfigObject>()) {
    return made_of(object->class_name, object->config,
                   [&] { return by_name(object->class_name, object->config); });
  }
  throw Error("a constraint is null, a name or an object, found " + std::string(value.type_name()));
}

MaxNorm::MaxNorm(MaxNormOptions o, SourceLocation where)
    : Constraint(
          "MaxNorm",
          checked("MaxNorm", {{"max_value", o.max_value}, {"axis", axes(o.axis)}}, where),
          [o](Symbol w) {
            const Symbol n = norm_along(w, o.axis);
            return w * (minimum(n, o.max_value) / (n + kEpsilon));
          },
          where) {}

NonNeg::NonNeg()
    : Constraint("NonNeg", {},
                 [](Symbol w) { return w * cast(greater_equal(w, 0.0), w.dtype()); }) {}

UnitNorm::UnitNorm(UnitNormOptions o, SourceLocation where)
    : Constraint(
          "UnitNorm", {{"axis", axes(o.axis)}},
          [o](Symbol w) { return w / (norm_along(w, o.axis) + kEpsilon); }, where) {}

MinMaxNorm::MinMaxNorm(MinMaxNormOptions o, SourceLocation where)
    : Constraint(
          "MinMaxNorm",
          checked("MinMaxNorm",
                  {{"min_value", o.min_value},
                   {"max_value", o.max_value},
                   {"rate", o.rate},
                   {"axis", axes(o.axis)}},
                  where),
          [o](Symbol w) {
            const Symbol n = norm_along(w, o.axis);
            const Symbol wanted = o.rate * clip(n, o.min_value, o.max_value) + (1.0 - o.rate) * n;
            return w * (wanted / (n + kEpsilon));
          },
          where) {}

void register_constraint(const std::string& name, Constraint::Function function,
                         SourceLocation where) {
  custom_constraints().set(name, given(std::move(function), "a constraint", where));
}

Symbol Constraint::operator()(OpInput w) const { return spec_->function(w); }

}  // namespace sinter

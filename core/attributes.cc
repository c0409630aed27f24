// Attribute look-up, comparison and completion against a schema.
#include "core/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/attribute_value.h"
#include "core/error.h"
#include "core/graph.h"
#include "core/op_record.h"

namespace sinter {

bool OpCall::operator==(const OpCall& other) const {
  if (op != other.op) return false;
  static const Attributes none;
  return (attributes ? *attributes : none) == (other.attributes ? *other.attributes : none);
}

std::string_view attribute_type_name(AttributeType type) {
  constexpr std::string_view kNames[] = {"bool",  "int",    "float", "string", "ints", "shape",
                                         "dtype", "tensor", "expr",  "graph",  "op"};
  return kNames[static_cast<size_t>(type)];
}

bool equal_values(const AttributeValue& a, const AttributeValue& b) {
  if (a.index() != b.index()) return false;
  if (const auto* x = std::get_if<double>(&a))
    return std::bit_cast<int64_t>(*x) == std::bit_cast<int64_t>(std::get<double>(b));
  if (const auto* x = std::get_if<Tensor>(&a)) return x->identical(std::get<Tensor>(b));
  if (const auto* x = std::get_if<std::shared_ptr<const ScalarExpr>>(&a))
    return **x == *std::get<std::shared_ptr<const ScalarExpr>>(b);
  if (const auto* x = std::get_if<std::shared_ptr<const Graph>>(&a))
    return equal_graphs(**x, *std::get<std::shared_ptr<const Graph>>(b));
  return std::visit(
      [&](const auto& x) -> bool {
        using T = std::decay_t<decltype(x)>;
        if constexpr (std::is_same_v<T, Tensor>) {
          return false;  // handled above
        } else {
          return x == std::get<T>(b);
        }
      },
      a);
}

Attributes::Attributes(std::initializer_list<std::pair<std::string, AttributeValue>> values)
    : values_(std::make_shared<Values>(values)) {}

Attributes::Attributes(Values values)
    : values_(values.empty() ? nullptr : std::make_shared<Values>(std::move(values))) {}

bool Attributes::get_bool(std::string_view name) const { return get<bool>(name); }
int64_t Attributes::get_int(std::string_view name) const { return get<int64_t>(name); }
double Attributes::get_float(std::string_view name) const { return get<double>(name); }
const std::string& Attributes::get_string(std::string_view name) const {
  return get<std::string>(name);
}
const std::vector<int64_t>& Attributes::get_ints(std::string_view name) const {
  return get<std::vector<int64_t>>(name);
}
const ScalarExpr& Attributes::get_expr(std::string_view name) const {
  return *get<std::shared_ptr<const ScalarExpr>>(name);
}
const Graph& Attributes::get_graph(std::string_view name) const {
  return *get<std::shared_ptr<const Graph>>(name);
}

const Attributes::Values& Attributes::values() const {
  static const Values none;
  return values_ ? *values_ : none;
}

const AttributeValue* Attributes::find(std::string_view name) const {
  for (const auto& [key, value] : values()) {
    if (key == name) return &value;
  }
  return nullptr;
}

void Attributes::set(std::string name, AttributeValue value) {
  if (!values_ || values_.use_count() > 1) values_ = std::make_shared<Values>(values());
  for (auto& [key, old] : *values_) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  values_->emplace_back(std::move(name), std::move(value));
}

bool Attributes::operator==(const Attributes& other) const {
  if (values_ == other.values_) return true;
  return std::equal(values().begin(), values().end(), other.values().begin(), other.values().end(),
                    [](const auto& a, const auto& b) {
                      return a.first == b.first && equal_values(a.second, b.second);
                    });
}

void Attributes::raise_missing(std::string_view name) const {
  raise_internal("an attribute of the asked type", std::string(name));
}

namespace {

// Is `given` what complete_attributes would give? Then copies of it share their values.
bool is_complete(const std::vector<AttributeSpec>& schema, const Attributes& given);

// An expression or a region that a program has not made.
bool is_null(const AttributeValue& value) {
  const auto* expression = std::get_if<std::shared_ptr<const ScalarExpr>>(&value);
  const auto* region = std::get_if<std::shared_ptr<const Graph>>(&value);
  return (expression != nullptr && *expression == nullptr) ||
         (region != nullptr && *region == nullptr);
}

// An op that is named has its own attributes, complete too, so that there is one way to say it:
// none where it takes none.
bool is_complete(const OpCall& call) {
  const std::vector<AttributeSpec>& schema = Registry::global().get(call.op).attributes;
  return call.attributes ? !schema.empty() && is_complete(schema, *call.attributes)
                         : schema.empty();
}

OpCall completed(const OpCall& call) {
  const OpRecord& op = Registry::global().get(call.op);
  Attributes attributes = complete_attributes(op.name, op.attributes,
                                              call.attributes ? *call.attributes : Attributes());
  if (op.attributes.empty()) return {call.op, nullptr};
  return {call.op, std::make_shared<const Attributes>(std::move(attributes))};
}

bool is_complete(const std::vector<AttributeSpec>& schema, const Attributes& given) {
  return std::ranges::equal(
      schema, given.values(), [](const AttributeSpec& spec, const auto& attribute) {
        if (spec.name != attribute.first ||
            static_cast<size_t>(spec.type) != attribute.second.index() || is_null(attribute.second))
          return false;
        const auto* call = std::get_if<OpCall>(&attribute.second);
        return call == nullptr || is_complete(*call);
      });
}

}  // namespace

Attributes complete_attributes(std::string_view op, const std::vector<AttributeSpec>& schema,
                               const Attributes& given) {
  if (is_complete(schema, given)) return given;
  Attributes::Values values;
  values.reserve(schema.size());
  for (const AttributeSpec& spec : schema) {
    const AttributeValue* value = given.find(spec.name);
    if (value == nullptr) {
      if (!spec.default_value)
        throw Error(fmt::format("op '{}' needs the attribute '{}'", op, spec.name));
      values.emplace_back(spec.name, *spec.default_value);
      continue;
    }
    AttributeValue typed = *value;
    if (spec.type == AttributeType::kFloat && std::holds_alternative<int64_t>(typed)) {
      typed = static_cast<double>(std::get<int64_t>(typed));
    }
    if (typed.index() != static_cast<size_t>(spec.type)) {
      throw Error(fmt::format("attribute '{}' of op '{}' is {}, but must be {}", spec.name, op,
                              attribute_type_name(static_cast<AttributeType>(typed.index())),
                              attribute_type_name(spec.type)));
    }
    if (is_null(typed))
      throw Error(fmt::format("attribute '{}' of op '{}' is null", spec.name, op));
    if (const auto* call = std::get_if<OpCall>(&typed)) typed = completed(*call);
    values.emplace_back(spec.name, std::move(typed));
  }
  Attributes complete(std::move(values));
  for (const auto& [name, value] : given.values()) {
    if (complete.contains(name)) continue;
    std::vector<std::string> known;
    for (const AttributeSpec& spec : schema) known.push_back(spec.name);
    raise_unknown_name(fmt::format("attribute of op '{}'", op), name, known);
  }
  return complete;
}

}  // namespace sinter

// Printing graphs and attributes, and the content hashes.
#include <fmt/ranges.h>

#include <cctype>
#include <cmath>
#include <cstring>
#include <variant>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "core/text.h"

namespace sinter {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return std::signbit(value) ? "-nan" : "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return fmt::format("{}", value);
}

std::string quoted_text(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n')
      result += "\\n";
    else if (c == '\0')
      result += "\\0";
    else
      result += c;
  }
  return result + "\"";
}

// Names that may stand after % as they are.
bool is_identifier(std::string_view name) {
  if (name.empty() || !(std::isalpha(static_cast<unsigned char>(name[0])) || name[0] == '_'))
    return false;
  for (char c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '/' && c != '.')
      return false;
  }
  return true;
}

bool is_named_source(const Node& node) {
  return node.op->kind == KernelKind::kSource && !node.is(KernelOp::kConstant) &&
         is_identifier(node.name);
}

std::string element_text(const Tensor& t, int64_t i) {
  if (t.dtype() == DType::kInt64)
    return fmt::format("{}", t.data<int64_t>()[static_cast<size_t>(i)]);
  if (t.dtype() == DType::kFloat32) {
    const float value = t.data<float>()[static_cast<size_t>(i)];
    return std::isfinite(value) ? fmt::format("{}", value) : number(value);
  }
  return number(t.at(i));
}

std::string tensor_text(const Tensor& t, const TextOptions& options) {
  if (t.elements() > options.max_constant_elements)
    return fmt::format("tensor<{} #{:016x}>", t.type().to_string(), hash_tensor(t));
  std::vector<std::string> elements;
  for (int64_t i = 0; i < t.elements(); ++i) elements.push_back(element_text(t, i));
  return fmt::format("tensor<{}>({})", t.type().to_string(), fmt::join(elements, ", "));
}

std::string indented(const std::string& text) {
  std::string result;
  for (char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result;
}

struct ValuePrinter {
  TextOptions options;
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(int64_t v) const { return fmt::format("{}", v); }
  std::string operator()(double v) const { return number(v); }
  std::string operator()(const std::string& v) const { return quoted_text(v); }
  std::string operator()(const std::vector<int64_t>& v) const {
    std::vector<std::string> parts;
    for (int64_t i : v) parts.push_back(i == kSliceEnd ? "end" : std::to_string(i));
    return fmt::format("[{}]", fmt::join(parts, ","));
  }
  std::string operator()(const Shape& v) const { return v.to_string(); }
  std::string operator()(DType v) const { return std::string(dtype_name(v)); }
  std::string operator()(const Tensor& v) const { return tensor_text(v, options); }
  std::string operator()(const std::shared_ptr<const ScalarExpr>& v) const {
    return quoted_text(v->to_string());
  }
  std::string operator()(const std::shared_ptr<const Graph>& v) const {
    std::string text = to_text(*v, options);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return indented(text);
  }
  std::string operator()(const OpCall& v) const {
    return v.op + (v.attributes
                       ? attributes_to_text(Registry::global().get(v.op), *v.attributes, options)
                       : "");
  }
};

}  // namespace

std::string to_text(const AttributeValue& value, const TextOptions& options) {
  return std::visit(ValuePrinter{options}, value);
}

std::string attributes_to_text(const OpRecord& op, const Attributes& attributes,
                               const TextOptions& options) {
  std::vector<std::string> parts;
  for (const AttributeSpec& spec : op.attributes) {
    const AttributeValue* value = attributes.find(spec.name);
    if (value == nullptr || (spec.default_value && equal_values(*value, *spec.default_value)))
      continue;
    parts.push_back(spec.name + "=" + to_text(*value, options));
  }
  return parts.empty() ? "" : fmt::format("{{{}}}", fmt::join(parts, ", "));
}

std::string to_text(const Graph& graph, const TextOptions& options) {
  const auto name = [&](int32_t i) {
    return is_named_source(graph.node(i)) ? graph.node(i).name : std::to_string(i);
  };
  const auto value = [&](ValueId id) {
    return fmt::format("%{}{}", name(id.node),
                       graph.node(id).types.size() > 1 ? fmt::format("#{}", id.result) : "");
  };
  std::string text = fmt::format("graph {} {{\n", quoted_text(graph.name()));
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    std::vector<std::string> inputs, types;
    for (ValueId id : node.inputs) inputs.push_back(value(id));
    for (const ValueType& t : node.types) types.push_back(t.to_string());
    const bool typed_source = node.op->kind == KernelKind::kSource && !node.is(KernelOp::kConstant);
    const std::string attributes =
        typed_source ? "" : attributes_to_text(*node.op, node.attributes, options);
    text += fmt::format("  %{} = {}({}){}{} : {}", name(i), node.op->name, fmt::join(inputs, ", "),
                        attributes.empty() ? "" : " ", indented(attributes),
                        types.size() == 1 ? types[0] : fmt::format("({})", fmt::join(types, ", ")));
    if (!node.name.empty() && !is_named_source(node)) text += " " + quoted_text(node.name);
    if (options.origins && node.origin)
      text += fmt::format(" @ {} {}:{}", quoted_text(node.origin->layer),
                          quoted_text(node.origin->file), node.origin->line);
    text += "\n";
  }
  for (const Graph::Output& o : graph.outputs())
    text += fmt::format("  output {} = {}\n", quoted_text(o.name), value(o.value));
  for (const Graph::Update& u : graph.updates())
    text += fmt::format("  update %{} = {}\n", name(u.variable), value(u.value));
  return text + "}\n";
}

namespace {

// FNV-1a over 8-byte words with a final avalanche; for content addresses, not for security.
class TextHasher {
 public:
  void bytes(const void* data, size_t n) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (; n >= 8; n -= 8, p += 8) {
      uint64_t w;
      std::memcpy(&w, p, 8);
      word(w);
    }
    uint64_t tail = n;
    for (size_t i = 0; i < n; ++i) tail = tail << 8 | p[i];
    word(tail);
  }
  void word(uint64_t w) {
    hash_ = (hash_ ^ w) * 0x100000001B3u;
    hash_ ^= hash_ >> 29;
  }
  void text(std::string_view s) { bytes(s.data(), s.size()); }
  uint64_t value() const {
    uint64_t h = hash_ * 0xBF58476D1CE4E5B9u;
    h ^= h >> 32;
    return h;
  }

 private:
  uint64_t hash_ = 0xCBF29CE484222325u;
};

}  // namespace

uint64_t hash_tensor(const Tensor& tensor) {
  TextHasher h;
  h.text(tensor.type().to_string());
  h.bytes(tensor.raw(), static_cast<size_t>(tensor.bytes()));
  return h.value();
}

uint64_t hash_graph(const Graph& graph) {
  // The text form without origins says everything but large constants, which stand in it by their
  // hash.
  TextHasher h;
  h.text(to_text(graph, {.origins = false}));
  return h.value();
}

}  // namespace sinter

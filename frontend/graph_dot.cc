// Writes Graphviz text: one box a node, one cluster a layer, one colour a sort of node.
#include "frontend/graph_dot.h"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <vector>

#include "core/text.h"

namespace sinter {
namespace {

constexpr size_t kLongestLine = 44;

/// Text for an HTML-like label.
std::string escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return result;
}

/// Text for a quoted string.
std::string quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string shortened(std::string text) {
  if (text.size() <= kLongestLine) return text;
  size_t end = kLongestLine - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // not within a character
  return text.substr(0, end) + "...";
}

/// The scalar ops of a body in order, "exp add div": what a map or a fusion computes.
void append_scalar_ops(const ScalarExpr& body, std::string& to) {
  for (const ScalarInstruction& instruction : body.instructions) {
    if (scalar_op_arity(instruction.op) > 0)
      to += (to.empty() ? "" : " ") + std::string(scalar_op_name(instruction.op));
  }
}

void append_graph_ops(const Graph& body, std::string& to) {
  for (const Node& node : body.nodes()) {
    if (node.op->kind == KernelKind::kSource) continue;
    const AttributeValue* inner = node.attributes.find("body");
    if (inner != nullptr && std::holds_alternative<std::shared_ptr<const ScalarExpr>>(*inner)) {
      append_scalar_ops(node.attributes.get_expr("body"), to);
    } else {
      to += (to.empty() ? "" : " ") + node.op->name;
    }
  }
}

/// Lines below the name of a node: attributes that say something its types do not.
std::vector<std::string> detail_lines(const Node& node) {
  std::vector<std::string> lines;
  for (const AttributeSpec& spec : node.op->attributes) {
    const AttributeValue* value = node.attributes.find(spec.name);
    if (value == nullptr || (spec.default_value && equal_values(*value, *spec.default_value)))
      continue;
    std::string text;
    switch (spec.type) {
      case AttributeType::kShape:
      case AttributeType::kDType: continue;  // in the type of the result
      case AttributeType::kTensor: {
        const auto& tensor = std::get<Tensor>(*value);
        if (tensor.elements() != 1) continue;
        text = fmt::format("{:g}", tensor.at(0));
        break;
      }
      case AttributeType::kExpr:
        append_scalar_ops(*std::get<std::shared_ptr<const ScalarExpr>>(*value), text);
        break;
      case AttributeType::kGraph:
        append_graph_ops(*std::get<std::shared_ptr<const Graph>>(*value), text);
        break;
      default: text = spec.name + " = " + to_text(*value);
    }
    if (!text.empty()) lines.push_back(shortened(text));
  }
  return lines;
}

struct Look {
  const char* fill;
  const char* line;
};

Look look_of(const Node& node) {
  if (node.is("input")) return {"#dcfce7", "#16a34a"};
  if (node.is("variable")) return {"#fef3c7", "#d97706"};
  if (node.op->kind == KernelKind::kSource) return {"#f3f4f6", "#9ca3af"};
  if (node.op->kind == KernelKind::kFusion) return {"#ede9fe", "#7c3aed"};
  return {"#dbeafe", "#2563eb"};
}

std::string node_text(const Node& node, int32_t index) {
  const bool source = node.is("input") || node.is("variable");
  std::string label =
      fmt::format("<b>{}</b>", escape(source ? shortened(node.name) : node.op->name));
  auto small = [&](std::string_view text) {
    label += fmt::format("<br/><font point-size=\"9\" color=\"#4b5563\">{}</font>", escape(text));
  };
  if (source) small(node.op->name);
  for (const std::string& line : detail_lines(node)) {
    if (!source) small(line);
  }
  for (const ValueType& type : node.types) small(type.to_string());
  const Look look = look_of(node);
  return fmt::format("n{} [label=<{}>, fillcolor=\"{}\", color=\"{}\"];\n", index, label, look.fill,
                     look.line);
}

}  // namespace

std::string to_dot(const Graph& graph) {
  std::string text = fmt::format(
      "digraph {} {{\n"
      "  graph [rankdir=TB, nodesep=0.25, ranksep=0.35, fontname=\"Helvetica,Arial,sans-serif\", "
      "fontsize=11];\n"
      "  node [shape=box, style=\"rounded,filled\", penwidth=1.1, margin=\"0.14,0.06\", "
      "fontsize=11, "
      "fontname=\"Helvetica,Arial,sans-serif\", fontcolor=\"#111827\"];\n"
      "  edge [color=\"#6b7280\", arrowsize=0.6, fontsize=9, "
      "fontname=\"Helvetica,Arial,sans-serif\"];\n",
      quote(graph.name()));

  std::map<std::string, std::vector<int32_t>> layers;
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    layers[node.origin == nullptr ? "" : node.origin->layer].push_back(i);
  }
  int cluster = 0;
  for (const auto& [layer, nodes] : layers) {
    if (!layer.empty()) {
      text += fmt::format(
          "  subgraph cluster_{} {{\n    label={}; labeljust=l; style=\"rounded,filled\"; "
          "color=\"#e5e7eb\"; "
          "fillcolor=\"#fafafa\"; fontcolor=\"#374151\";\n",
          cluster++, quote(shortened(layer)));
    }
    for (const int32_t i : nodes)
      text += (layer.empty() ? "  " : "    ") + node_text(graph.node(i), i);
    if (!layer.empty()) text += "  }\n";
  }
  for (int32_t i = 0; i < graph.size(); ++i) {
    for (const ValueId input : graph.node(i).inputs) {
      const bool numbered = graph.node(input).types.size() > 1;
      text += numbered ? fmt::format("  n{} -> n{} [label=\"{}\"];\n", input.node, i, input.result)
                       : fmt::format("  n{} -> n{};\n", input.node, i);
    }
  }
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const Graph::Output& output = graph.outputs()[i];
    text += fmt::format(
        "  out{0} [label={1}, shape=oval, fillcolor=\"#fee2e2\", color=\"#dc2626\"];\n  n{2} -> "
        "out{0};\n",
        i, quote(shortened(output.name)), output.value.node);
  }
  // An update ends in a box of its own: an edge back to its variable would turn the picture upside
  // down.
  for (size_t i = 0; i < graph.updates().size(); ++i) {
    const Graph::Update& update = graph.updates()[i];
    text += fmt::format(
        "  up{0} [label={1}, fillcolor=\"#fffbeb\", color=\"#d97706\", "
        "style=\"rounded,filled,dashed\"];\n"
        "  n{2} -> up{0} [style=dashed];\n",
        i, quote("new " + shortened(graph.node(update.variable).name)), update.value.node);
  }
  return text + "}\n";
}

}  // namespace sinter

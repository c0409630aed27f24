// Writes Graphviz text: one box a node, one cluster a layer, one colour a sort of node.
#include "frontend/graph_dot.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <variant>
#include <vector>

#include "core/text.h"
#include "core/utf8.h"

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

std::string fitted(std::string text) {
  if (columns_of(text) <= kLongestLine) return text;
  return std::string(first_columns(text, kLongestLine - 3)) + "...";
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
    if (!text.empty()) lines.push_back(fitted(text));
  }
  return lines;
}

struct Look {
  const char* fill;
  const char* line;
};

Look look_of(const Node& node) {
  if (node.is(KernelOp::kInput)) return {"#dcfce7", "#16a34a"};
  if (node.is(KernelOp::kVariable)) return {"#fef3c7", "#d97706"};
  if (node.op->kind == KernelKind::kSource) return {"#f3f4f6", "#9ca3af"};
  if (node.op->kind == KernelKind::kFusion) return {"#ede9fe", "#7c3aed"};
  return {"#dbeafe", "#2563eb"};
}

std::string node_text(const Node& node, int32_t index) {
  const bool source = node.is(KernelOp::kInput) || node.is(KernelOp::kVariable);
  std::string label = fmt::format("<b>{}</b>", escape(source ? fitted(node.name) : node.op->name));
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

/// What outputs (and updates) depend on. An input or variable that nothing reads is not.
std::vector<bool> needed_nodes(const Graph& graph, bool by_updates = true) {
  std::vector<bool> needed(static_cast<size_t>(graph.size()));
  for (const Graph::Output& o : graph.outputs()) needed[static_cast<size_t>(o.value.node)] = true;
  for (const Graph::Update& u : graph.updates()) {
    if (by_updates) needed[static_cast<size_t>(u.value.node)] = true;
  }
  for (int32_t i = graph.size() - 1; i >= 0; --i) {
    if (!needed[static_cast<size_t>(i)]) continue;
    for (const ValueId input : graph.node(i).inputs) needed[static_cast<size_t>(input.node)] = true;
  }
  return needed;
}

std::string header(const Graph& graph) {
  return fmt::format(
      "digraph {} {{\n"
      "  graph [rankdir=TB, nodesep=0.25, ranksep=0.35, fontname=\"Helvetica,Arial,sans-serif\", "
      "fontsize=11];\n"
      "  node [shape=box, style=\"rounded,filled\", penwidth=1.1, margin=\"0.14,0.06\", "
      "fontsize=11, "
      "fontname=\"Helvetica,Arial,sans-serif\", fontcolor=\"#111827\"];\n"
      "  edge [color=\"#6b7280\", arrowsize=0.6, fontsize=9, "
      "fontname=\"Helvetica,Arial,sans-serif\"];\n",
      quote(graph.name()));
}

std::string layer_of(const Node& node) { return node.origin == nullptr ? "" : node.origin->layer; }

std::string output_text(const Graph::Output& output, size_t index, const std::string& from) {
  return fmt::format(
      "  out{0} [label={1}, shape=oval, fillcolor=\"#fee2e2\", color=\"#dc2626\"];\n  {2} -> "
      "out{0};\n",
      index, quote(fitted(output.name)), from);
}

}  // namespace

std::string to_dot(const Graph& graph) {
  std::string text = header(graph);
  const std::vector<bool> needed = needed_nodes(graph);
  // Layers in the order of their first nodes.
  std::vector<std::pair<std::string, std::vector<int32_t>>> layers;
  std::map<std::string, size_t> places;
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (!needed[static_cast<size_t>(i)]) continue;
    const std::string layer = layer_of(graph.node(i));
    const auto [place, is_new] = places.emplace(layer, layers.size());
    if (is_new) layers.push_back({layer, {}});
    layers[place->second].second.push_back(i);
  }
  int cluster = 0;
  for (const auto& [layer, nodes] : layers) {
    if (!layer.empty()) {
      text += fmt::format(
          "  subgraph cluster_{} {{\n    label={}; labeljust=l; style=\"rounded,filled\"; "
          "color=\"#e5e7eb\"; "
          "fillcolor=\"#fafafa\"; fontcolor=\"#374151\";\n",
          cluster++, quote(fitted(layer)));
    }
    for (const int32_t i : nodes)
      text += (layer.empty() ? "  " : "    ") + node_text(graph.node(i), i);
    if (!layer.empty()) text += "  }\n";
  }
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (!needed[static_cast<size_t>(i)]) continue;
    for (const ValueId input : graph.node(i).inputs) {
      const bool numbered = graph.node(input).types.size() > 1;
      text += numbered ? fmt::format("  n{} -> n{} [label=\"{}\"];\n", input.node, i, input.result)
                       : fmt::format("  n{} -> n{};\n", input.node, i);
    }
  }
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const Graph::Output& output = graph.outputs()[i];
    text += output_text(output, i, fmt::format("n{}", output.value.node));
  }
  // An update ends in a box of its own: an edge back to its variable would turn the picture upside
  // down.
  for (size_t i = 0; i < graph.updates().size(); ++i) {
    const Graph::Update& update = graph.updates()[i];
    text += fmt::format(
        "  up{0} [label={1}, fillcolor=\"#fffbeb\", color=\"#d97706\", "
        "style=\"rounded,filled,dashed\"];\n"
        "  n{2} -> up{0} [style=dashed];\n",
        i, quote("new " + fitted(graph.node(update.variable).name)), update.value.node);
  }
  return text + "}\n";
}

namespace {

/// The nodes of one layer before the loss, or after it.
struct Part {
  std::string layer;
  bool backward = false;
  std::vector<int32_t> nodes;
};

/// "3 multiply, reduce, contract": the ops of a part, most frequent first.
std::string ops_of(const Graph& graph, const Part& part) {
  std::vector<std::pair<std::string, int>> counts;
  for (const int32_t i : part.nodes) {
    const Node& node = graph.node(i);
    if (node.op->kind == KernelKind::kSource) continue;
    auto at = std::ranges::find(counts, node.op->name, [](const auto& c) { return c.first; });
    if (at == counts.end()) at = counts.insert(counts.end(), {node.op->name, 0});
    ++at->second;
  }
  std::ranges::stable_sort(counts,
                           [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [op, count] : counts)
    text += (text.empty() ? "" : ", ") + (count == 1 ? op : fmt::format("{} {}", count, op));
  return fitted(text);
}

std::string part_text(const Graph& graph, const Part& part, const std::set<ValueId>& leaving,
                      size_t index) {
  std::string label = fmt::format("<b>{}</b>", escape(fitted(part.layer)));
  const auto small = [&](std::string_view text) {
    label += fmt::format("<br/><font point-size=\"9\" color=\"#4b5563\">{}</font>", escape(text));
  };
  if (part.backward) label += "<br/>after the loss";
  size_t variables = 0;
  for (const int32_t i : part.nodes) {
    if (!graph.node(i).is(KernelOp::kVariable)) continue;
    if (++variables <= 4)
      small(fitted(graph.node(i).name) + " " + graph.node(i).types[0].to_string());
  }
  if (variables > 4) small(fmt::format("and {} more variables", variables - 4));
  if (const std::string ops = ops_of(graph, part); !ops.empty()) small(ops);
  std::set<std::string> types;
  for (const ValueId value : leaving) types.insert(graph.type(value).to_string());
  std::string results;
  for (const std::string& type : types) results += (results.empty() ? "" : ", ") + type;
  if (!results.empty()) small("gives " + fitted(results));
  return fmt::format("  p{} [label=<{}>, fillcolor=\"{}\", color=\"{}\"];\n", index, label,
                     part.backward ? "#ede9fe" : "#dbeafe", part.backward ? "#7c3aed" : "#2563eb");
}

/// The first node of the gradients, which are written behind the loss and the metrics: it belongs
/// to a layer that came before the loss, and no number that is logged depends on it.
int32_t first_backward_node(const Graph& graph) {
  if (graph.updates().empty() || graph.outputs().empty()) return graph.size();
  const int32_t loss = graph.outputs()[0].value.node;
  const std::vector<bool> logged = needed_nodes(graph, false);
  std::set<std::string> before;
  for (int32_t i = 0; i <= loss; ++i) before.insert(layer_of(graph.node(i)));
  before.erase("");
  for (int32_t i = loss + 1; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (node.op->kind != KernelKind::kSource && !logged[static_cast<size_t>(i)] &&
        before.contains(layer_of(node)))
      return i;
  }
  return graph.size();
}

}  // namespace

std::string to_layer_dot(const Graph& graph) {
  const std::vector<bool> needed = needed_nodes(graph);
  const std::vector<bool> logged = needed_nodes(graph, false);
  const int32_t backward_from = first_backward_node(graph);
  std::vector<Part> parts;
  std::map<std::pair<std::string, bool>, size_t> places;  // of parts, by layer and direction
  std::vector<int32_t> part_of(static_cast<size_t>(graph.size()), -1);
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (!needed[static_cast<size_t>(i)] || node.is(KernelOp::kInput) ||
        node.is(KernelOp::kConstant))
      continue;
    const std::string layer = layer_of(node).empty() ? "no layer" : layer_of(node);
    const bool backward =
        i >= backward_from && !node.is(KernelOp::kVariable) && !logged[static_cast<size_t>(i)];
    const auto [place, is_new] = places.emplace(std::pair(layer, backward), parts.size());
    if (is_new) parts.push_back({layer, backward, {}});
    parts[place->second].nodes.push_back(i);
    part_of[static_cast<size_t>(i)] = static_cast<int32_t>(place->second);
  }
  const auto name_of = [&](int32_t node) {
    const int32_t part = part_of[static_cast<size_t>(node)];
    return part < 0 ? fmt::format("n{}", node) : fmt::format("p{}", part);
  };
  std::set<std::string> edges;
  std::vector<std::set<ValueId>> leaving(parts.size());
  const auto leaves = [&](ValueId value) {
    const int32_t part = part_of[static_cast<size_t>(value.node)];
    if (part >= 0 && !graph.node(value).is(KernelOp::kVariable))
      leaving[static_cast<size_t>(part)].insert(value);
  };
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (!needed[static_cast<size_t>(i)]) continue;
    for (const ValueId input : graph.node(i).inputs) {
      if (graph.node(input).is(KernelOp::kConstant) || name_of(input.node) == name_of(i)) continue;
      edges.insert(fmt::format("  {} -> {};\n", name_of(input.node), name_of(i)));
      leaves(input);
    }
  }
  for (const Graph::Output& o : graph.outputs()) leaves(o.value);
  std::string text = header(graph);
  for (const int32_t i : graph.inputs()) {
    if (needed[static_cast<size_t>(i)]) text += "  " + node_text(graph.node(i), i);
  }
  for (size_t i = 0; i < parts.size(); ++i) text += part_text(graph, parts[i], leaving[i], i);
  for (const std::string& edge : edges) text += edge;
  for (size_t i = 0; i < graph.outputs().size(); ++i)
    text += output_text(graph.outputs()[i], i, name_of(graph.outputs()[i].value.node));
  // All new values of variables that one part makes are one box.
  std::map<std::string, std::pair<int32_t, int>> updates;
  for (const Graph::Update& u : graph.updates()) {
    auto& [first, count] = updates[name_of(u.value.node)];
    if (count++ == 0) first = u.variable;
  }
  int box = 0;
  for (const auto& [from, what] : updates) {
    const std::string name = what.second == 1 ? "new " + fitted(graph.node(what.first).name)
                                              : fmt::format("{} new values", what.second);
    text += fmt::format(
        "  up{0} [label={1}, fillcolor=\"#fffbeb\", color=\"#d97706\", "
        "style=\"rounded,filled,dashed\"];\n  {2} -> up{0} [style=dashed];\n",
        box++, quote(name), from);
  }
  return text + "}\n";
}

}  // namespace sinter

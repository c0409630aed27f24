// Building graphs: node creation with completed attributes and inferred types, and simple queries.
#include "core/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <variant>

#include "core/counted.h"
#include "core/error.h"
#include "core/op_line.h"
#include "core/sizes.h"

namespace sinter {
namespace {

// Graphs are built by programs, too: what is no value of theirs is a mistake of the caller's.
void require_value(const Graph& graph, ValueId id, std::string_view what, std::string_view whose) {
  if (id.node >= 0 && id.node < graph.size() && id.result >= 0 &&
      id.result < static_cast<int32_t>(graph.node(id).types.size()))
    return;
  throw Error(
      fmt::format("{} '{}': result {} of node {} is no value of graph '{}', which has {} nodes",
                  what, whose, id.result, id.node, graph.name(), graph.size()));
}

size_t hash_of(std::string_view name) { return std::hash<std::string_view>()(name); }

std::string describe(const OpRecord& op, std::span<const ValueType> types, const Origin* origin) {
  std::string text =
      origin != nullptr && !origin->to_string().empty() ? origin->to_string() + ": " : "";
  text += op.name + "(";
  for (size_t i = 0; i < types.size(); ++i) text += (i > 0 ? ", " : "") + types[i].to_string();
  return text + ")";
}

// A stride that is longer than its dimension takes one element, as the dimension does; it would
// overflow where it is multiplied.
Attributes with_short_strides(std::span<const ValueType> inputs, Attributes attributes) {
  std::vector<int64_t> strides = attributes.get_ints("stride");
  const size_t rank = inputs.empty() ? 0 : static_cast<size_t>(inputs[0].shape.rank());
  for (size_t d = 0; d < std::min(rank, strides.size()); ++d) {
    const int64_t dim = inputs[0].shape[static_cast<int>(d)];
    if (dim != kBatch) strides[d] = std::min(strides[d], std::max<int64_t>(dim, 1));
  }
  if (strides != attributes.get_ints("stride")) attributes.set("stride", std::move(strides));
  return attributes;
}

// What no index is multiplied by is 0.
Attributes with_walked_strides(Attributes attributes) {
  const Shape& shape = attributes.get<Shape>("shape");
  std::vector<int64_t> strides = attributes.get_ints("strides");
  if (strides.size() != static_cast<size_t>(shape.rank())) return attributes;
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 0 || shape[d] == 1) strides[static_cast<size_t>(d)] = 0;
  }
  if (strides != attributes.get_ints("strides")) attributes.set("strides", std::move(strides));
  return attributes;
}

// Attributes as a graph holds them, which says everything in one way, so that nothing that reads
// one has to look at others: axes that count from the last dimension are turned round.
Attributes canonical(const OpRecord& op, std::span<const ValueType> inputs, Attributes attributes) {
  if (op.kernel_op == KernelOp::kSlice) return with_short_strides(inputs, std::move(attributes));
  if (op.kernel_op == KernelOp::kAsStrided) return with_walked_strides(std::move(attributes));
  const auto turned = [](int64_t axis, int rank) {
    return axis < 0 && axis >= -rank ? axis + rank : axis;
  };
  for (const AttributeSpec& spec : op.attributes) {
    if (spec.axis_of == AxisOf::kNone) continue;
    const int rank = spec.axis_of == AxisOf::kShape
                         ? attributes.get<Shape>("shape").rank()
                         : inputs[spec.axis_of == AxisOf::kSecond ? 1 : 0].shape.rank();
    const AttributeValue& value = *attributes.find(spec.name);
    if (const int64_t* axis = std::get_if<int64_t>(&value); axis != nullptr && *axis < 0) {
      attributes.set(spec.name, turned(*axis, rank));
    } else if (const auto* axes = std::get_if<std::vector<int64_t>>(&value);
               axes != nullptr && std::ranges::any_of(*axes, [](int64_t a) { return a < 0; })) {
      std::vector<int64_t> all = *axes;
      for (int64_t& a : all) a = turned(a, rank);
      attributes.set(spec.name, std::move(all));
    }
  }
  return attributes;
}

// What compares or scales with NaN computes nothing. Kernel ops move numbers as they are: pad with
// NaN, say.
void refuse_nan(const OpRecord& op, const Attributes& attributes) {
  if (op.kind != KernelKind::kComposite) return;
  for (const auto& [name, value] : attributes.values()) {
    const auto* number = std::get_if<double>(&value);
    if (number != nullptr && std::isnan(*number))
      throw ShapeError(fmt::format("the attribute '{}' is nan", name));
  }
}

// Elementwise ops take operands of one shape and give what their body gives.
std::vector<ValueType> elementwise_types(const OpRecord& op, std::span<const ValueType> types,
                                         const Attributes& attributes) {
  std::vector<DType> dtypes;
  for (const ValueType& t : types) {
    if (t.shape != types[0].shape)
      throw ShapeError("operands must have one shape (broadcast them first)");
    dtypes.push_back(t.dtype);
  }
  ScalarBuilder builder(dtypes);
  const std::vector<Scalar> arguments = builder.arguments();
  const Scalar result = op.body(arguments, attributes);
  if (result.is_number()) return {types[0]};
  if (const std::string fault = scalar_expr_fault(builder.finish({&result, 1})); !fault.empty())
    throw ShapeError(fault);
  return {{result.dtype(), types[0].shape}};
}

}  // namespace

std::string Origin::to_string() const {
  std::string text = layer.empty() ? "" : fmt::format("'{}'", layer);
  if (!file.empty()) text += fmt::format("{}({}:{})", text.empty() ? "" : " ", file, line);
  return text;
}

bool Node::is(KernelOp kernel_op) const { return op->kernel_op == kernel_op; }
bool Node::is(std::string_view op_name) const { return op->name == op_name; }

Graph::Graph(std::string name) : name_(std::move(name)) {}
Graph::Graph(const Graph&) = default;
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(const Graph&) = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;
void Graph::set_name(std::string name) { name_ = std::move(name); }
void Graph::set_origin(std::shared_ptr<const Origin> origin) {
  origin_ = std::move(origin), op_origin_ = nullptr;
  op_line_ = OpLine::innermost();
}

void Graph::reserve(int32_t nodes) {
  change().nodes.reserve(static_cast<size_t>(std::max(nodes, 0)));
}

const Graph::Content& Graph::content() const {
  static const Content nothing;
  return content_ ? *content_ : nothing;
}

int32_t Graph::size() const { return static_cast<int32_t>(content().nodes.size()); }
const std::vector<Node>& Graph::nodes() const { return content().nodes; }
const Node& Graph::node(int32_t index) const { return nodes()[static_cast<size_t>(index)]; }
const Node& Graph::node(ValueId id) const { return node(id.node); }
const ValueType& Graph::type(ValueId id) const {
  return node(id).types[static_cast<size_t>(id.result)];
}
const std::vector<int32_t>& Graph::inputs() const { return content().inputs; }
const std::vector<int32_t>& Graph::variables() const { return content().variables; }
const std::vector<Graph::Output>& Graph::outputs() const { return content().outputs; }
const std::vector<Graph::Update>& Graph::updates() const { return content().updates; }

Graph::Content& Graph::change() {
  if (!content_) {
    content_ = std::make_shared<Content>();
  } else if (content_.use_count() > 1) {
    content_ = std::make_shared<Content>(*content_);
  }
  return *content_;
}

// In the scope of a layer's origin a line that was entered since is one of the user's function.
std::shared_ptr<const Origin> Graph::origin_of_op() {
  const SourceLocation where = OpLine::innermost();
  const bool known = where.line() == op_line_.line() && where.file_name() == op_line_.file_name();
  if (known && op_origin_ != nullptr) return op_origin_;
  if (where.line() == 0 || (known && origin_ != nullptr)) return origin_;
  op_line_ = where;
  return op_origin_ = std::make_shared<const Origin>(
             Origin{origin_ == nullptr ? name_ : origin_->layer,
                    std::filesystem::path(where.file_name()).filename().string(), where.line()});
}

int32_t Graph::add_node(const OpRecord& op, std::vector<ValueId> inputs, Attributes attributes,
                        std::string name, std::shared_ptr<const Origin> origin) {
  std::vector<ValueType> input_types;
  input_types.reserve(inputs.size());
  for (ValueId id : inputs) {
    require_value(*this, id, "an input of op", op.name);
    input_types.push_back(type(id));
  }
  Node added;
  added.op = &op;
  const int count = static_cast<int>(inputs.size());
  try {
    if (count < op.min_inputs || count > op.max_inputs) {
      throw ShapeError(fmt::format("takes {}{} input{}, found {}", op.min_inputs,
                                   op.max_inputs == op.min_inputs ? ""
                                   : op.max_inputs >= kAnyNumber
                                       ? " or more"
                                       : fmt::format(" to {}", op.max_inputs),
                                   op.max_inputs == 1 ? "" : "s", count));
    }
    added.attributes =
        canonical(op, input_types, complete_attributes(op.name, op.attributes, attributes));
    refuse_nan(op, added.attributes);
    added.types = op.shape ? op.shape(input_types, added.attributes)
                           : elementwise_types(op, input_types, added.attributes);
    for (const ValueType& type : added.types) check_type(type);
  } catch (const ShapeError& error) {
    throw ShapeError(fmt::format("{}: {}", describe(op, input_types, origin.get()), error.what()));
  }
  added.inputs = std::move(inputs);
  added.name = std::move(name);
  added.origin = std::move(origin);
  const int32_t index = size();
  Content& content = change();
  if (op.kind == KernelKind::kSource && op.name != "constant") {
    if (added.name.empty()) throw Error(fmt::format("an {} needs a name", op.name));
    if (find_named(added.name) >= 0) {
      throw Error(fmt::format("the name '{}' is taken by another input or variable of graph '{}'",
                              added.name, name_));
    }
    (op.name == "input" ? content.inputs : content.variables).push_back(index);
    content.named.insert(hash_of(added.name), index);
  }
  content.nodes.push_back(std::move(added));
  return index;
}

int32_t Graph::copy_node(const Graph& source, int32_t index, std::vector<ValueId> inputs,
                         std::shared_ptr<const Origin> origin) {
  require_value(source, {index, 0}, "a copy of a node of graph", source.name());
  const Node& node = source.node(index);
  for (const ValueId id : inputs) require_value(*this, id, "an input of op", node.op->name);
  bool same_types = inputs.size() == node.inputs.size();
  same_types &= node.op->kind != KernelKind::kSource || node.is(KernelOp::kConstant);
  for (size_t i = 0; i < inputs.size() && same_types; ++i)
    same_types = type(inputs[i]) == source.type(node.inputs[i]);
  if (!same_types)
    return add_node(*node.op, std::move(inputs), node.attributes, node.name, std::move(origin));
  change().nodes.push_back({.op = node.op,
                            .inputs = std::move(inputs),
                            .attributes = node.attributes,
                            .types = node.types,
                            .name = node.name,
                            .origin = std::move(origin)});
  return size() - 1;
}

ValueId Graph::id_of(const Symbol& symbol, std::string_view what) const {
  if (!symbol.valid()) throw Error(fmt::format("{}: the symbol is empty", what));
  if (&symbol.graph() != this)
    throw Error(fmt::format("{}: the symbol belongs to another graph", what));
  return symbol.id();
}

std::vector<Symbol> Graph::add(std::string_view op, std::span<const Symbol> inputs,
                               Attributes attributes, std::string name) {
  std::vector<ValueId> ids;
  for (const Symbol& s : inputs) {
    if (!s.valid()) throw Error(fmt::format("op '{}' got an empty symbol as input", op));
    if (&s.graph() != this)
      throw Error(fmt::format("op '{}' got inputs from two different graphs", op));
    ids.push_back(s.id());
  }
  const int32_t index = add_node(Registry::global().get(op), std::move(ids), std::move(attributes),
                                 std::move(name), origin_);
  if (origins_of_ops_)
    change().nodes[static_cast<size_t>(index)].origin = origin_of_op();
  std::vector<Symbol> results;
  for (int32_t r = 0; r < static_cast<int32_t>(node(index).types.size()); ++r)
    results.emplace_back(this, ValueId{index, r});
  return results;
}

Symbol Graph::add1(std::string_view op, std::span<const Symbol> inputs, Attributes attributes,
                   std::string name) {
  const std::vector<Symbol> results = add(op, inputs, std::move(attributes), std::move(name));
  if (results.size() != 1)
    throw Error(fmt::format("op '{}' has {}, which Graph::add gives", op,
                            counted(results.size(), "result")));
  return results[0];
}

Symbol Graph::add1(std::string_view op, std::initializer_list<Symbol> inputs, Attributes attributes,
                   std::string name) {
  return add1(op, std::span(inputs.begin(), inputs.size()), std::move(attributes), std::move(name));
}

Symbol Graph::input(std::string name, ValueType type) {
  return add1("input", {}, {{"dtype", type.dtype}, {"shape", type.shape}}, std::move(name));
}

Symbol Graph::variable(std::string name, ValueType type) {
  return add1("variable", {}, {{"dtype", type.dtype}, {"shape", type.shape}}, std::move(name));
}

Symbol Graph::constant(Tensor value) { return add1("constant", {}, {{"value", std::move(value)}}); }

void Graph::add_output(std::string name, ValueId value) {
  require_value(*this, value, "output", name);
  Content& content = change();
  const size_t hash = hash_of(name);
  if (content.output_names.find(hash, [&](int32_t i) {
        return content.outputs[static_cast<size_t>(i)].name == name;
      }) >= 0)
    throw Error(fmt::format("graph '{}' has two outputs named '{}'", name_, name));
  content.output_names.insert(hash, static_cast<int32_t>(content.outputs.size()));
  content.outputs.push_back({std::move(name), value});
}

void Graph::add_update(int32_t variable, ValueId value) {
  require_value(*this, {variable, 0}, "an update in graph", name_);
  if (const Node& updated = node(variable); !updated.is(KernelOp::kVariable))
    throw Error(fmt::format("an update is of a variable; node {} of graph '{}' is of op '{}'{}",
                            variable, name_, updated.op->name,
                            updated.name.empty() ? "" : fmt::format(", '{}'", updated.name)));
  require_value(*this, value, "the new value of variable", node(variable).name);
  if (type(value) != type({variable, 0})) {
    throw ShapeError(fmt::format("update of variable '{}': it is {}, the new value {}",
                                 node(variable).name, type({variable, 0}).to_string(),
                                 type(value).to_string()));
  }
  if (find_update(variable) >= 0)
    throw Error(fmt::format("variable '{}' is updated twice", node(variable).name));
  Content& content = change();
  content.updated.insert(static_cast<size_t>(variable),
                         static_cast<int32_t>(content.updates.size()));
  content.updates.push_back({variable, value});
}

void Graph::clear_outputs() {
  change().outputs.clear();
  change().output_names.clear();
}

void Graph::clear_updates() {
  change().updates.clear();
  change().updated.clear();
}

int32_t Graph::find_named(std::string_view name) const {
  return content().named.find(hash_of(name), [&](int32_t i) { return node(i).name == name; });
}

int32_t Graph::find_input(std::string_view name) const {
  const int32_t found = find_named(name);
  return found >= 0 && node(found).is(KernelOp::kInput) ? found : -1;
}

int32_t Graph::find_variable(std::string_view name) const {
  const int32_t found = find_named(name);
  return found >= 0 && node(found).is(KernelOp::kVariable) ? found : -1;
}

int32_t Graph::find_update(int32_t variable) const {
  return content().updated.find(static_cast<size_t>(variable), [](int32_t) { return true; });
}

std::vector<std::vector<int32_t>> Graph::use_counts() const {
  std::vector<std::vector<int32_t>> counts(nodes().size());
  for (size_t i = 0; i < counts.size(); ++i) counts[i].resize(nodes()[i].types.size());
  const auto use = [&](ValueId id) {
    ++counts[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)];
  };
  for (const Node& n : nodes()) {
    for (ValueId id : n.inputs) use(id);
  }
  for (const Output& o : outputs()) use(o.value);
  for (const Update& u : updates()) use(u.value);
  return counts;
}

std::vector<bool> Graph::live_nodes() const {
  std::vector<bool> live(nodes().size(), false);
  for (int32_t i : inputs()) live[static_cast<size_t>(i)] = true;
  for (int32_t i : variables()) live[static_cast<size_t>(i)] = true;
  for (const Output& o : outputs()) live[static_cast<size_t>(o.value.node)] = true;
  for (const Update& u : updates()) live[static_cast<size_t>(u.value.node)] = true;
  for (size_t i = live.size(); i-- > 0;) {
    if (!live[i]) continue;
    for (ValueId id : nodes()[i].inputs) live[static_cast<size_t>(id.node)] = true;
  }
  return live;
}

bool equal_graphs(const Graph& a, const Graph& b) {
  if (a.size() != b.size() || a.outputs() != b.outputs() || a.updates() != b.updates())
    return false;
  for (int32_t i = 0; i < a.size(); ++i) {
    const Node& x = a.node(i);
    const Node& y = b.node(i);
    if (x.op != y.op || x.inputs != y.inputs || x.types != y.types || x.name != y.name ||
        !(x.attributes == y.attributes))
      return false;
  }
  return true;
}

}  // namespace sinter

// The symbolic graph and the values in it: nodes in topological order, in SSA form. State is
// explicit: variables are read as values and written by updates.
//
// Cheap to include, for headers that programs include. What looks into nodes needs core/graph.h.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/attributes.h"
#include "core/graph_anchor.h"
#include "core/op_line.h"
#include "core/shape.h"
#include "core/source_location.h"

namespace sinter {

struct Node;
struct OpRecord;
class Symbol;

/// Result `result` of node `node`.
struct ValueId {
  int32_t node = -1;
  int32_t result = 0;
  bool valid() const { return node >= 0; }
  auto operator<=>(const ValueId&) const = default;
};

/// Where a node came from: the layer and the user's source line. Fusion joins layers with '+'.
struct Origin {
  std::string layer;
  std::string file;
  int32_t line = 0;
  /// "'fc1' (train.cc:23)", or "" when nothing is known.
  std::string to_string() const;
  bool operator==(const Origin&) const = default;
};

/// Copies share their nodes until one of them is changed, so a pass that finds nothing to do
/// returns what it was given.
class Graph {
 public:
  struct Output {
    std::string name;
    ValueId value;
    bool operator==(const Output&) const = default;
  };
  /// variable <- value, after all reads of the variable in this run.
  struct Update {
    int32_t variable = -1;  // node index
    ValueId value;
    bool operator==(const Update&) const = default;
  };

  explicit Graph(std::string name = "graph");
  Graph(const Graph&);
  Graph(Graph&&) noexcept;
  Graph& operator=(const Graph&);
  Graph& operator=(Graph&&) noexcept;
  ~Graph();

  const std::string& name() const { return name_; }
  void set_name(std::string name);
  int32_t size() const;
  const Node& node(int32_t index) const;
  const Node& node(ValueId id) const;
  const std::vector<Node>& nodes() const;
  const ValueType& type(ValueId id) const;

  /// Node indices of "input" and "variable" nodes, in order of creation: this order is the calling
  /// convention.
  const std::vector<int32_t>& inputs() const;
  const std::vector<int32_t>& variables() const;
  const std::vector<Output>& outputs() const;
  const std::vector<Update>& updates() const;
  /// Node index of the input or variable of that name, or -1.
  int32_t find_input(std::string_view name) const;
  int32_t find_variable(std::string_view name) const;
  /// Which of the updates is that of the node `variable`, or -1.
  int32_t find_update(int32_t variable) const;

  /// The value that `symbol` stands for. Raises Error when it is empty or of another graph; `what`
  /// names it in the message.
  ValueId id_of(const Symbol& symbol, std::string_view what) const;

  /// Appends a node: completes the attributes, infers the result types. Raises Error or ShapeError
  /// that names the op, the origin in force and the input types.
  std::vector<Symbol> add(std::string_view op, std::span<const Symbol> inputs,
                          Attributes attributes = {}, std::string name = "");
  /// The same for ops with one result.
  Symbol add1(std::string_view op, std::span<const Symbol> inputs, Attributes attributes = {},
              std::string name = "");
  Symbol add1(std::string_view op, std::initializer_list<Symbol> inputs, Attributes attributes = {},
              std::string name = "");
  /// The lowest level: returns the index of the new node.
  int32_t add_node(const OpRecord& op, std::vector<ValueId> inputs, Attributes attributes,
                   std::string name, std::shared_ptr<const Origin> origin);
  /// Node `index` of another graph on these inputs. Types are inferred again only where an input
  /// has another type than it had there.
  int32_t copy_node(const Graph& source, int32_t index, std::vector<ValueId> inputs,
                    std::shared_ptr<const Origin> origin);

  Symbol input(std::string name, ValueType type);
  Symbol variable(std::string name, ValueType type);
  /// Copies of the graph share the buffer of `value`: nobody may change it any more.
  Symbol constant(Tensor value);
  /// Raises Error for what is no value of this graph, and for a name that another output has.
  void add_output(std::string name, ValueId value);
  /// Types must be equal. A variable has at most one update. Raises Error otherwise, and for a node
  /// that is no variable of this graph.
  void add_update(int32_t variable, ValueId value);
  void clear_outputs();
  void clear_updates();
  /// Room for so many nodes.
  void reserve(int32_t nodes);

  /// The origin that new nodes get. OriginScope sets it for a while.
  const std::shared_ptr<const Origin>& origin() const { return origin_; }
  void set_origin(std::shared_ptr<const Origin> origin);
  /// Without one in force nodes get the line of the op that the user's code calls, and the name of
  /// the graph for that of a layer.
  void set_origins_of_ops(bool yes) { origins_of_ops_ = yes; }

  /// How often each value is used by nodes, outputs and updates, indexed [node][result].
  std::vector<std::vector<int32_t>> use_counts() const;
  /// For each node: does an output or update depend on it (inputs and variables always count as
  /// live).
  std::vector<bool> live_nodes() const;

 private:
  struct Content;  // in core/graph.h
  int32_t find_named(std::string_view name) const;  // an input or a variable
  const Content& content() const;
  Content& change();  // for this graph alone
  std::shared_ptr<const Origin> origin_of_op();

  std::string name_;
  std::shared_ptr<Content> content_;  // copies share it until one of them is changed; null: empty
  std::shared_ptr<const Origin> origin_;
  bool origins_of_ops_ = false;
  SourceLocation op_line_;
  std::shared_ptr<const Origin> op_origin_;  // at op_line_
  GraphAnchor anchor_;
  friend class Symbol;
};

/// A value while a graph is being built; cheap to copy. When its graph is gone, was moved or was
/// assigned another one, any use raises Error. Ops are free functions over symbols (ops/*.h).
class Symbol {
 public:
  Symbol() = default;
  Symbol(Graph* graph, ValueId id) : graph_(graph->anchor_.id(graph)), id_(id) {}
  /// Raises Error when the symbol is empty or its graph is gone.
  Graph& graph() const {
    Graph* graph = find_graph(graph_);
    if (graph == nullptr) raise_no_graph();
    return *graph;
  }
  ValueId id() const { return id_; }
  /// Is it a value at all? Its graph may be gone.
  bool valid() const { return graph_.valid(); }
  const ValueType& type() const { return graph().type(id_); }
  const Shape& shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }
  int rank() const { return shape().rank(); }

 private:
  [[noreturn]] void raise_no_graph() const;
  GraphId graph_;
  ValueId id_;
};

/// A symbol as the input of an op, with the line where it became one: that of the call, in force
/// until the statement ends (core/op_line.h). Copies, and those that the library makes, have none.
class OpInput : public Symbol {
 public:
  OpInput() = default;
#ifdef SINTER_WITHIN_LIBRARY
  OpInput(Symbol symbol) : Symbol(symbol) {}  // NOLINT
#else
  OpInput(Symbol symbol, const OpLine& line = SourceLocation::current())  // NOLINT
      : Symbol(symbol) {
    line.enter();
  }
#endif
};

/// What functions of symbols take: ops an OpInput, the user's own a Symbol.
template <typename T>
concept SymbolParameter = std::is_same_v<T, Symbol> || std::is_same_v<T, OpInput>;

}  // namespace sinter

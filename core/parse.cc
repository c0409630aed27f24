// Parsing the text form of graphs.
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "core/sizes.h"
#include "core/text.h"
#include "core/text_scanner.h"

namespace sinter {
namespace {

constexpr int kMaxNesting = 8;  // of graphs and of ops in attributes

class Parser : TextScanner {
 public:
  Parser(std::string_view text, std::span<const Tensor> constants)
      : TextScanner(text), constants_(constants) {}

  Graph parse_all() {
    if (const size_t zero = text_.find('\0'); zero != std::string_view::npos) {
      at_ = zero;
      fail("text (a name holds a zero byte as \\0)");
    }
    Graph graph = parse_graph_block(0);
    skip();
    if (at_ != text_.size()) fail("nothing after the graph");
    return graph;
  }

 private:
  using Names = std::map<std::string, int32_t, std::less<>>;

  int64_t integer() { return accept("end") ? kSliceEnd : number<int64_t>("an integer"); }
  double floating() {
    if (accept("nan")) return std::numeric_limits<double>::quiet_NaN();
    if (accept("-nan")) return -std::numeric_limits<double>::quiet_NaN();
    if (accept("inf")) return std::numeric_limits<double>::infinity();
    if (accept("-inf")) return -std::numeric_limits<double>::infinity();
    return number<double>("a number");
  }
  DType dtype() {
    skip();
    const size_t start = at_;
    const std::string name = word();
    for (DType d : kAllDTypes) {
      if (dtype_name(d) == name) return d;
    }
    at_ = start;
    fail("a dtype");
  }
  Shape shape() {
    expect("[");
    std::vector<int64_t> dims;
    while (!accept("]")) {
      if (!dims.empty()) expect(",");
      if (accept("batch")) {
        dims.push_back(kBatch);
      } else {
        const int64_t d = number<int64_t>("a dimension");
        if (d < 0) fail("a dimension of 0 or more");
        dims.push_back(d);
      }
    }
    return Shape(std::move(dims));
  }
  ValueType type() {
    const DType d = dtype();
    return {d, shape()};
  }

  void check_legal(const ValueType& type) {
    try {
      check_type(type);
    } catch (const ShapeError& error) {
      fail(fmt::format("a legal type ({})", error.what()));
    }
  }

  Tensor tensor() {
    expect("tensor<");
    const ValueType t = type();
    if (!t.shape.is_static()) fail("a static shape");
    if (accept("#")) {
      skip();
      uint64_t hash = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), hash, 16);
      if (error != std::errc()) fail("a hash");
      at_ = static_cast<size_t>(end - text_.data());
      for (const Tensor& c : constants_) {
        if (c.type() == t && hash_tensor(c) == hash) {
          expect(">");
          return c;
        }
      }
      fail("a constant that was given");
    }
    expect(">");
    // Every element takes at least one character: a huge shape cannot be made from a short text.
    check_legal(t);
    if (t.shape.elements() > static_cast<int64_t>(text_.size()))
      fail("as many values as the shape has elements");
    Tensor result(t.dtype, t.shape);
    expect("(");
    for (int64_t i = 0; i < result.elements(); ++i) {
      if (i > 0) expect(",");
      if (t.dtype == DType::kInt64) {
        result.data<int64_t>()[static_cast<size_t>(i)] = number<int64_t>("an integer");
      } else if (t.dtype == DType::kFloat32) {
        skip();
        float value = 0;
        const auto [end, error] =
            std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (error == std::errc())
          at_ = static_cast<size_t>(end - text_.data());
        else
          value = static_cast<float>(floating());
        result.data<float>()[static_cast<size_t>(i)] = value;
      } else {
        const double value = floating();
        if (!element_of(t.dtype, value)) fail(fmt::format("an element of {}", dtype_name(t.dtype)));
        result.set(i, value);
      }
    }
    expect(")");
    return result;
  }

  AttributeValue attribute(AttributeType kind, int depth) {
    switch (kind) {
      case AttributeType::kBool:
        if (accept("true")) return true;
        expect("false");
        return false;
      case AttributeType::kInt: return integer();
      case AttributeType::kFloat: return floating();
      case AttributeType::kString: return quoted();
      case AttributeType::kInts: {
        expect("[");
        std::vector<int64_t> values;
        while (!accept("]")) {
          if (!values.empty()) expect(",");
          values.push_back(integer());
        }
        return values;
      }
      case AttributeType::kShape: return shape();
      case AttributeType::kDType: return dtype();
      case AttributeType::kTensor: return tensor();
      case AttributeType::kExpr:
        return std::make_shared<const ScalarExpr>(ScalarExpr::parse(quoted()));
      case AttributeType::kGraph:
        return std::make_shared<const Graph>(parse_graph_block(depth + 1));
      case AttributeType::kOpCall: {
        const OpRecord& op = op_record();
        if (depth > kMaxNesting) fail("less nesting");
        Attributes given = attributes(op, depth + 1);
        OpCall call{op.name, nullptr};
        if (given.values().empty()) return call;
        try {
          call.attributes = std::make_shared<const Attributes>(
              complete_attributes(op.name, op.attributes, given));
        } catch (const Error& error) {
          fail(fmt::format("an op with its attributes ({})", error.what()));
        }
        return call;
      }
    }
    fail("an attribute value");
  }

  const OpRecord& op_record() {
    const size_t start = at_;
    const std::string name = word();
    const OpRecord* record = Registry::global().find(name);
    if (record != nullptr) return *record;
    at_ = start;
    const std::string nearest = nearest_name(name, Registry::global().names());
    skip();
    fail(nearest.empty() ? "a known op" : fmt::format("a known op (nearest: '{}')", nearest));
  }

  Attributes attributes(const OpRecord& op, int depth) {
    Attributes result;
    if (!accept("{")) return result;
    while (!accept("}")) {
      if (!result.values().empty()) expect(",");
      skip();
      const size_t start = at_;
      const std::string name = word();
      const AttributeSpec* spec = nullptr;
      for (const AttributeSpec& s : op.attributes) {
        if (s.name == name) spec = &s;
      }
      if (spec == nullptr) {
        at_ = start;
        fail(fmt::format("an attribute of op '{}'", op.name));
      }
      expect("=");
      result.set(name, attribute(spec->type, depth));
    }
    return result;
  }

  ValueId value(const Graph& graph, const Names& names) {
    expect("%");
    const size_t start = at_;
    const auto it = names.find(word("_/."));
    if (it == names.end()) {
      at_ = start;
      fail("a value defined above");
    }
    ValueId id{it->second, 0};
    if (text_.substr(at_, 1) == "#") {
      ++at_;
      id.result = number<int32_t>("a result number");
    }
    if (id.result < 0 || id.result >= static_cast<int32_t>(graph.node(id.node).types.size()))
      fail("a result that exists");
    return id;
  }

  std::shared_ptr<const Origin> origin() {
    if (!accept("@")) return nullptr;
    Origin o;
    o.layer = quoted();
    o.file = quoted();
    expect(":");
    o.line = number<int32_t>("a line number");
    return std::make_shared<const Origin>(std::move(o));
  }

  void node(Graph& graph, Names& names, int depth) {
    const size_t start = at_;
    const std::string label = word("_/.");
    if (names.contains(label)) {
      at_ = start;
      fail("a name that is not taken");
    }
    expect("=");
    const OpRecord& op = op_record();
    expect("(");
    std::vector<ValueId> inputs;
    while (!accept(")")) {
      if (!inputs.empty()) expect(",");
      inputs.push_back(value(graph, names));
    }
    Attributes given = attributes(op, depth);
    std::vector<ValueType> types;
    if (accept(":")) {
      if (accept("(")) {
        while (!accept(")")) {
          if (!types.empty()) expect(",");
          types.push_back(type());
        }
      } else {
        types.push_back(type());
      }
    }
    const bool source = op.kind == KernelKind::kSource && op.name != "constant";
    if (source && given.values().empty()) {
      if (types.size() != 1) fail("': ' and the type of the " + op.name);
      given = {{"dtype", types[0].dtype}, {"shape", types[0].shape}};
    }
    std::string name = peek("\"") ? quoted() : source ? label : "";
    const auto from = origin();
    int32_t index = -1;
    try {
      index = graph.add_node(op, std::move(inputs), std::move(given), std::move(name), from);
    } catch (const Error& error) {
      fail(fmt::format("a legal node ({})", error.what()));
    }
    if (!types.empty() && types != graph.node(index).types) {
      std::vector<std::string> right;
      for (const ValueType& t : graph.node(index).types) right.push_back(t.to_string());
      fail(fmt::format("the type {}", fmt::join(right, ", ")));
    }
    names[label] = index;
  }

  Graph parse_graph_block(int depth) {
    if (depth > kMaxNesting) fail("less nesting");
    expect("graph");
    Graph graph(quoted());
    expect("{");
    Names names;
    while (!accept("}")) {
      if (accept("output")) {
        std::string name = quoted();
        expect("=");
        const ValueId id = value(graph, names);
        try {
          graph.add_output(std::move(name), id);
        } catch (const Error& error) {
          fail(error.what());
        }
      } else if (accept("update")) {
        const ValueId variable = value(graph, names);
        expect("=");
        const ValueId id = value(graph, names);
        if (!graph.node(variable).is(KernelOp::kVariable)) fail("a variable to update");
        try {
          graph.add_update(variable.node, id);
        } catch (const Error& error) {
          fail(error.what());
        }
      } else {
        expect("%");
        node(graph, names, depth);
      }
    }
    return graph;
  }

  std::span<const Tensor> constants_;
};

}  // namespace

Graph parse_graph(std::string_view text, std::span<const Tensor> constants) {
  return Parser(text, constants).parse_all();
}

}  // namespace sinter

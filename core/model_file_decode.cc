// From the table of a model file to graphs, tensors and texts. FlatBuffers has verified that the
// table is one; every index, size and product in it is checked here.
#include "core/model_file_decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/model_file_format.h"
#include "core/model_generated.h"
#include "core/sizes.h"

namespace sinter {
namespace {

// Parts of a table may be referred to more than once, so a short one could say much: what is made
// of it stays within a multiple of its size. (Writers refer twice to short texts and origins only.)
constexpr uint64_t kMostForEachByte = 64;
constexpr uint64_t kMostAtLeast = uint64_t{1} << 20;

std::string text_of(const flatbuffers::String* s) {
  return s == nullptr ? std::string() : s->str();
}

template <typename T>
size_t size_of(const T* vector) {
  return vector == nullptr ? 0 : vector->size();
}

/// Element `i` of a vector of numbers or structs. The verifier aligns vectors to 4 bytes only, so
/// wider elements are copied out.
template <typename T>
T element(const flatbuffers::Vector<T>& vector, size_t i) {
  T value;
  std::memcpy(&value, vector.Data() + i * sizeof(T), sizeof value);
  return value;
}
template <typename T>
T element(const flatbuffers::Vector<const T*>& vector, size_t i) {
  std::array<unsigned char, sizeof(T)> value;
  std::memcpy(value.data(), vector.Data() + i * sizeof(T), sizeof value);
  return std::bit_cast<T>(value);
}
/// Element `i` of a vector of tables or texts.
template <typename T>
const T& element(const flatbuffers::Vector<flatbuffers::Offset<T>>& vector, size_t i) {
  return *vector.Get(static_cast<flatbuffers::uoffset_t>(i));
}

// The numbers of dtypes in files are those of DType.
static_assert(static_cast<int>(file::DType::Float32) == static_cast<int>(DType::kFloat32));
static_assert(static_cast<int>(file::DType::Float64) == static_cast<int>(DType::kFloat64));
static_assert(static_cast<int>(file::DType::Int32) == static_cast<int>(DType::kInt32));
static_assert(static_cast<int>(file::DType::Int64) == static_cast<int>(DType::kInt64));
static_assert(static_cast<int>(file::DType::Bool) == static_cast<int>(DType::kBool));
static_assert(static_cast<int>(file::DType::Uint8) == static_cast<int>(DType::kUint8));
static_assert(static_cast<int>(file::DType::BFloat16) == static_cast<int>(DType::kBFloat16));
static_assert(static_cast<int>(file::DType::Int8) == static_cast<int>(DType::kInt8));
static_assert(static_cast<int>(file::DType::Float16) == static_cast<int>(DType::kFloat16));
static_assert(static_cast<size_t>(file::DType::MAX) + 1 == std::size(kAllDTypes));

DType dtype_of_file(file::DType dtype) {
  if (dtype <= file::DType::MAX) return static_cast<DType>(dtype);
  raise_damage(fmt::format("it holds an unknown dtype ({})", static_cast<int>(dtype)));
}

Shape shape_of(const flatbuffers::Vector<int64_t>* dims, DType dtype, bool symbolic) {
  std::vector<int64_t> result;
  if (size_of(dims) > kMaxValueRank)
    raise_damage(fmt::format("it holds a shape of rank {}", dims->size()));
  for (size_t i = 0; i < size_of(dims); ++i) {
    const int64_t d = element(*dims, i);
    if (d < (symbolic ? kBatch : 0))
      raise_damage(fmt::format("it holds a shape with the dimension {}", d));
    result.push_back(d);
  }
  ValueType type{dtype, Shape(std::move(result))};
  try {
    check_type(type);
  } catch (const ShapeError& error) {
    raise_damage(fmt::format("it holds a value that is too large: {}", error.what()));
  }
  return std::move(type.shape);
}

/// The texts that `vector` lists, for numbers that the file gives by name.
std::vector<ScalarOp> scalar_ops_of(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* names,
    std::vector<std::string>& unknown) {
  std::vector<ScalarOp> result;
  for (size_t k = 0; k < size_of(names); ++k) {
    const std::string name = element(*names, k).str();
    int found = -1;
    for (int op = 0; op <= static_cast<int>(ScalarOp::kCast); ++op) {
      if (scalar_op_name(static_cast<ScalarOp>(op)) == name) found = op;
    }
    unknown.push_back(found < 0 ? name : "");
    result.push_back(static_cast<ScalarOp>(std::max(found, 0)));
  }
  return result;
}

class Decoder {
 public:
  Decoder(const file::File& root, size_t table_bytes, std::shared_ptr<const MappedFile> mapping,
          std::span<const std::byte> weights)
      : root_(root),
        mapping_(std::move(mapping)),
        weights_(weights),
        left_(std::max(kMostForEachByte * table_bytes, kMostAtLeast)) {
    scalar_ops_ = scalar_ops_of(root.scalar_ops(), unknown_scalar_ops_);
  }

  ModelFile decode() {
    ModelFile result;
    result.producer = text_of(root_.producer());
    result.kind = text_of(root_.kind());
    result.architecture = text_of(root_.architecture());
    result.compile_settings = text_of(root_.compile_settings());
    result.training_state = text_of(root_.training_state());
    std::set<std::string> names;
    for (size_t i = 0; i < size_of(root_.tensors()); ++i) {
      const file::Tensor& t = element(*root_.tensors(), i);
      const std::string name = text_of(t.name());
      if (name.empty() || !names.insert(name).second)
        raise_damage(fmt::format("it holds two tensors named '{}'", name));
      result.tensors.push_back({name, tensor(t)});
    }
    for (size_t i = 0; i < size_of(root_.constants()); ++i) {
      constants_.push_back(tensor(element(*root_.constants(), i)));
    }
    if (weights_end_ != weights_.size())
      raise_damage(fmt::format("its weight region holds {} bytes that no tensor names",
                               weights_.size() - weights_end_));
    for (size_t i = 0; i < size_of(root_.graphs()); ++i) {
      result.graphs.push_back(graph(element(*root_.graphs(), i)));
    }
    return result;
  }

 private:
  /// Before `bytes` of memory are filled from the table.
  void charge(uint64_t bytes) {
    if (bytes > left_) raise_damage("it would take much more memory than it has bytes");
    left_ -= bytes;
  }

  std::string text(const flatbuffers::String* s) {
    charge(s == nullptr ? 0 : s->size());
    return text_of(s);
  }

  Tensor tensor(const file::Tensor& t) {
    const DType dtype = dtype_of_file(t.dtype());
    charge(sizeof(Tensor));
    Shape shape = shape_of(t.shape(), dtype, false);
    const auto bytes = static_cast<uint64_t>(ValueType{dtype, shape}.bytes());
    const std::string name =
        t.name() == nullptr ? "a constant" : "tensor '" + t.name()->str() + "'";
    if (bytes != t.bytes())
      raise_damage(fmt::format("{} is {} and needs {} bytes, but has {}", name,
                               ValueType{dtype, shape}.to_string(), bytes, t.bytes()));
    // Writers lay tensors out in order, so "begins where the last one ended" also rules out that
    // two share memory.
    const uint64_t begin =
        (weights_end_ + kWeightAlignment - 1) / kWeightAlignment * kWeightAlignment;
    if (t.offset() != begin || begin > weights_.size() || bytes > weights_.size() - begin) {
      raise_damage(fmt::format("{} does not lie in the weight region", name));
    }
    weights_end_ = begin + bytes;
    const std::span<const std::byte> content = weights_.subspan(begin, bytes);
    if (hash_bytes(content) != t.hash())
      raise_damage(fmt::format("the values of {} do not match their checksum", name));
    if (dtype == DType::kBool) {
      for (std::byte b : content) {
        if (b > std::byte{1})
          raise_damage(fmt::format("{} holds a bool that is neither 0 nor 1", name));
      }
    }
    // The memory is private and writable (MappedFile::snapshot), so a tensor may be trained in
    // place.
    return Tensor(dtype, std::move(shape), const_cast<std::byte*>(content.data()), mapping_);
  }

  ScalarExpr expression(const file::Expression& e) {
    ScalarExpr result;
    charge(sizeof(ScalarExpr) + size_of(e.arguments()) + 4 * size_of(e.results()) +
           sizeof(ScalarInstruction) * size_of(e.instructions()));
    for (size_t i = 0; i < size_of(e.arguments()); ++i) {
      result.arguments.push_back(dtype_of_file(element(*e.arguments(), i)));
    }
    std::map<int32_t, int64_t> integers;
    for (size_t i = 0; i < size_of(e.integers()); ++i) {
      const file::Integer integer = element(*e.integers(), i);
      integers[integer.instruction()] = integer.value();
    }
    for (size_t i = 0; i < size_of(e.instructions()); ++i) {
      const file::Instruction in = element(*e.instructions(), i);
      if (in.op() >= scalar_ops_.size())
        raise_damage(fmt::format("a scalar expression holds the op number {}", in.op()));
      if (!unknown_scalar_ops_[in.op()].empty()) {
        raise_damage(
            fmt::format("it uses the scalar op '{}', which this version of Sinter does not know",
                        unknown_scalar_ops_[in.op()]));
      }
      const DType dtype = dtype_of_file(in.dtype());
      Number constant;
      if (scalar_ops_[in.op()] == ScalarOp::kConstant) {
        const auto integer = integers.find(static_cast<int32_t>(i));
        const Number value =
            integer == integers.end() ? Number(in.constant()) : Number(integer->second);
        const std::optional<Number> known = element_of(dtype, value);
        if (!known)
          raise_damage(
              fmt::format("a scalar expression is not legal: {}", no_element_of(dtype, value)));
        constant = *known;
      }
      result.instructions.push_back(
          {scalar_ops_[in.op()], dtype, {in.a(), in.b(), in.c()}, constant});
    }
    for (size_t i = 0; i < size_of(e.results()); ++i)
      result.results.push_back(element(*e.results(), i));
    if (const std::string fault = scalar_expr_fault(result); !fault.empty())
      raise_damage(fmt::format("a scalar expression is not legal: {}", fault));
    return result;
  }

  template <typename Vector>
  Attributes attributes(const Vector* list) {
    constexpr size_t kMost = 64;  // of an op
    if (size_of(list) > kMost) raise_damage(fmt::format("an op has {} attributes", list->size()));
    Attributes result;
    for (size_t i = 0; i < size_of(list); ++i) {
      const file::Attribute& a = element(*list, i);
      charge(sizeof(AttributeValue));
      const std::string name = text(a.name());
      if (result.contains(name))
        raise_damage(fmt::format("the attribute '{}' is given twice", name));
      result.set(name, value(name, a));
    }
    return result;
  }

  AttributeValue value(const std::string& name, const file::Attribute& a) {
    switch (a.type()) {
      case file::AttributeType::Bool: return a.integer() != 0;
      case file::AttributeType::Int: return a.integer();
      case file::AttributeType::Float:
        if (!a.number().has_value()) break;
        return *a.number();
      case file::AttributeType::String: return text(a.text());
      case file::AttributeType::Ints:
        if (a.integers() == nullptr) break;
        return integers(*a.integers());
      case file::AttributeType::Shape: return shape_of(a.integers(), DType::kBool, true);
      case file::AttributeType::DType:
        if (a.integer() < 0 || a.integer() > 255) break;
        return dtype_of_file(static_cast<file::DType>(a.integer()));
      case file::AttributeType::Tensor:
        if (a.integer() < 0 || static_cast<uint64_t>(a.integer()) >= constants_.size()) break;
        return constants_[static_cast<size_t>(a.integer())];
      case file::AttributeType::Expression:
        if (a.expression() == nullptr) break;
        return std::make_shared<const ScalarExpr>(expression(*a.expression()));
      case file::AttributeType::Graph:
        if (a.graph() == nullptr) break;
        return std::make_shared<const Graph>(graph(*a.graph()));
      case file::AttributeType::OpCall: return op_call(a);
    }
    raise_damage(fmt::format("the attribute '{}' has no value of its type", name));
  }

  OpCall op_call(const file::Attribute& a) {
    OpCall call{text(a.text()), nullptr};
    const Attributes given = attributes(a.attributes());
    const OpRecord& op = record(call.op);
    if (!given.values().empty()) {
      call.attributes =
          std::make_shared<const Attributes>(complete_attributes(call.op, op.attributes, given));
    }
    return call;
  }

  std::vector<int64_t> integers(const flatbuffers::Vector<int64_t>& list) {
    charge(sizeof(int64_t) * list.size());
    std::vector<int64_t> result;
    for (size_t i = 0; i < list.size(); ++i) result.push_back(element(list, i));
    return result;
  }

  std::shared_ptr<const Origin> origin(const file::Origin* o) {
    if (o == nullptr) return nullptr;
    std::shared_ptr<const Origin>& known = origins_[o];
    if (!known)
      known = std::make_shared<const Origin>(Origin{text(o->layer()), text(o->file()), o->line()});
    return known;
  }

  static const OpRecord& record(const std::string& op) {
    if (const OpRecord* record = Registry::global().find(op)) return *record;
    const std::string near = nearest_name(op, Registry::global().names());
    raise_damage(fmt::format("it uses the op '{}', which this program does not know{}", op,
                             near.empty() ? "" : " (the nearest it knows is '" + near + "')"));
  }

  void add_node(Graph& graph, const file::Node& n) {
    const std::string op = text(n.op());
    charge(sizeof(Node) + sizeof(ValueId) * size_of(n.inputs()) +
           sizeof(ValueType) * n.types()->size());
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < size_of(n.inputs()); ++i) {
      const file::ValueId id = element(*n.inputs(), i);
      inputs.push_back(checked(graph, id.node(), id.result()));
    }
    const int32_t index = graph.add_node(record(op), std::move(inputs), attributes(n.attributes()),
                                         text(n.name()), origin(n.origin()));
    const std::vector<ValueType>& types = graph.node(index).types;
    if (types.size() != n.types()->size())
      raise_damage(fmt::format("op '{}' has {} results, but {} are stored", op, types.size(),
                               n.types()->size()));
    for (size_t r = 0; r < types.size(); ++r) {
      const file::Type& stored = element(*n.types(), r);
      const DType dtype = dtype_of_file(stored.dtype());
      if (types[r] != ValueType{dtype, shape_of(stored.shape(), dtype, true)}) {
        raise_damage(fmt::format("result {} of op '{}' is {}, which is not the type that is stored",
                                 r, op, types[r].to_string()));
      }
    }
  }

  static ValueId checked(const Graph& graph, int32_t node, int32_t result) {
    if (node < 0 || node >= graph.size() || result < 0 ||
        result >= static_cast<int32_t>(graph.node(node).types.size())) {
      raise_damage(fmt::format("graph '{}' refers to a value that does not exist ({}:{})",
                               graph.name(), node, result));
    }
    return {node, result};
  }

  Graph graph(const file::Graph& g) {
    charge(sizeof(Graph) + sizeof(Graph::Output) * size_of(g.outputs()) +
           sizeof(Graph::Update) * size_of(g.updates()));
    Graph result(text(g.name()));
    for (size_t i = 0; i < size_of(g.nodes()); ++i) {
      try {
        add_node(result, element(*g.nodes(), i));
      } catch (const std::runtime_error& error) {  // Error and what shape rules may raise for
                                                   // attributes no program would write
        raise_damage(fmt::format("node {} of graph '{}': {}", i, result.name(), error.what()));
      } catch (const std::logic_error& error) {
        raise_damage(
            fmt::format("node {} of graph '{}' is not legal: {}", i, result.name(), error.what()));
      }
    }
    for (size_t i = 0; i < size_of(g.outputs()); ++i) {
      const file::Output& o = element(*g.outputs(), i);
      add([&] { result.add_output(text(o.name()), checked(result, o.node(), o.result())); });
    }
    for (size_t i = 0; i < size_of(g.updates()); ++i) {
      const file::Update u = element(*g.updates(), i);
      if (!result.node(checked(result, u.variable(), 0)).is(KernelOp::kVariable))
        raise_damage(fmt::format("graph '{}' updates what is no variable", result.name()));
      add([&] { result.add_update(u.variable(), checked(result, u.node(), u.result())); });
    }
    return result;
  }

  /// Outputs and updates that the graph refuses.
  template <typename F>
  static void add(F&& one) {
    try {
      one();
    } catch (const Error& error) {
      raise_damage(error.what());
    }
  }

  const file::File& root_;
  std::shared_ptr<const MappedFile> mapping_;
  std::span<const std::byte> weights_;
  uint64_t left_;  // what may still be charged
  uint64_t weights_end_ = 0;
  std::vector<ScalarOp> scalar_ops_;
  std::vector<std::string> unknown_scalar_ops_;
  std::vector<Tensor> constants_;
  std::map<const file::Origin*, std::shared_ptr<const Origin>> origins_;
};

}  // namespace

void raise_damage(std::string what) { throw ModelFileDamage{std::move(what)}; }

ModelFile decode_model_table(const file::File& table, size_t table_bytes,
                             std::shared_ptr<const MappedFile> mapping,
                             std::span<const std::byte> weights) {
  return Decoder(table, table_bytes, std::move(mapping), weights).decode();
}

}  // namespace sinter

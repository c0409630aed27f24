// Writes .sinter files: the graphs become FlatBuffers tables, attributes by one encoding, tensors
// go to the weight region.
#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "core/error.h"
#include "core/file_io.h"
#include "core/line.h"
#include "core/model_file.h"
#include "core/model_file_format.h"
#include "core/model_generated.h"

namespace sinter {
namespace {

static_assert(std::endian::native == std::endian::little, "the weight region is little-endian");

template <typename T>
using Offset = flatbuffers::Offset<T>;
template <typename T>
using Offsets = std::vector<Offset<T>>;

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.raw()), static_cast<size_t>(tensor.bytes())};
}

file::DType file_dtype(DType dtype) { return static_cast<file::DType>(dtype); }

class Encoder {
 public:
  /// The finished table; `region` then lists the tensors of the weight region in order.
  std::span<const std::byte> encode(const ModelFile& file) {
    Offsets<file::Graph> graphs;
    for (const Graph& g : file.graphs) graphs.push_back(graph(g));
    Offsets<file::Tensor> tensors;
    for (const NamedTensor& t : file.tensors) tensors.push_back(tensor(t.name, t.tensor));
    Offsets<file::Tensor> constants;
    for (const Tensor& t : constants_) constants.push_back(tensor("", t));
    std::vector<std::string> scalar_ops;
    for (int op = 0; op <= static_cast<int>(ScalarOp::kCast); ++op) {
      scalar_ops.emplace_back(scalar_op_name(static_cast<ScalarOp>(op)));
    }
    const auto text = [&](const std::string& s) {
      return s.empty() ? Offset<flatbuffers::String>() : builder_.CreateString(s);
    };
    const auto root = file::CreateFile(
        builder_, builder_.CreateString("sinter " SINTER_VERSION), builder_.CreateString(file.kind),
        builder_.CreateVectorOfStrings(scalar_ops), builder_.CreateVector(graphs),
        builder_.CreateVector(tensors), builder_.CreateVector(constants), text(file.architecture),
        text(file.compile_settings), text(file.training_state));
    file::FinishFileBuffer(builder_, root);
    return std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()));
  }

  const std::vector<Tensor>& region() const { return region_; }
  uint64_t region_bytes() const { return region_bytes_; }

 private:
  Offset<file::Tensor> tensor(const std::string& name, const Tensor& t) {
    region_bytes_ = (region_bytes_ + kWeightAlignment - 1) / kWeightAlignment * kWeightAlignment;
    const uint64_t offset = region_bytes_;
    region_bytes_ += static_cast<uint64_t>(t.bytes());
    region_.push_back(t);
    return file::CreateTensor(
        builder_, name.empty() ? Offset<flatbuffers::String>() : builder_.CreateString(name),
        file_dtype(t.dtype()), builder_.CreateVector(t.shape().dims()), offset,
        static_cast<uint64_t>(t.bytes()), hash_bytes(bytes_of(t)));
  }

  // Graphs share the buffers of their constants; so does the file.
  int64_t constant(const Tensor& t) {
    const auto [it, added] =
        constant_index_.try_emplace({t.raw(), t.type().to_string()}, constants_.size());
    if (added) constants_.push_back(t);
    return static_cast<int64_t>(it->second);
  }

  // Readers make each text as often as it is referred to.
  Offset<flatbuffers::String> shared_text(const std::string& s) {
    constexpr size_t kLongestShared = 255;
    return s.size() <= kLongestShared ? builder_.CreateSharedString(s) : builder_.CreateString(s);
  }

  Offset<file::Type> type(const ValueType& t) {
    return file::CreateType(builder_, file_dtype(t.dtype), builder_.CreateVector(t.shape.dims()));
  }

  Offset<file::Expression> expression(const ScalarExpr& expr) {
    std::vector<file::DType> arguments;
    for (DType d : expr.arguments) arguments.push_back(file_dtype(d));
    std::vector<file::Instruction> instructions;
    std::vector<file::Integer> integers;
    for (const ScalarInstruction& i : expr.instructions) {
      double constant = i.constant.as_double();
      if (!i.constant.is_floating() && element_of(DType::kInt64, constant) != i.constant) {
        integers.emplace_back(i.constant.as_integer(), static_cast<int32_t>(instructions.size()));
        constant = std::numeric_limits<double>::quiet_NaN();  // versions before refuse it
      }
      instructions.emplace_back(constant, static_cast<uint16_t>(i.op), file_dtype(i.dtype),
                                i.operands[0], i.operands[1], i.operands[2]);
    }
    return file::CreateExpression(builder_, builder_.CreateVector(arguments),
                                  builder_.CreateVectorOfStructs(instructions),
                                  builder_.CreateVector(expr.results),
                                  integers.empty() ? 0 : builder_.CreateVectorOfStructs(integers));
  }

  Offsets<file::Attribute> attributes(const Attributes& attributes) {
    Offsets<file::Attribute> result;
    for (const auto& [name, value] : attributes.values()) result.push_back(attribute(name, value));
    return result;
  }

  Offset<file::Attribute> attribute(const std::string& name, const AttributeValue& value) {
    // Whatever the value refers to must be in the buffer before its own table is begun.
    Offset<flatbuffers::String> text;
    Offset<flatbuffers::Vector<int64_t>> integers;
    Offset<file::Expression> expr;
    Offset<file::Graph> region;
    Offset<flatbuffers::Vector<Offset<file::Attribute>>> nested;
    int64_t integer = 0;
    flatbuffers::Optional<double> number = flatbuffers::nullopt;
    const auto type = static_cast<AttributeType>(value.index());
    switch (type) {
      case AttributeType::kBool: integer = std::get<bool>(value) ? 1 : 0; break;
      case AttributeType::kInt: integer = std::get<int64_t>(value); break;
      case AttributeType::kFloat: number = std::get<double>(value); break;
      case AttributeType::kString: text = shared_text(std::get<std::string>(value)); break;
      case AttributeType::kInts:
        integers = builder_.CreateVector(std::get<std::vector<int64_t>>(value));
        break;
      case AttributeType::kShape:
        integers = builder_.CreateVector(std::get<Shape>(value).dims());
        break;
      case AttributeType::kDType:
        integer = static_cast<int64_t>(file_dtype(std::get<DType>(value)));
        break;
      case AttributeType::kTensor: integer = constant(std::get<Tensor>(value)); break;
      case AttributeType::kExpr:
        expr = expression(*std::get<std::shared_ptr<const ScalarExpr>>(value));
        break;
      case AttributeType::kGraph:
        region = graph(*std::get<std::shared_ptr<const Graph>>(value));
        break;
      case AttributeType::kOpCall: {
        const OpCall& call = std::get<OpCall>(value);
        text = shared_text(call.op);
        if (call.attributes) nested = builder_.CreateVector(attributes(*call.attributes));
        break;
      }
    }
    // The numbers of AttributeType in the file are those of this version; a later reorder must map
    // them.
    return file::CreateAttribute(builder_, shared_text(name),
                                 static_cast<file::AttributeType>(type), integer, number, text,
                                 integers, expr, region, nested);
  }

  Offset<file::Origin> origin(const std::shared_ptr<const Origin>& origin) {
    if (!origin) return {};
    Offset<file::Origin>& known = origins_[origin.get()];
    if (known.IsNull()) {
      known = file::CreateOrigin(builder_, shared_text(origin->layer), shared_text(origin->file),
                                 origin->line);
    }
    return known;
  }

  Offset<file::Node> node(const Node& n) {
    std::vector<file::ValueId> inputs;
    for (ValueId id : n.inputs) inputs.emplace_back(id.node, id.result);
    Offsets<file::Type> types;
    for (const ValueType& t : n.types) types.push_back(type(t));
    const auto name = n.name.empty() ? Offset<flatbuffers::String>() : shared_text(n.name);
    const auto list = attributes(n.attributes);
    return file::CreateNode(builder_, shared_text(n.op->name), name,
                            builder_.CreateVectorOfStructs(inputs), builder_.CreateVector(list),
                            builder_.CreateVector(types), origin(n.origin));
  }

  Offset<file::Graph> graph(const Graph& g) {
    Offsets<file::Node> nodes;
    for (const Node& n : g.nodes()) nodes.push_back(node(n));
    Offsets<file::Output> outputs;
    for (const Graph::Output& o : g.outputs()) {
      outputs.push_back(file::CreateOutput(builder_, builder_.CreateString(o.name), o.value.node,
                                           o.value.result));
    }
    std::vector<file::Update> updates;
    for (const Graph::Update& u : g.updates())
      updates.emplace_back(u.variable, u.value.node, u.value.result);
    return file::CreateGraph(builder_, builder_.CreateString(g.name()),
                             builder_.CreateVector(nodes), builder_.CreateVector(outputs),
                             builder_.CreateVectorOfStructs(updates));
  }

  flatbuffers::FlatBufferBuilder builder_{1 << 16};
  std::vector<Tensor> region_;
  uint64_t region_bytes_ = 0;
  std::vector<Tensor> constants_;
  std::map<std::pair<const void*, std::string>, size_t> constant_index_;
  std::map<const Origin*, Offset<file::Origin>> origins_;
};

}  // namespace

void save_model_file(const std::string& path, const ModelFile& file, SourceLocation where) {
  at_line(where, [&] {
    std::set<std::string_view> names;
    for (const NamedTensor& t : file.tensors) {
      if (t.name.empty() || !names.insert(t.name).second)
        throw Error(fmt::format("a model file needs names that differ: tensor '{}'", t.name));
    }
    Encoder encoder;
    const std::span<const std::byte> table = encoder.encode(file);
    ModelFileHeader header{};
    std::memcpy(header.magic, ModelFileHeader::kMagic, sizeof header.magic);
    header.version = kModelFileVersion;
    header.header_bytes = sizeof header;
    header.table_bytes = table.size();
    header.weights_offset =
        (sizeof header + table.size() + kWeightAlignment - 1) / kWeightAlignment * kWeightAlignment;
    header.weights_bytes = encoder.region_bytes();
    header.table_hash = hash_bytes(table);
    header.header_hash = header.computed_hash();
    AtomicFile out(path);
    out.write(&header, sizeof header);
    out.write(table);
    out.align(kWeightAlignment);
    for (const Tensor& t : encoder.region()) {
      out.align(kWeightAlignment);
      out.write(bytes_of(t));
    }
    out.commit();
  });
}

}  // namespace sinter

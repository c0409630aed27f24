// Through the object API of FlatBuffers: the table becomes objects, some of their fields change,
// and they become a table again.
#include <fmt/format.h>

#include <cstring>
#include <functional>
#include <regex>

#include "core/error.h"
#include "core/file_io.h"
#include "core/graph.h"
#include "core/model_file.h"
#include "core/model_file_format.h"
#include "core/model_generated.h"
#include "core/op_record.h"
#include "tests/fuzz/files/mutate.h"

namespace sinter::fuzz_files {
namespace {

// Every field of a table as something that can be changed.
class Fields {
 public:
  explicit Fields(Choices& choices) : choices_(choices) {}

  void collect(file::FileT& f) {
    list(f.scalar_ops);
    for (std::string& s : f.scalar_ops) text(s);
    list(f.graphs);
    for (auto& g : f.graphs) collect(*g);
    list(f.tensors);
    list(f.constants);
    for (auto* tensors : {&f.tensors, &f.constants}) {
      for (auto& t : *tensors) {
        text(t->name);
        one_of(t->dtype, 8);
        numbers(t->shape);
        number(t->offset);
        number(t->bytes);
      }
    }
    text(f.kind);
    text(f.architecture);
  }

  void change() {
    if (!changes_.empty()) choices_.of(changes_)();
  }

 private:
  void add(std::function<void()> change) { changes_.push_back(std::move(change)); }

  template <typename T>
  void number(T& field) {
    add([&] { field = static_cast<T>(choices_.number(static_cast<int64_t>(field))); });
  }
  void numbers(std::vector<int64_t>& field) {
    list(field);
    for (int64_t& n : field) number(n);
  }
  template <typename T>
  void one_of(T& field, int count) {
    add([&, count] { field = static_cast<T>(choices_.below(static_cast<size_t>(count) + 1)); });
  }
  void text(std::string& field) {
    add([&] {
      static const std::vector<std::string> names = Registry::global().names();
      static const std::vector<std::string> others = {"",
                                                      "x",
                                                      "kind",
                                                      "body",
                                                      "axes",
                                                      "axis",
                                                      "shape",
                                                      "sum",
                                                      "map",
                                                      "reduce",
                                                      "contract",
                                                      "a\"b",
                                                      "a\nb",
                                                      "0",
                                                      "1x",
                                                      "argmax",
                                                      std::string("a\0b", 3),
                                                      std::string(300, 'n')};
      field = choices_.one_in(2) ? choices_.of(names) : choices_.of(others);
    });
  }
  template <typename T>
  static T copy_of(const T& value) {
    return value;
  }
  template <typename T>
  static std::unique_ptr<T> copy_of(const std::unique_ptr<T>& value) {
    return std::make_unique<T>(*value);
  }
  template <typename T>
  void list(std::vector<T>& field) {
    add([&] {
      const size_t kind = choices_.below(5), at = choices_.below(field.size());
      const auto place = field.begin() + static_cast<std::ptrdiff_t>(at);
      if (field.empty()) {
        if constexpr (std::is_arithmetic_v<T>) field.push_back(static_cast<T>(choices_.number(0)));
      } else if (kind == 0) {
        field.erase(place);
      } else if (kind == 1) {
        std::swap(field[at], field[choices_.below(field.size())]);
      } else if (kind == 2) {
        field.resize(at);
      } else if (kind == 3) {
        T more = copy_of(field[at]);
        field.insert(field.begin() + static_cast<std::ptrdiff_t>(choices_.below(field.size() + 1)),
                     std::move(more));
      } else {
        for (size_t n = choices_.below(20); n > 0; --n) field.push_back(copy_of(field[at]));
      }
    });
  }
  template <typename T>
  void graft(std::unique_ptr<T>& field, std::vector<std::unique_ptr<T>*>& all) {
    all.push_back(&field);
    add([&] {
      const std::unique_ptr<T>& other = *choices_.of(all);
      field = other == nullptr || choices_.one_in(4) ? nullptr : copy_of(other);
    });
  }

  void value_id(file::ValueId& id) {
    add([&] {
      id = choices_.one_in(2)
               ? file::ValueId(static_cast<int32_t>(choices_.number(id.node())), id.result())
               : file::ValueId(id.node(), static_cast<int32_t>(choices_.number(id.result())));
    });
  }

  void collect(file::ExpressionT& e) {
    list(e.arguments);
    for (size_t i = 0; i < e.arguments.size(); ++i)
      add([&, i] { e.arguments[i] = static_cast<file::DType>(choices_.below(8)); });
    list(e.instructions);
    for (file::Instruction& in : e.instructions) {
      add([&] {
        double constant = in.constant();
        uint16_t op = in.op();
        file::DType dtype = in.dtype();
        int32_t operand[] = {in.a(), in.b(), in.c()};
        switch (choices_.below(6)) {
          case 0: constant = static_cast<double>(choices_.number(1)); break;
          case 1: op = static_cast<uint16_t>(choices_.below(34)); break;
          case 2: dtype = static_cast<file::DType>(choices_.below(8)); break;
          default: {
            int32_t& one = operand[choices_.below(3)];
            one = static_cast<int32_t>(choices_.number(one));
          }
        }
        in = file::Instruction(constant, op, dtype, operand[0], operand[1], operand[2]);
      });
    }
    list(e.results);
    for (int32_t& r : e.results) number(r);
  }

  void collect(file::AttributeT& a) {
    text(a.name);
    one_of(a.type, 11);
    number(a.integer);
    add([&] {
      a.number = choices_.one_in(3)
                     ? flatbuffers::Optional<double>()
                     : flatbuffers::Optional<double>(static_cast<double>(choices_.number(0)) / 2);
    });
    text(a.text);
    numbers(a.integers);
    graft(a.expression, expressions_);
    if (a.expression) collect(*a.expression);
    graft(a.graph, graphs_);
    if (a.graph) collect(*a.graph);
    list(a.attributes);
    for (auto& inner : a.attributes) collect(*inner);
  }

  void collect(file::GraphT& g) {
    text(g.name);
    list(g.nodes);
    for (auto& node : g.nodes) {
      text(node->op);
      text(node->name);
      list(node->inputs);
      for (file::ValueId& id : node->inputs) value_id(id);
      list(node->attributes);
      for (auto& a : node->attributes) collect(*a);
      list(node->types);
      for (auto& t : node->types) {
        one_of(t->dtype, 8);
        numbers(t->shape);
      }
    }
    list(g.outputs);
    for (auto& o : g.outputs) {
      text(o->name);
      number(o->node);
      number(o->result);
    }
    list(g.updates);
    for (file::Update& u : g.updates) {
      add([&] {
        u = file::Update(static_cast<int32_t>(choices_.number(u.variable())),
                         static_cast<int32_t>(choices_.number(u.node())), u.result());
      });
    }
  }

  Choices& choices_;
  std::vector<std::function<void()>> changes_;
  std::vector<std::unique_ptr<file::ExpressionT>*> expressions_;
  std::vector<std::unique_ptr<file::GraphT>*> graphs_;
};

int64_t element_bytes(file::DType dtype) {
  constexpr int64_t kBytes[] = {4, 8, 4, 8, 1, 1, 2};
  const auto index = static_cast<size_t>(dtype);
  return index < std::size(kBytes) ? kBytes[index] : 1;
}

// Tensors one after the other in a region of ones and zeros (legal for every dtype); false when one
// of them would be large.
bool lay_out(file::FileT& f, std::string& region) {
  for (auto* tensors : {&f.tensors, &f.constants}) {
    for (auto& t : *tensors) {
      int64_t bytes = element_bytes(t->dtype);
      for (int64_t d : t->shape) {
        if (d < 0 || __builtin_mul_overflow(bytes, d, &bytes) || bytes > (1 << 16)) return false;
      }
      region.resize((region.size() + kWeightAlignment - 1) / kWeightAlignment * kWeightAlignment);
      t->offset = region.size();
      t->bytes = static_cast<uint64_t>(bytes);
      std::string content(static_cast<size_t>(bytes), '\0');
      for (size_t i = 0; i < content.size(); i += 3) content[i] = 1;
      t->hash = hash_bytes(std::as_bytes(std::span(content)));
      region += content;
    }
  }
  return true;
}

std::string bytes_of(const file::FileT& f, const std::string& region) {
  flatbuffers::FlatBufferBuilder builder;
  file::FinishFileBuffer(builder, file::CreateFile(builder, &f));
  std::string result(sizeof(ModelFileHeader), '\0');
  result.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  ModelFileHeader header{};
  std::memcpy(header.magic, ModelFileHeader::kMagic, sizeof header.magic);
  header.version = kModelFileVersion;
  header.header_bytes = sizeof header;
  header.table_bytes = builder.GetSize();
  header.weights_offset =
      (result.size() + kWeightAlignment - 1) / kWeightAlignment * kWeightAlignment;
  header.weights_bytes = region.size();
  header.table_hash =
      hash_bytes(std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize())));
  header.header_hash = header.computed_hash();
  std::memcpy(result.data(), &header, sizeof header);
  result.resize(header.weights_offset);
  return result + region;
}

// The type that an error text names, or false.
bool read_type(const std::string& text, file::TypeT& type) {
  const size_t bracket = text.find('[');
  if (bracket == std::string::npos) return false;
  const std::string name = text.substr(0, bracket);
  static const char* const names[] = {"float32", "float64", "int32",   "int64",
                                      "bool",    "uint8",   "bfloat16"};
  bool known = false;
  for (size_t i = 0; i < std::size(names); ++i) {
    if (name == names[i]) type.dtype = static_cast<file::DType>(i), known = true;
  }
  type.shape.clear();
  static const std::regex dimension("batch|[0-9]+");
  for (std::sregex_iterator it(text.begin() + static_cast<std::ptrdiff_t>(bracket), text.end(),
                               dimension);
       it != std::sregex_iterator(); ++it)
    type.shape.push_back(it->str() == "batch" ? -1 : std::stoll(it->str()));
  return known;
}

// Mends the stored type that loading complains about; false when it complains about another thing.
bool mend_type(file::FileT& f, const std::string& error) {
  static const std::regex node_text("node ([0-9]+) of graph");
  static const std::regex type_text(
      "result ([0-9]+) of op '[^']*' is ([a-z0-9]+\\[[^\\]]*\\]), which");
  static const std::regex count_text("has ([0-9]+) results, but");
  std::smatch type, count;
  const bool wrong_type = std::regex_search(error, type, type_text);
  const bool wrong_count = !wrong_type && std::regex_search(error, count, count_text);
  if (!wrong_type && !wrong_count) return false;
  std::vector<size_t> path;
  for (std::sregex_iterator it(error.begin(), error.end(), node_text); it != std::sregex_iterator();
       ++it)
    path.push_back(std::stoul((*it)[1]));
  // Of several graphs the error does not name the first one by number: try each.
  for (auto& top : f.graphs) {
    file::GraphT* graph = top.get();
    file::NodeT* node = nullptr;
    for (size_t step : path) {
      if (graph == nullptr || step >= graph->nodes.size()) return false;
      node = graph->nodes[step].get();
      graph = nullptr;
      for (auto& a : node->attributes) {
        if (a->graph) graph = a->graph.get();
      }
    }
    if (node == nullptr) return false;
    if (wrong_count) {
      const size_t wanted = std::stoul(count[1]);
      if (wanted > 64) return false;
      while (node->types.size() < wanted) node->types.push_back(std::make_unique<file::TypeT>());
      node->types.resize(wanted);
      return true;
    }
    const size_t result = std::stoul(type[1]);
    if (result < node->types.size() && read_type(type[2], *node->types[result])) return true;
  }
  return false;
}

}  // namespace

std::string mutated_model_file(std::string_view bytes, Choices& choices, const std::string& path) {
  ModelFileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::unique_ptr<file::FileT> f = file::UnPackFile(bytes.data() + sizeof header);
  const size_t count = 1 + choices.below(4);
  for (size_t i = 0; i < count; ++i) {
    Fields fields(choices);
    fields.collect(*f);
    fields.change();
  }
  std::string region;
  if (choices.one_in(20) || !lay_out(*f, region)) region = bytes.substr(header.weights_offset);
  std::string result = bytes_of(*f, region);
  for (int mended = 0; !path.empty() && mended < 12; ++mended) {
    write_file_atomically(path, result, false);
    try {
      load_model_file(path);
      break;
    } catch (const FileError& error) {
      if (!mend_type(*f, error.what())) break;
      result = bytes_of(*f, region);
    } catch (const std::exception&) {
      break;  // for who asked
    }
  }
  return result;
}

}  // namespace sinter::fuzz_files

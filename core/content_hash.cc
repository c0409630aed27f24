#include "core/content_hash.h"

#include <bit>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/graph.h"
#include "core/hash.h"

namespace sinter {
namespace {

class Hasher {
 public:
  uint64_t hash() const { return hash_; }

  void add(uint64_t word) { hash_ = hash_word(hash_, word); }
  void add(const std::string& text) { add(std::hash<std::string>()(text)); }
  void add(const Number& number) {
    add(static_cast<uint64_t>(number.kind()));
    add(number.is_floating() ? std::bit_cast<uint64_t>(number.as_double())
                             : static_cast<uint64_t>(number.as_integer()));
  }
  void add(const Shape& shape) {
    for (const int64_t d : shape) add(static_cast<uint64_t>(d));
  }

  void add(const Attributes& attributes) {
    for (const auto& [name, value] : attributes.values()) {
      add(name);
      std::visit([&](const auto& v) { add_value(v); }, value);
    }
  }

 private:
  template <typename T>
  void add_value(const T& value) {
    if constexpr (std::is_same_v<T, double>) {
      add(std::bit_cast<uint64_t>(value));
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Shape>) {
      add(value);
    } else {
      add(static_cast<uint64_t>(value));
    }
  }
  void add_value(const std::vector<int64_t>& values) {
    for (const int64_t v : values) add(static_cast<uint64_t>(v));
  }
  void add_value(const Tensor& tensor) {
    add(static_cast<uint64_t>(tensor.dtype()));
    add(tensor.shape());
    if (tensor.bytes() == 0) return;
    add(hash_bytes(
        {static_cast<const std::byte*>(tensor.raw()), static_cast<size_t>(tensor.bytes())}));
  }
  void add_value(const std::shared_ptr<const ScalarExpr>& expr) { add(tree_hash(*expr)); }
  void add_value(const std::shared_ptr<const Graph>& graph) {
    for (const Node& node : graph->nodes()) {
      add(std::bit_cast<uintptr_t>(node.op));
      for (const ValueId id : node.inputs)
        add(static_cast<uint64_t>(id.node) << 8 | static_cast<uint64_t>(id.result));
      add(node.attributes);
    }
  }
  void add_value(const OpCall& call) {
    add(call.op);
    if (call.attributes) add(*call.attributes);
  }

  // Of the trees under the results, since the order of instructions does not matter.
  static uint64_t tree_hash(const ScalarExpr& expr) {
    std::vector<uint64_t> of;
    for (const ScalarInstruction& i : expr.instructions) {
      Hasher own;
      own.add(static_cast<uint64_t>(i.op) << 8 | static_cast<uint64_t>(i.dtype));
      own.add(i.constant);
      for (const int32_t o : i.operands) {
        if (i.op == ScalarOp::kArgument)
          own.add(static_cast<uint64_t>(o));
        else if (o >= 0)
          own.add(of[static_cast<size_t>(o)]);
      }
      of.push_back(own.hash());
    }
    Hasher all;
    for (const DType d : expr.arguments) all.add(static_cast<uint64_t>(d));
    for (const int32_t r : expr.results) all.add(of[static_cast<size_t>(r)]);
    return all.hash();
  }

  uint64_t hash_ = 0;
};

}  // namespace

uint64_t content_hash(const Attributes& attributes) {
  Hasher hasher;
  hasher.add(attributes);
  return hasher.hash();
}

}  // namespace sinter

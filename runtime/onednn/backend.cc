// The onednn backend: which nodes oneDNN may run. What runs them is the plugin.
#include <fmt/format.h>

#include <map>

#include "core/error.h"
#include "core/fork.h"
#include "core/prologue.h"
#include "core/text.h"
#include "runtime/backend.h"
#include "runtime/onednn/costs.h"
#include "runtime/onednn/plugin.h"

namespace sinter {
namespace onednn {
namespace {

// What oneDNN is never asked: told without the plugin.
std::string why_never(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  std::vector<ValueType> types = n.types;
  for (ValueId id : n.inputs) types.push_back(graph.type(id));
  for (const ValueType& t : types) {
    if (t.dtype != DType::kFloat32)
      return fmt::format("oneDNN is used for float32 only, found {}", dtype_name(t.dtype));
    if (!t.shape.is_static()) return "the shape is symbolic";
  }
  return "";
}

Attempt attempt(const Graph& graph, int32_t node) {
  if (std::string reason = why_never(graph, node); !reason.empty())
    return {nullptr, std::move(reason)};
  return plugin().make(graph, node, Registry::global());
}

// All that a kernel depends on.
std::string key_of(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  std::string key = node.op->name + attributes_to_text(*node.op, node.attributes);
  for (ValueId input : node.inputs)
    key += fmt::format(" {}{}", graph.type(input).to_string(),
                       is_frozen(graph, input) ? " frozen" : "");
  return key;
}

// Whether oneDNN can run a node shows when its primitives are made. The passes ask, the choice of a
// backend asks, assembly asks, and then the kernel is wanted: what was made for the first question
// waits here for the last.
class Attempts {
 public:
  std::string why_not(const Graph& graph, int32_t node) {
    const std::string key = key_of(graph, node);
    const std::lock_guard lock(mutex_);
    if (const auto it = known_.find(key); it != known_.end()) return it->second.reason;
    if (known_.size() >= kMost) known_.clear();
    return known_.emplace(key, attempt(graph, node)).first->second.reason;
  }

  std::unique_ptr<Kernel> take(const Graph& graph, int32_t node) {
    {
      const std::lock_guard lock(mutex_);
      const auto it = known_.find(key_of(graph, node));
      if (it != known_.end() && it->second.kernel != nullptr) return std::move(it->second.kernel);
    }
    Attempt made = attempt(graph, node);
    SINTER_CHECK(made.kernel != nullptr, made.reason);
    return std::move(made.kernel);
  }

 private:
  static constexpr size_t kMost = 64;
  ForkMutex mutex_;
  std::map<std::string, Attempt> known_;  // the kernel is null once it was taken
};

bool is_pointwise(const Node& node) {
  return node.op->is_elementwise() || node.is(KernelOp::kMap) || node.is(KernelOp::kBroadcast);
}

// An elementwise op beside others is better off in a fused kernel, which oneDNN has not.
bool stands_alone(const Graph& graph, int32_t index) {
  for (ValueId id : graph.node(index).inputs) {
    if (is_pointwise(graph.node(id))) return false;
  }
  for (const Node& other : graph.nodes()) {
    if (!is_pointwise(other)) continue;
    for (ValueId id : other.inputs) {
      if (id.node == index) return false;
    }
  }
  return true;
}

class OneDnnBackend final : public Backend {
 public:
  std::string_view name() const override { return "onednn"; }
  std::string version() const override { return plugin().library(); }
  std::string missing() const override {
    static const std::string why = [] {
      try {
        plugin();
        return std::string();
      } catch (const Error& error) {
        return std::string(error.what());
      }
    }();
    return why;
  }
  // The backend that runs the rest fuses.
  Target target() const override { return {.name = "onednn", .fuses_elementwise = true}; }
  std::string why_not(const Graph& graph, int32_t node) const override {
    return attempts_.why_not(graph, node);
  }
  bool claims(const Graph& graph, int32_t node) const override {
    return !graph.node(node).op->is_elementwise() || stands_alone(graph, node);
  }
  std::optional<double> estimate(const Graph& graph, int32_t node) const override {
    return estimate_microseconds(kCosts, graph, node);
  }
  std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph, std::span<const int32_t> nodes,
                                               const CompileOptions&) override {
    std::vector<std::unique_ptr<Kernel>> kernels;
    for (int32_t node : nodes) kernels.push_back(attempts_.take(graph, node));
    return kernels;
  }

 private:
  mutable Attempts attempts_;
};

}  // namespace
}  // namespace onednn

Backend& onednn_backend() {
  static onednn::OneDnnBackend backend;
  return backend;
}

}  // namespace sinter

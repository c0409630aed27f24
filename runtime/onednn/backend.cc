// The onednn backend: which nodes oneDNN runs, and with what.
#include <fmt/format.h>

#include "core/error.h"
#include "runtime/onednn/primitive_kernel.h"

namespace sinter {
namespace onednn {
namespace {

Attempt attempt(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  for (ValueId id : n.inputs) {
    if (graph.type(id).dtype != DType::kFloat32) return {nullptr, fmt::format("oneDNN is used for float32 only, found {}", dtype_name(graph.type(id).dtype))};
  }
  for (const ValueType& t : n.types) {
    if (t.dtype != DType::kFloat32) return {nullptr, fmt::format("oneDNN is used for float32 only, found {}", dtype_name(t.dtype))};
    if (!t.shape.is_static()) return {nullptr, "the shape is symbolic"};
  }
  const OneThread one_thread;
  try {
    if (n.is("dense")) return make_dense(graph, node);
    if (n.is("contract")) return make_contract(graph, node);
    if (n.is("softmax") || n.is("log_softmax")) return make_softmax(graph, node);
    if (n.is("batch_norm_training") || n.is("batch_norm_inference") || n.is("batch_norm_training_grad")) return make_batch_norm(graph, node);
    if (n.op->kind == KernelKind::kReduce) return make_reduce(graph, node);
    if (n.is("transpose")) return make_transpose(graph, node);
    if (n.op->is_elementwise() && n.inputs.size() == 1) return make_eltwise(graph, node);
    if (n.op->is_elementwise() && n.inputs.size() == 2) return make_binary(graph, node);
  } catch (const dnnl::error& error) {
    return {nullptr, fmt::format("oneDNN refused: {}", error.what())};
  }
  return {nullptr, fmt::format("oneDNN has no primitive for '{}'", n.op->name)};
}

class OneDnnBackend final : public Backend {
 public:
  OneDnnBackend() {
    // Sinter keeps its primitives itself; the library's own cache only has to bridge a compilation.
    dnnl::set_primitive_cache_capacity(256);
  }
  std::string_view name() const override { return "onednn"; }
  std::string why_not(const Graph& graph, int32_t node) const override { return attempt(graph, node).reason; }
  std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph, std::span<const int32_t> nodes, const CompileOptions&) override {
    std::vector<std::unique_ptr<Kernel>> kernels;
    for (int32_t node : nodes) {
      Attempt a = attempt(graph, node);
      SINTER_CHECK(a.kernel != nullptr, a.reason);
      kernels.push_back(std::move(a.kernel));
    }
    return kernels;
  }
};

}  // namespace
}  // namespace onednn

Backend& onednn_backend() {
  static onednn::OneDnnBackend backend;
  return backend;
}

}  // namespace sinter

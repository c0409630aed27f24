// The reference backend: runs every kernel op and every fused region, in float32, float64 and
// integers.
#include <fmt/format.h>

#include "core/error.h"
#include "runtime/backend.h"
#include "runtime/reference/kernels.h"

namespace sinter {
namespace reference {

std::unique_ptr<Kernel> make_kernel(const Graph& graph, int32_t node) {
  switch (graph.node(node).op->kind) {
    case KernelKind::kMap: return make_map(graph, node);
    case KernelKind::kReduce: return make_reduce(graph, node);
    case KernelKind::kContract: return make_contract(graph, node);
    case KernelKind::kMove: return make_move(graph, node);
    case KernelKind::kGather:
    case KernelKind::kScatter: return make_gather(graph, node);
    case KernelKind::kRandom: return make_random(graph, node);
    case KernelKind::kFusion: return make_fusion(graph, node);
    case KernelKind::kComposite:
    case KernelKind::kSource: break;
  }
  raise_internal("a kernel op", graph.node(node).op->name);
}

namespace {

class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  // Products of bfloat16 are as slow as everything here.
  Target target() const override { return {.name = "reference", .contracts_bfloat16 = true}; }
  std::string why_not(const Graph& graph, int32_t node) const override {
    const Node& n = graph.node(node);
    if (n.op->kind == KernelKind::kComposite)
      return fmt::format("'{}' is a composite and must be decomposed first", n.op->name);
    return "";
  }
  std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph, std::span<const int32_t> nodes,
                                               const CompileOptions&) override {
    std::vector<std::unique_ptr<Kernel>> kernels;
    for (int32_t node : nodes) kernels.push_back(make_kernel(graph, node));
    return kernels;
  }
};

}  // namespace
}  // namespace reference

Backend& reference_backend() {
  static reference::ReferenceBackend backend;
  return backend;
}

}  // namespace sinter

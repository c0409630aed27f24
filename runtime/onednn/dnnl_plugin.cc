// The plugin's one symbol: makes the kernel of a node by its family.
#include <fmt/format.h>

#include <mutex>

#include "runtime/onednn/plugin.h"
#include "runtime/onednn/plugin_version.h"
#include "runtime/onednn/primitive_kernel.h"

namespace sinter::onednn {
namespace {

Attempt make(const Graph& graph, int32_t node, const Registry& ops) {
  // Sinter keeps its primitives itself; the library's own cache only has to bridge a compilation.
  static std::once_flag once;
  std::call_once(once, [] { dnnl::set_primitive_cache_capacity(256); });
  const Node& n = graph.node(node);
  const OneThread one_thread;
  try {
    if (n.is("dense")) return make_dense(graph, node, ops);
    if (n.is(KernelOp::kContract)) return make_contract(graph, node);
    if (n.is("batch_norm_training") || n.is("batch_norm_inference") ||
        n.is("batch_norm_training_grad"))
      return make_batch_norm(graph, node);
    if (n.is("convolution") || n.is("convolution_input_gradient") ||
        n.is("convolution_kernel_gradient"))
      return make_convolution(graph, node);
    if (n.is("max_pool") || n.is("average_pool")) return make_pool(graph, node);
    if (n.is(KernelOp::kTranspose)) return make_transpose(graph, node);
    if (n.op->is_elementwise() && n.inputs.size() == 1) return make_eltwise(graph, node);
    if (n.op->is_elementwise() && n.inputs.size() == 2) return make_binary(graph, node);
  } catch (const dnnl::error& error) {
    return {nullptr, fmt::format("oneDNN refused: {}", error.what())};
  }
  return {nullptr, fmt::format("oneDNN has no primitive for '{}'", n.op->name)};
}

std::string library() {
  const dnnl_version_t* v = dnnl_version();
  return fmt::format("oneDNN {}.{}.{} {}", v->major, v->minor, v->patch, v->hash);
}

}  // namespace
}  // namespace sinter::onednn

extern "C" __attribute__((visibility("default"))) const sinter::onednn::Plugin sinter_dnnl = {
    sinter::onednn::plugin_version(), sinter::onednn::library, sinter::onednn::make};

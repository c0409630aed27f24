// Transposes by oneDNN's reorder.
#include "runtime/onednn/primitive_kernel.h"

namespace sinter::onednn {

Attempt make_transpose(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const Shape& in = graph.type(n.inputs[0]).shape;
  const auto& perm = n.attributes.get_ints("perm");
  if (in.elements() == 0 || in.rank() > 6) return {nullptr, "oneDNN reorders 1 to 6 dimensions"};
  const std::vector<int64_t> strides = in.strides();
  dnnl::memory::dims dims = n.types[0].shape.dims(), picked;
  for (int64_t p : perm)
    picked.push_back(strides[static_cast<size_t>(in.normalize_axis(static_cast<int>(p)))]);
  const Desc from(dims, dnnl::memory::data_type::f32, picked), to = row_major(dims);
  Call call = make_call<dnnl::reorder>(
      dnnl::reorder::primitive_desc(engine(), from, engine(), to, own_scratchpad()),
      {{DNNL_ARG_FROM, from, 0}, {DNNL_ARG_TO, to, 1}});
  return {
      std::make_unique<PrimitiveKernel>(std::vector<Call>{std::move(call)}, 2, "oneDNN reorder"),
      ""};
}

}  // namespace sinter::onednn

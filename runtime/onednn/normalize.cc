// Batch normalization by given statistics. A 2-D one is given to oneDNN as {N, C, 1, 1} in
// nhwc order, its fast case. Training stays with others: its sums over a batch grow in error with
// the rows (0.3 % of a mean of 300,000), and those of its gradient overflow where the gradient,
// divided by the deviation first, does not.
#include "runtime/onednn/primitive_kernel.h"

namespace sinter::onednn {

Attempt make_batch_norm(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  if (!n.is("batch_norm_inference"))
    return {nullptr, "sums over a batch grow in error with its rows"};
  const Shape& shape = graph.type(n.inputs[0]).shape;
  const int axis = axis_of(n.attributes);
  if (axis != shape.rank() - 1) return {nullptr, "oneDNN is given channels last only"};
  if (shape.elements() == 0) return {nullptr, "empty tensor"};
  const int64_t channels = shape[axis], rows = shape.elements() / channels;
  const auto epsilon = static_cast<float>(n.attributes.get_float("epsilon"));
  const Desc data({rows, channels, 1, 1}, dnnl::memory::data_type::f32,
                  dnnl::memory::format_tag::nhwc);
  const Desc vector = row_major({channels});
  using dnnl::normalization_flags;
  const auto flags = normalization_flags::use_scale | normalization_flags::use_shift |
                     normalization_flags::use_global_stats;
  Call call = make_call<dnnl::batch_normalization_forward>(batch_norm_desc(data, epsilon, flags),
                                                           {{DNNL_ARG_SRC, data, 0},
                                                            {DNNL_ARG_SCALE, vector, 1},
                                                            {DNNL_ARG_SHIFT, vector, 2},
                                                            {DNNL_ARG_MEAN, vector, 3},
                                                            {DNNL_ARG_VARIANCE, vector, 4},
                                                            {DNNL_ARG_DST, data, 5}});
  return {std::make_unique<PrimitiveKernel>(std::vector<Call>{std::move(call)}, 6,
                                            "oneDNN batch normalization"),
          ""};
}

}  // namespace sinter::onednn

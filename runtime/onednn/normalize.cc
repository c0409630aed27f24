// Batch normalization. A 2-D one is given to oneDNN as {N, C, 1, 1} in
// nhwc order, its fast case.
#include <fmt/format.h>

#include "runtime/onednn/primitive_kernel.h"

namespace sinter::onednn {

Attempt make_batch_norm(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const Shape& shape = graph.type(n.inputs[0]).shape;
  const int axis = shape.normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
  if (axis != shape.rank() - 1) return {nullptr, "oneDNN is given channels last only"};
  if (shape.elements() == 0) return {nullptr, "empty tensor"};
  const int64_t channels = shape[axis], rows = shape.elements() / channels;
  const auto epsilon = static_cast<float>(n.attributes.get_float("epsilon"));
  const Desc data({rows, channels, 1, 1}, dnnl::memory::data_type::f32,
                  dnnl::memory::format_tag::nhwc);
  const Desc vector = row_major({channels});
  using dnnl::normalization_flags;
  const auto affine = normalization_flags::use_scale | normalization_flags::use_shift;
  if (n.is("batch_norm_training")) {
    Call call = make_call<dnnl::batch_normalization_forward>(
        batch_norm_desc(true, data, epsilon, affine), {{DNNL_ARG_SRC, data, 0},
                                                       {DNNL_ARG_SCALE, vector, 1},
                                                       {DNNL_ARG_SHIFT, vector, 2},
                                                       {DNNL_ARG_DST, data, 3},
                                                       {DNNL_ARG_MEAN, vector, 4},
                                                       {DNNL_ARG_VARIANCE, vector, 5}});
    return {std::make_unique<PrimitiveKernel>(std::vector<Call>{std::move(call)}, 6,
                                              "oneDNN batch normalization"),
            ""};
  }
  if (n.is("batch_norm_inference")) {
    const auto flags = affine | normalization_flags::use_global_stats;
    Call call = make_call<dnnl::batch_normalization_forward>(
        batch_norm_desc(false, data, epsilon, flags), {{DNNL_ARG_SRC, data, 0},
                                                       {DNNL_ARG_SCALE, vector, 1},
                                                       {DNNL_ARG_SHIFT, vector, 2},
                                                       {DNNL_ARG_MEAN, vector, 3},
                                                       {DNNL_ARG_VARIANCE, vector, 4},
                                                       {DNNL_ARG_DST, data, 5}});
    return {std::make_unique<PrimitiveKernel>(std::vector<Call>{std::move(call)}, 6,
                                              "oneDNN batch normalization"),
            ""};
  }
  // batch_norm_training_grad: x, gamma, mean, variance, dy -> dx, dgamma, dbeta
  const auto hint = batch_norm_desc(true, data, epsilon, affine);
  Call call = make_call<dnnl::batch_normalization_backward>(
      batch_norm_backward_desc(data, epsilon, affine, hint), {{DNNL_ARG_SRC, data, 0},
                                                              {DNNL_ARG_SCALE, vector, 1},
                                                              {DNNL_ARG_MEAN, vector, 2},
                                                              {DNNL_ARG_VARIANCE, vector, 3},
                                                              {DNNL_ARG_DIFF_DST, data, 4},
                                                              {DNNL_ARG_DIFF_SRC, data, 5},
                                                              {DNNL_ARG_DIFF_SCALE, vector, 6},
                                                              {DNNL_ARG_DIFF_SHIFT, vector, 7}});
  // 2.6 asks for the shift, whose value does not enter the gradient: gamma stands in for it.
  if (kBackwardTakesShift) call.arguments.push_back({DNNL_ARG_SHIFT, vector, 1, 0});
  return {std::make_unique<PrimitiveKernel>(std::vector<Call>{std::move(call)}, 8,
                                            "oneDNN batch normalization backward"),
          ""};
}

}  // namespace sinter::onednn

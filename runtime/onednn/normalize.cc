// softmax and batch normalization. A 2-D batch normalization is given to oneDNN as {N, C, 1, 1} in
// nhwc order, its fast case.
#include <fmt/format.h>

#include "core/scalar_expr.h"
#include "runtime/cost_model.h"
#include "runtime/onednn/primitive_kernel.h"

namespace sinter::onednn {

Attempt make_softmax(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const Shape& shape = n.types[0].shape;
  if (shape.elements() == 0) return {nullptr, "empty tensor"};
  const int axis = shape.normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
  // [rows, length, inner]; slices by rows.
  int64_t rows = 1, inner = 1;
  for (int d = 0; d < shape.rank(); ++d) (d < axis ? rows : inner) *= d == axis ? 1 : shape[d];
  const int64_t length = shape[axis], row_bytes = length * inner * 4;
  const auto algorithm =
      n.is("softmax") ? dnnl::algorithm::softmax_accurate : dnnl::algorithm::softmax_log;
  const auto elements = static_cast<double>(shape.elements());
  const auto arithmetic =
      static_cast<double>(scalar_op_cost(ScalarOp::kMax) + scalar_op_cost(ScalarOp::kSub) +
                          scalar_op_cost(ScalarOp::kExp) + scalar_op_cost(ScalarOp::kDiv));
  const double microseconds = loop_microseconds(8 * elements, arithmetic * elements);
  const int64_t pieces = worthwhile_pieces(microseconds, std::min<int64_t>(rows, 4));
  std::vector<Call> calls;
  for (int64_t p = 0; p < pieces; ++p) {
    const int64_t begin = piece_begin(rows, pieces, p),
                  count = piece_begin(rows, pieces, p + 1) - begin;
    const Desc desc = inner == 1 ? row_major({count, length}) : row_major({count, length, inner});
    calls.push_back(make_call<SoftmaxForward>(
        make_desc<SoftmaxForward>({}, dnnl::prop_kind::forward_inference, algorithm, desc, desc, 1),
        {{DNNL_ARG_SRC, desc, 0, begin * row_bytes}, {DNNL_ARG_DST, desc, 1, begin * row_bytes}}));
  }
  auto kernel = std::make_unique<PrimitiveKernel>(std::move(calls), 2, "oneDNN softmax");
  kernel->set_microseconds(microseconds);
  return {std::move(kernel), ""};
}

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

// Row reductions by oneDNN's reduction, and transposes by its reorder. (Its column reductions are
// reference code, so they are left out.)
#include <fmt/format.h>

#include "runtime/onednn/primitive_kernel.h"

namespace sinter::onednn {

Attempt make_reduce(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  if (!n.is("reduce"))
    return {nullptr, fmt::format("oneDNN has no primitive for '{}'", n.op->name)};
  const Shape& shape = graph.type(n.inputs[0]).shape;
  const auto& axes = n.attributes.get_ints("axes");
  const std::string& kind = n.attributes.get_string("kind");
  std::vector<bool> reduced(static_cast<size_t>(shape.rank()), false);
  for (int64_t a : axes)
    reduced[static_cast<size_t>(shape.normalize_axis(static_cast<int>(a)))] = true;
  if (!std::is_sorted(reduced.begin(), reduced.end()))
    return {nullptr, "oneDNN reduces trailing dimensions well, others slowly"};
  if (shape.elements() == 0 || axes.empty()) return {nullptr, "empty tensor"};
  const int64_t rows = n.types[0].shape.elements(), length = shape.elements() / rows;
  if (kind == "max" || kind == "min")
    return {nullptr, "oneDNN does not propagate NaN through max and min"};
  // It adds a row up in few running totals, whose error grows with its length.
  constexpr int64_t kLongestSum = 1024;
  if (kind == "sum" && length > kLongestSum)
    return {nullptr, fmt::format("oneDNN is not given sums of more than {} terms", kLongestSum)};
  const auto algorithm =
      kind == "sum" ? dnnl::algorithm::reduction_sum : dnnl::algorithm::reduction_mul;
  const Desc in = row_major({rows, length}), out = row_major({rows, 1});
  Call call =
      make_call<dnnl::reduction>(make_desc<dnnl::reduction>({}, algorithm, in, out, 0.0f, 0.0f),
                                 {{DNNL_ARG_SRC, in, 0}, {DNNL_ARG_DST, out, 1}});
  return {
      std::make_unique<PrimitiveKernel>(std::vector<Call>{std::move(call)}, 2, "oneDNN reduction"),
      ""};
}

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

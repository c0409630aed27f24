// Elementwise ops: oneDNN's eltwise and binary primitives.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "runtime/cost_model.h"
#include "runtime/onednn/primitive_kernel.h"

namespace sinter::onednn {
namespace {

// A kernel over pieces of neighbouring elements: `make(desc, offset)` gives the call for one piece,
// `offset` in bytes.
template <typename Make>
Attempt make_sliced(const Graph& graph, int32_t node, const char* description, Make&& make) {
  const Node& n = graph.node(node);
  const int64_t elements = n.types[0].shape.elements();
  if (elements == 0) return {nullptr, "empty tensor"};
  const auto bytes = static_cast<double>(4 * elements * static_cast<int64_t>(n.inputs.size() + 1));
  const double microseconds = loop_microseconds(bytes, 0);
  const int64_t pieces = worthwhile_pieces(microseconds, std::min<int64_t>(elements, 8));
  std::vector<Call> calls;
  for (int64_t p = 0; p < pieces; ++p) {
    const int64_t begin = piece_begin(elements, pieces, p),
                  count = piece_begin(elements, pieces, p + 1) - begin;
    calls.push_back(make(row_major({count}), begin * 4));
  }
  auto kernel = std::make_unique<PrimitiveKernel>(
      std::move(calls), static_cast<int>(n.inputs.size()) + 1, description);
  kernel->set_microseconds(microseconds);
  return {std::move(kernel), ""};
}

}  // namespace

// What is here keeps the promise of runtime/README.md. Not here, as of 2.6: exp (infinity for NaN,
// 0 below -87), logistic (0 below -87), soft_relu (off by 7.6e-6 below -11), elu (0 for -3e-8),
// mish (off by 1e-6 at -17), log (off by 3e-6 near 1), the approximate gelu (1 + tanh cancels: off
// by 1e-5 of the value at -3).
std::optional<Eltwise> eltwise_of(std::string_view op, const Attributes& a) {
  using dnnl::algorithm;
  // eltwise_relu without a slope is one vmaxps, which turns NaN into 0. elu with alpha 0 is x above
  // 0, and 0 times something below, so NaN stays; it costs an exp, a seventh of a product of 128.
  const Eltwise relu{algorithm::eltwise_elu, 0, 0};
  if (op == "relu") return relu;
  if (op == "leaky_relu") {
    const auto slope = static_cast<float>(a.get_float("negative_slope"));
    return slope == 0 ? relu : Eltwise{algorithm::eltwise_relu, slope, 0};
  }
  if (op == "swish")
    return Eltwise{algorithm::eltwise_swish, static_cast<float>(a.get_float("beta")), 0};
  if (op == "gelu") {
    if (a.get_bool("approximate") || !kGeluKeepsInfinity) return std::nullopt;
    return Eltwise{algorithm::eltwise_gelu_erf, 0, 0};
  }
  static const std::map<std::string_view, Eltwise> table = {
      {"tanh", {algorithm::eltwise_tanh, 0, 0}},
      {"sqrt", {algorithm::eltwise_sqrt, 0, 0}},
      {"square", {algorithm::eltwise_square, 0, 0}},
      {"abs", {algorithm::eltwise_abs, 0, 0}}};
  const auto it = table.find(op);
  return it == table.end() ? std::nullopt : std::optional(it->second);
}

Attempt make_eltwise(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const auto eltwise = eltwise_of(n.op->name, n.attributes);
  if (!eltwise) return {nullptr, fmt::format("oneDNN has no primitive for '{}'", n.op->name)};
  return make_sliced(graph, node, "oneDNN eltwise", [&](const Desc& desc, int64_t offset) {
    return make_call<dnnl::eltwise_forward>(
        eltwise_desc(eltwise->algorithm, desc, eltwise->alpha, eltwise->beta),
        {{DNNL_ARG_SRC, desc, 0, offset}, {DNNL_ARG_DST, desc, 1, offset}});
  });
}

Attempt make_binary(const Graph& graph, int32_t node) {
  using dnnl::algorithm;
  static const std::map<std::string_view, algorithm> table = {{"add", algorithm::binary_add},
                                                              {"subtract", algorithm::binary_sub},
                                                              {"multiply", algorithm::binary_mul},
                                                              {"divide", algorithm::binary_div}};
  const Node& n = graph.node(node);
  const auto it = table.find(n.op->name);
  if (it == table.end())
    return {nullptr, fmt::format("oneDNN has no primitive for '{}'", n.op->name)};
  return make_sliced(graph, node, "oneDNN binary", [&](const Desc& desc, int64_t offset) {
    return make_call<dnnl::binary>(make_desc<dnnl::binary>({}, it->second, desc, desc, desc),
                                   {{DNNL_ARG_SRC_0, desc, 0, offset},
                                    {DNNL_ARG_SRC_1, desc, 1, offset},
                                    {DNNL_ARG_DST, desc, 2, offset}});
  });
}

}  // namespace sinter::onednn

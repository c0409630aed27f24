// Convolutions and their gradients, channels last, sliced by samples. Weights that no update
// changes are packed once by prepare(); a gradient by the kernel is one piece, since slices would
// leave sums.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/prologue.h"
#include "runtime/onednn/primitive_kernel.h"

namespace sinter::onednn {
namespace {

using Ints = std::vector<int64_t>;
using dnnl::memory;

// [batch, spatial.., channels] in oneDNN's order {batch, channels, spatial..}.
Desc image(const Shape& shape, int64_t batch) {
  const Ints strides = shape.strides();
  memory::dims dims = {batch, shape.dim(-1)}, steps = {strides[0], 1};
  for (int d = 1; d + 1 < shape.rank(); ++d) {
    dims.push_back(shape[d]);
    steps.push_back(strides[static_cast<size_t>(d)]);
  }
  return {dims, memory::data_type::f32, steps};
}

// [size.., channels of a group, filters] in oneDNN's order {(groups,) filters, channels, size..};
// of another layout where `any`.
Desc kernel_desc(const Shape& shape, int64_t groups, bool any) {
  const Ints strides = shape.strides();
  const int64_t filters = shape.dim(-1) / groups, channels = shape.dim(-2);
  memory::dims dims = {filters, channels}, steps = {1, shape.dim(-1)};
  if (groups > 1) {
    dims.insert(dims.begin(), groups);
    steps.insert(steps.begin(), filters);
  }
  for (int d = 0; d + 2 < shape.rank(); ++d) {
    dims.push_back(shape[d]);
    steps.push_back(strides[static_cast<size_t>(d)]);
  }
  if (any) return {dims, memory::data_type::f32, memory::format_tag::any};
  return {dims, memory::data_type::f32, steps};
}

struct Geometry {
  memory::dims strides, dilations, low, high;
};

Geometry geometry_of(const Attributes& a) {
  Geometry g{a.get_ints("strides"), a.get_ints("dilations"), a.get_ints("low"), a.get_ints("high")};
  for (int64_t& d : g.dilations) --d;  // oneDNN counts what lies between taps
  return g;
}

std::string why_not(const Shape& x, const Shape& y) {
  if (x.elements() == 0 || y.elements() == 0) return "empty tensor";
  if (x.rank() > 5) return "oneDNN convolves up to three spatial dimensions";
  return "";
}

// Slices of samples that are worth a piece each: a quarter of a million products and sums.
int64_t pieces_of(const Shape& y, const Shape& kernel) {
  const int64_t work = y.elements() * (kernel.elements() / kernel.dim(-1));
  return std::clamp<int64_t>(work / (1 << 18), 1, std::min<int64_t>(y[0], 16));
}

using Forward = dnnl::convolution_forward;

Forward::primitive_desc forward_desc(const Geometry& g, const Desc& x, const Desc& kernel,
                                     const Desc& y) {
  return make_desc<Forward>({}, dnnl::prop_kind::forward_inference,
                            dnnl::algorithm::convolution_direct, x, kernel, y, g.strides,
                            g.dilations, g.low, g.high);
}

std::string text_of(const char* what, int64_t pieces, bool packed) {
  return fmt::format("oneDNN {}, {} piece{}{}", what, pieces, pieces == 1 ? "" : "s",
                     packed ? ", packed weights" : "");
}

// The convolution, or its gradient by the input: both take samples and the kernel.
Attempt make_of_samples(const Graph& graph, int32_t node, bool is_gradient) {
  const Node& n = graph.node(node);
  const Shape& in = graph.type(n.inputs[0]).shape;
  const Shape &kernel = graph.type(n.inputs[1]).shape, &out = n.types[0].shape;
  if (std::string reason = why_not(in, out); !reason.empty()) return {nullptr, reason};
  const Geometry g = geometry_of(n.attributes);
  const int64_t groups = n.attributes.get_int("groups");
  const bool packs = is_frozen(graph, n.inputs[1]);
  const Desc plain = kernel_desc(kernel, groups, false);
  const int64_t pieces = pieces_of(is_gradient ? in : out, kernel), batch = in[0];
  std::optional<Packing> packing;
  std::vector<Call> calls;
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t begin = piece_begin(batch, pieces, i);
    const int64_t count = piece_begin(batch, pieces, i + 1) - begin;
    const Desc from = image(in, count), to = image(out, count);
    // Every piece must read the one packed copy: the first piece chooses its layout.
    const Desc weights = packing ? packing->to : packs ? kernel_desc(kernel, groups, true) : plain;
    const int where = packs ? PrimitiveKernel::kPrepared : 1;
    const int64_t in_bytes = begin * in.elements() / batch * 4,
                  out_bytes = begin * out.elements() / batch * 4;
    if (is_gradient) {
      const auto hint = forward_desc(g, to, weights, from);
      const auto desc = make_backward_desc<dnnl::convolution_backward_data>(
          hint, dnnl::algorithm::convolution_direct, to, weights, from, g.strides, g.dilations,
          g.low, g.high);
      if (packs && !packing) packing = Packing{1, plain, desc.weights_desc()};
      calls.push_back(make_call<dnnl::convolution_backward_data>(
          desc, {{DNNL_ARG_DIFF_DST, from, 0, in_bytes},
                 {DNNL_ARG_WEIGHTS, desc.weights_desc(), where, 0},
                 {DNNL_ARG_DIFF_SRC, to, 2, out_bytes}}));
    } else {
      const auto desc = forward_desc(g, from, weights, to);
      if (packs && !packing) packing = Packing{1, plain, desc.weights_desc()};
      calls.push_back(make_call<Forward>(desc, {{DNNL_ARG_SRC, from, 0, in_bytes},
                                                {DNNL_ARG_WEIGHTS, desc.weights_desc(), where, 0},
                                                {DNNL_ARG_DST, to, 2, out_bytes}}));
    }
  }
  const char* what = is_gradient ? "convolution, gradient by the input" : "convolution";
  return {std::make_unique<PrimitiveKernel>(std::move(calls), 3, text_of(what, pieces, packs),
                                            std::move(packing)),
          ""};
}

Attempt make_of_kernel(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const Shape &x = graph.type(n.inputs[0]).shape, &dy = graph.type(n.inputs[1]).shape;
  const Shape& kernel = n.types[0].shape;
  if (std::string reason = why_not(x, dy); !reason.empty()) return {nullptr, reason};
  // It adds all samples up one after the other: the error grows with their number.
  constexpr int64_t kMostWindows = 4096;
  if (dy.elements() / dy.dim(-1) > kMostWindows)
    return {nullptr,
            fmt::format("oneDNN is not given gradients by the kernel of more than {} windows",
                        kMostWindows)};
  const Geometry g = geometry_of(n.attributes);
  const Desc from = image(x, x[0]), to = image(dy, dy[0]);
  const Desc weights = kernel_desc(kernel, n.attributes.get_int("groups"), false);
  const auto desc = make_backward_desc<dnnl::convolution_backward_weights>(
      forward_desc(g, from, weights, to), dnnl::algorithm::convolution_direct, from, weights, to,
      g.strides, g.dilations, g.low, g.high);
  std::vector<Call> calls;
  calls.push_back(make_call<dnnl::convolution_backward_weights>(
      desc, {{DNNL_ARG_SRC, from, 0, 0},
             {DNNL_ARG_DIFF_DST, to, 1, 0},
             {DNNL_ARG_DIFF_WEIGHTS, weights, 2, 0}}));
  return {std::make_unique<PrimitiveKernel>(
              std::move(calls), 3, text_of("convolution, gradient by the kernel", 1, false)),
          ""};
}

}  // namespace

Attempt make_convolution(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  if (n.is("convolution_kernel_gradient")) return make_of_kernel(graph, node);
  return make_of_samples(graph, node, n.is("convolution_input_gradient"));
}

Attempt make_pool(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const Shape &x = graph.type(n.inputs[0]).shape, &y = n.types[0].shape;
  if (std::string reason = why_not(x, y); !reason.empty()) return {nullptr, reason};
  // NaN is no maximum of oneDNN's.
  if (n.is("max_pool")) return {nullptr, "oneDNN's largest element of a window is never NaN"};
  const Ints &strides = n.attributes.get_ints("strides"), &size = n.attributes.get_ints("size");
  const Ints &low = n.attributes.get_ints("low"), &high = n.attributes.get_ints("high");
  const Desc from = image(x, x[0]), to = image(y, y[0]);
  const auto desc = pooling_desc(dnnl::algorithm::pooling_avg_exclude_padding, from, to, strides,
                                 size, low, high);
  std::vector<Call> calls;
  calls.push_back(make_call<Pooling>(desc, {{DNNL_ARG_SRC, from, 0, 0}, {DNNL_ARG_DST, to, 1, 0}}));
  return {std::make_unique<PrimitiveKernel>(std::move(calls), 2, "oneDNN average pooling"), ""};
}

}  // namespace sinter::onednn

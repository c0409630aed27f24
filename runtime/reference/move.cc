// reshape, transpose, broadcast, slice, as_strided, pad, concat, iota: copies by strides.
#include <algorithm>
#include <cstring>

#include "core/convert.h"
#include "core/error.h"
#include "core/view.h"
#include "runtime/reference/kernels.h"

namespace sinter::reference {
namespace {

template <int kBytes>
struct Cell {
  std::byte bytes[kBytes];
};

// out[i] = in[base + sum index[d] * strides[d]] for every index of `shape`; or the scattered
// opposite when `scatter`.
LoopBody strided_copy(Shape shape, int64_t base, std::vector<int64_t> strides,
                      int64_t element_bytes, bool scatter) {
  return [=](void* const* buffers) {
    const auto copy = [&](auto cell) {
      using C = decltype(cell);
      const C* in = static_cast<const C*>(buffers[0]);
      C* out = static_cast<C*>(buffers[1]);
      for_each_index(shape, [&](int64_t i, const auto& index) {
        int64_t at = base;
        for (size_t d = 0; d < strides.size(); ++d) at += index[d] * strides[d];
        if (scatter)
          out[at] = in[i];
        else
          out[i] = in[at];
      });
    };
    if (element_bytes == 8)
      copy(Cell<8>{});
    else if (element_bytes == 4)
      copy(Cell<4>{});
    else if (element_bytes == 2)
      copy(Cell<2>{});
    else
      copy(Cell<1>{});
  };
}

std::unique_ptr<Kernel> make_pad(const Graph& graph, const Node& n) {
  const ValueType in = graph.type(n.inputs[0]);
  const ValueType out = n.types[0];
  const auto& low = n.attributes.get_ints("low");
  const std::vector<int64_t> strides = out.shape.strides();
  int64_t base = 0;
  for (size_t d = 0; d < strides.size(); ++d) base += low[d] * strides[d];
  const LoopBody scatter = strided_copy(in.shape, base, strides, dtype_size(in.dtype), true);
  return std::make_unique<LoopKernel>(
      [=, value = n.attributes.get_float("value")](void* const* buffers) {
        dispatch_dtype(out.dtype, [&](auto zero) {
          using T = decltype(zero);
          T* y = static_cast<T*>(buffers[1]);
          std::fill(y, y + out.shape.elements(), convert_element<T>(value));
        });
        scatter(buffers);
      });
}

std::unique_ptr<Kernel> make_concat(const Graph& graph, const Node& n) {
  const int axis = axis_of(n.attributes);
  const int64_t element = dtype_size(n.types[0].dtype);
  int64_t outer = 1;
  for (int d = 0; d < axis; ++d) outer *= n.types[0].shape[d];
  std::vector<int64_t> blocks;  // bytes each input contributes to one outer index
  int64_t total = 0;
  for (ValueId id : n.inputs) {
    const int64_t elements = graph.type(id).shape.elements();
    blocks.push_back(outer == 0 ? 0 : elements / outer * element);
    total += blocks.back();
  }
  return std::make_unique<LoopKernel>([=](void* const* buffers) {
    auto* out = static_cast<std::byte*>(buffers[blocks.size()]);
    if (total == 0) return;  // however many times
    int64_t column = 0;
    for (size_t i = 0; i < blocks.size(); ++i) {
      for (int64_t o = 0; o < outer; ++o) {
        std::memcpy(out + o * total + column,
                    static_cast<const std::byte*>(buffers[i]) + o * blocks[i],
                    static_cast<size_t>(blocks[i]));
      }
      column += blocks[i];
    }
  });
}

std::unique_ptr<Kernel> make_iota(const Node& n) {
  const ValueType type = n.types[0];
  const auto axis = static_cast<size_t>(axis_of(n.attributes));
  return std::make_unique<LoopKernel>([=](void* const* buffers) {
    dispatch_dtype(type.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* y = static_cast<T*>(buffers[0]);
      for_each_index(type.shape,
                     [&](int64_t i, const auto& index) { y[i] = convert_element<T>(index[axis]); });
    });
  });
}

}  // namespace

std::unique_ptr<Kernel> make_move(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  if (n.is(KernelOp::kPad)) return make_pad(graph, n);
  if (n.is(KernelOp::kConcat)) return make_concat(graph, n);
  if (n.is(KernelOp::kIota)) return make_iota(n);
  const ValueType out = n.types[0];
  if (n.is(KernelOp::kSize)) {
    const Tensor value =
        Tensor::full(out.dtype, {}, graph.type(n.inputs[0]).shape.dim(axis_of(n.attributes)));
    return std::make_unique<LoopKernel>([value](void* const* buffers) {
      std::memcpy(buffers[1], value.raw(), static_cast<size_t>(value.bytes()));
    });
  }
  const ValueType in = graph.type(n.inputs[0]);
  if (n.is(KernelOp::kReshape)) {
    return std::make_unique<LoopKernel>(
        [bytes = static_cast<size_t>(in.bytes())](void* const* buffers) {
          std::memcpy(buffers[1], buffers[0], bytes);
        });
  }
  const std::optional<View> view = view_through(graph, n, View::dense(in.shape));
  SINTER_CHECK(view.has_value(), n.op->name);
  return std::make_unique<LoopKernel>(
      strided_copy(out.shape, view->offset, view->strides, dtype_size(in.dtype), false));
}

}  // namespace sinter::reference

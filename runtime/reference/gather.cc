// gather and its transpose scatter_add. Indices outside the dimension are clamped into it.
#include <algorithm>
#include <cstring>

#include "core/convert.h"
#include "runtime/reference/kernels.h"

namespace sinter::reference {
namespace {

// x is [samples, outer, length, inner] around the gathered axis.
struct Split {
  int64_t samples = 1, outer = 1, length = 1, inner = 1;
};

Split split_at(const Shape& shape, int batch_dims, int axis) {
  Split s;
  for (int d = 0; d < shape.rank(); ++d) {
    if (d < batch_dims)
      s.samples *= shape[d];
    else
      (d < axis ? s.outer : d == axis ? s.length : s.inner) *= shape[d];
  }
  return s;
}

int64_t index_at(DType dtype, const void* indices, int64_t i, int64_t length) {
  const int64_t index = dtype == DType::kInt32 ? static_cast<const int32_t*>(indices)[i]
                                               : static_cast<const int64_t*>(indices)[i];
  return std::clamp<int64_t>(index, 0, length - 1);
}

}  // namespace

std::unique_ptr<Kernel> make_gather(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const bool scatter = n.is(KernelOp::kScatterAdd);
  const ValueType indices = graph.type(n.inputs[scatter ? 0 : 1]);
  const Shape& whole = scatter ? n.types[0].shape : graph.type(n.inputs[0]).shape;
  const auto batch_dims = static_cast<int>(n.attributes.get_int("batch_dims"));
  const Split s = split_at(whole, batch_dims, axis_of(n.attributes));
  int64_t count = 1;  // of a sample
  for (int d = batch_dims; d < indices.shape.rank(); ++d) count *= indices.shape[d];
  const DType dtype = n.types[0].dtype;
  if (!scatter) {
    return std::make_unique<LoopKernel>([=, index_dtype = indices.dtype](void* const* buffers) {
      const int64_t row = s.inner * dtype_size(dtype);
      auto* out = static_cast<std::byte*>(buffers[2]);
      if (row == 0 || count == 0) return;  // however many times
      for (int64_t o = 0; o < s.samples * s.outer; ++o) {
        const int64_t first = o / s.outer * count;
        for (int64_t i = first; i < first + count; ++i, out += row) {
          const int64_t at = o * s.length + index_at(index_dtype, buffers[1], i, s.length);
          std::memcpy(out, static_cast<const std::byte*>(buffers[0]) + at * row,
                      static_cast<size_t>(row));
        }
      }
    });
  }
  return std::make_unique<LoopKernel>([=, index_dtype = indices.dtype,
                                       elements = whole.elements()](void* const* buffers) {
    dispatch_dtype(dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* updates = static_cast<const T*>(buffers[1]);
      T* out = static_cast<T*>(buffers[2]);
      std::fill(out, out + elements, T(0));
      if (s.inner == 0 || count == 0) return;  // however many times
      for (int64_t o = 0; o < s.samples * s.outer; ++o) {
        const int64_t first = o / s.outer * count;
        for (int64_t i = first; i < first + count; ++i, updates += s.inner) {
          T* row = out + (o * s.length + index_at(index_dtype, buffers[0], i, s.length)) * s.inner;
          for (int64_t k = 0; k < s.inner; ++k) {
            if constexpr (is_floating_type<T>)
              row[k] = static_cast<T>(row[k] + updates[k]);
            else
              row[k] = convert_element<T>(
                  wrapping_add(static_cast<int64_t>(row[k]), static_cast<int64_t>(updates[k])));
          }
        }
      }
    });
  });
}

}  // namespace sinter::reference

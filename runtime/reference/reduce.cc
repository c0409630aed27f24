// reduce and arg_reduce. Sums are kept in double, so that the float32 reference is rounded once.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/convert.h"
#include "core/reduce.h"
#include "runtime/reference/kernels.h"

namespace sinter::reference {
namespace {

// For each input element, the index of the result element it belongs to is a sum of index * stride
// with stride 0 on reduced axes.
std::vector<int64_t> result_strides(const Shape& shape, const Reduce& reduce) {
  const std::vector<bool> reduced = reduce.reduced(shape.rank());
  std::vector<int64_t> strides(static_cast<size_t>(shape.rank()), 0);
  int64_t stride = 1;
  for (int d = shape.rank() - 1; d >= 0; --d) {
    if (reduced[static_cast<size_t>(d)]) continue;
    strides[static_cast<size_t>(d)] = stride;
    stride *= shape[d];
  }
  return strides;
}

int64_t dot(const Index& index, const std::vector<int64_t>& strides) {
  int64_t sum = 0;
  for (size_t d = 0; d < strides.size(); ++d) sum += index[d] * strides[d];
  return sum;
}

template <typename T>
void combine(ReduceKind kind, T& total, T value) {
  switch (kind) {
    case ReduceKind::kSum: total = wrapping_add(total, value); return;
    case ReduceKind::kProd: total = wrapping_multiply(total, value); return;
    case ReduceKind::kMax:
    case ReduceKind::kMin:
      if constexpr (is_floating_type<T>) {
        if (total != total) return;
        if (value != value) {
          total = value;
          return;
        }
      }
      if (kind == ReduceKind::kMax ? total < value : value < total) total = value;
      return;
  }
}

template <typename T>
T identity(ReduceKind kind) {
  using Limits = std::numeric_limits<T>;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  switch (kind) {
    case ReduceKind::kSum: return T(0);
    case ReduceKind::kProd: return T(1);
    case ReduceKind::kMax:
      return is_floating_type<T> ? static_cast<T>(-kInfinity) : Limits::lowest();
    case ReduceKind::kMin: return is_floating_type<T> ? static_cast<T>(kInfinity) : Limits::max();
  }
  return T(0);
}

std::unique_ptr<Kernel> make_arg_reduce(const Graph& graph, const Node& n) {
  const ValueType type = graph.type(n.inputs[0]);
  const int axis = axis_of(n.attributes);
  const bool largest = Reduce::of(n).kind == ReduceKind::kMax;
  int64_t outer = 1, inner = 1;
  const int64_t length = type.shape[axis];
  for (int d = 0; d < type.shape.rank(); ++d)
    (d < axis ? outer : inner) *= d == axis ? 1 : type.shape[d];
  return std::make_unique<LoopKernel>([=, dtype = type.dtype](void* const* buffers) {
    dispatch_dtype(dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* x = static_cast<const T*>(buffers[0]);
      auto* y = static_cast<int32_t*>(buffers[1]);
      if (inner == 0) return;  // however many times
      for (int64_t o = 0; o < outer; ++o) {
        for (int64_t i = 0; i < inner; ++i) {
          int32_t best = 0;
          for (int64_t k = 1; k < length; ++k) {
            const T value = x[(o * length + k) * inner + i],
                    top = x[(o * length + best) * inner + i];
            // NaN counts as the extreme, and the first one wins.
            const bool top_nan = top != top;
            if (!top_nan && (value != value || (largest ? top < value : value < top)))
              best = static_cast<int32_t>(k);
          }
          y[o * inner + i] = best;
        }
      }
    });
  });
}

}  // namespace

std::unique_ptr<Kernel> make_reduce(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  if (n.is(KernelOp::kArgReduce)) return make_arg_reduce(graph, n);
  const ValueType type = graph.type(n.inputs[0]);
  const Reduce reduce = Reduce::of(n);
  const ReduceKind kind = reduce.kind;
  const std::vector<int64_t> strides = result_strides(type.shape, reduce);
  const int64_t results = n.types[0].shape.elements();
  const int64_t scratch = results * 8;
  return std::make_unique<LoopKernel>(
      [=](void* const* buffers) {
        dispatch_dtype(type.dtype, [&](auto zero) {
          using T = decltype(zero);
          using Wide = std::conditional_t<is_floating_type<T>, double, int64_t>;
          const T* x = static_cast<const T*>(buffers[0]);
          auto* totals = static_cast<Wide*>(buffers[2]);
          Wide start = kind == ReduceKind::kProd ? Wide(1) : static_cast<Wide>(identity<T>(kind));
          // Sums of -0 alone are -0, of nothing 0.
          if (kind == ReduceKind::kSum) start = type.shape.elements() > 0 ? -Wide(0) : Wide(0);
          std::fill(totals, totals + results, start);
          for_each_index(type.shape, [&](int64_t i, const auto& index) {
            combine<Wide>(kind, totals[dot(index, strides)], static_cast<Wide>(x[i]));
          });
          T* y = static_cast<T*>(buffers[1]);
          for (int64_t r = 0; r < results; ++r) y[r] = convert_element<T>(totals[r]);
        });
      },
      scratch);
}

}  // namespace sinter::reference

// contract: the general matrix product, by strides. Sums are kept in double.
#include <algorithm>

#include "core/contract.h"
#include "core/convert.h"
#include "runtime/reference/kernels.h"

namespace sinter::reference {
namespace {

// Offsets of all combinations of indices along `axes`, in row-major order.
std::vector<int64_t> offsets(const Shape& shape, const Contract::Axes& axes) {
  const std::vector<int64_t> strides = shape.strides();
  std::vector<int64_t> result = {0};
  for (const int axis : axes) {
    std::vector<int64_t> next;
    next.reserve(result.size() * static_cast<size_t>(shape[axis]));
    for (int64_t base : result) {
      for (int64_t i = 0; i < shape[axis]; ++i)
        next.push_back(base + i * strides[static_cast<size_t>(axis)]);
    }
    result = std::move(next);
  }
  return result;
}

}  // namespace

std::unique_ptr<Kernel> make_contract(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const ValueType a = graph.type(n.inputs[0]), b = graph.type(n.inputs[1]);
  const Contract c = Contract::of(graph, n);
  struct Table {
    std::vector<int64_t> a_batch, a_free, a_k, b_batch, b_free, b_k;
  };
  const auto t = std::make_shared<const Table>(Table{
      offsets(a.shape, c.lhs.batch), offsets(a.shape, c.lhs.free), offsets(a.shape, c.lhs.depth),
      offsets(b.shape, c.rhs.batch), offsets(b.shape, c.rhs.free), offsets(b.shape, c.rhs.depth)});
  // One row of sums, so that the inner loop runs along b.
  const int64_t scratch = static_cast<int64_t>(t->b_free.size()) * 8;
  return std::make_unique<LoopKernel>(
      [t, dtype = a.dtype, from = b.dtype](void* const* buffers) {
        const auto multiply = [&](auto zero, auto zero_right) {
          using T = decltype(zero);
          using Right = decltype(zero_right);
          using Wide = std::conditional_t<is_floating_type<T>, double, int64_t>;
          const T* x = static_cast<const T*>(buffers[0]);
          const Right* y = static_cast<const Right*>(buffers[1]);
          using Out = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;
          Out* out = static_cast<Out*>(buffers[2]);
          auto* sums = static_cast<Wide*>(buffers[3]);
          for (size_t batch = 0; batch < t->a_batch.size(); ++batch) {
            for (int64_t row : t->a_free) {
              std::fill(sums, sums + t->b_free.size(), Wide(0));
              for (size_t k = 0; k < t->a_k.size(); ++k) {
                const Wide value = static_cast<Wide>(x[t->a_batch[batch] + row + t->a_k[k]]);
                const Right* from = y + t->b_batch[batch] + t->b_k[k];
                for (size_t j = 0; j < t->b_free.size(); ++j)
                  sums[j] = wrapping_add(
                      sums[j],
                      wrapping_multiply(value,
                                        static_cast<Wide>(convert_element<T>(from[t->b_free[j]]))));
              }
              for (size_t j = 0; j < t->b_free.size(); ++j) *out++ = convert_element<Out>(sums[j]);
            }
          }
        };
        if (from == dtype)
          dispatch_dtype(dtype, [&](auto zero) { multiply(zero, zero); });
        else if (from == DType::kFloat32)
          multiply(bfloat16(), 0.0f);
        else
          multiply(bfloat16(), 0.0);
      },
      scratch);
}

}  // namespace sinter::reference

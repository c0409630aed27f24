// contract: the general matrix product, by strides. Sums are kept in double.
#include <algorithm>

#include "core/contract.h"
#include "core/convert.h"
#include "runtime/reference/kernels.h"

namespace sinter::reference {
namespace {

// Some axes of an operand. Their indices may be many more than the operand has elements (it may
// have none), so offsets are found as they are walked over.
struct Lanes {
  Lanes(const Shape& shape, const Contract::Axes& axes) : sizes(extents(shape, axes)) {
    const std::vector<int64_t> all = shape.strides();
    for (const int axis : axes) strides.push_back(all[static_cast<size_t>(axis)]);
  }
  std::vector<int64_t> sizes, strides;
};

// The offsets of all indices along `lanes`, in row-major order, and again from the first one.
class Walk {
 public:
  explicit Walk(const Lanes& lanes) : lanes_(lanes) {}
  int64_t offset() const { return offset_; }
  void next() {
    for (size_t d = lanes_.sizes.size(); d-- > 0;) {
      offset_ += lanes_.strides[d];
      if (++index_[d] < lanes_.sizes[d]) return;
      offset_ -= lanes_.strides[d] * lanes_.sizes[d];
      index_[d] = 0;
    }
  }

 private:
  const Lanes& lanes_;
  int64_t offset_ = 0;
  Index index_{};
};

struct Product {
  Lanes a_batch, a_free, a_depth, b_batch, b_free, b_depth;
  int64_t batches, rows, depth, columns;
  // So many columns at once: the inner loop runs along b, over sums and offsets in scratch.
  static constexpr int64_t kColumns = 4096;
  int64_t columns_at_once() const { return std::min(columns, kColumns); }
  bool is_empty() const { return batches == 0 || rows == 0 || columns == 0; }
};

template <typename T, typename Right>
void multiply(const Product& p, void* const* buffers) {
  using Wide = std::conditional_t<is_floating_type<T>, double, int64_t>;
  using Out = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;
  const T* x = static_cast<const T*>(buffers[0]);
  const Right* y = static_cast<const Right*>(buffers[1]);
  Out* out = static_cast<Out*>(buffers[2]);
  auto* offsets = static_cast<int64_t*>(buffers[3]);
  auto* sums = reinterpret_cast<Wide*>(offsets + p.columns_at_once());
  Walk column(p.b_free), a_batch(p.a_batch), b_batch(p.b_batch), row(p.a_free), left(p.a_depth),
      right(p.b_depth);
  for (int64_t first = 0; first < p.columns; first += Product::kColumns) {
    const int64_t count = std::min(Product::kColumns, p.columns - first);
    for (int64_t j = 0; j < count; ++j, column.next()) offsets[j] = column.offset();
    for (int64_t batch = 0; batch < p.batches; ++batch, a_batch.next(), b_batch.next()) {
      for (int64_t r = 0; r < p.rows; ++r, row.next()) {
        std::fill(sums, sums + count, Wide(0));
        for (int64_t k = 0; k < p.depth; ++k, left.next(), right.next()) {
          const Wide value = static_cast<Wide>(x[a_batch.offset() + row.offset() + left.offset()]);
          const Right* from = y + b_batch.offset() + right.offset();
          for (int64_t j = 0; j < count; ++j)
            sums[j] = wrapping_add(
                sums[j],
                wrapping_multiply(value, static_cast<Wide>(convert_element<T>(from[offsets[j]]))));
        }
        Out* to = out + (batch * p.rows + r) * p.columns + first;
        for (int64_t j = 0; j < count; ++j) to[j] = convert_element<Out>(sums[j]);
      }
    }
  }
}

}  // namespace

std::unique_ptr<Kernel> make_contract(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const ValueType a = graph.type(n.inputs[0]), b = graph.type(n.inputs[1]);
  const Contract c = Contract::of(graph, n);
  const auto p = std::make_shared<const Product>(Product{
      .a_batch = {a.shape, c.lhs.batch},
      .a_free = {a.shape, c.lhs.free},
      .a_depth = {a.shape, c.lhs.depth},
      .b_batch = {b.shape, c.rhs.batch},
      .b_free = {b.shape, c.rhs.free},
      .b_depth = {b.shape, c.rhs.depth},
      .batches = extent(a.shape, c.lhs.batch),
      .rows = extent(a.shape, c.lhs.free),
      .depth = extent(a.shape, c.lhs.depth),
      .columns = extent(b.shape, c.rhs.free),
  });
  const int64_t scratch = p->is_empty() ? 0 : p->columns_at_once() * 16;
  return std::make_unique<LoopKernel>(
      [p, dtype = a.dtype, from = b.dtype](void* const* buffers) {
        if (p->is_empty()) return;
        if (from == dtype)
          dispatch_dtype(dtype,
                         [&](auto zero) { multiply<decltype(zero), decltype(zero)>(*p, buffers); });
        else if (from == DType::kFloat32)
          multiply<bfloat16, float>(*p, buffers);
        else
          multiply<bfloat16, double>(*p, buffers);
      },
      scratch);
}

}  // namespace sinter::reference

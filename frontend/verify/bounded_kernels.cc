// Products, gathers, random numbers and moves on values with error bounds.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/graph.h"
#include "core/philox.h"
#include "frontend/verify/bounded_kernels.h"

namespace sinter::verification {
namespace {

using Ints = std::vector<int64_t>;
using Elements = std::vector<Bounded>;

struct Side {
  Ints batch, free, contracted;  // offsets
};

Ints offsets(const Shape& shape, const Ints& axes) {
  const Ints strides = shape.strides();
  Ints result = {0};
  for (int64_t axis : axes) {
    const int d = shape.normalize_axis(static_cast<int>(axis));
    Ints next;
    for (int64_t base : result) {
      for (int64_t i = 0; i < shape[d]; ++i)
        next.push_back(base + i * strides[static_cast<size_t>(d)]);
    }
    result = std::move(next);
  }
  return result;
}

Side side(const Shape& shape, const Ints& batch, const Ints& contracted) {
  std::vector<bool> taken(static_cast<size_t>(shape.rank()), false);
  for (const Ints* list : {&batch, &contracted}) {
    for (int64_t a : *list)
      taken[static_cast<size_t>(shape.normalize_axis(static_cast<int>(a)))] = true;
  }
  Ints free;
  for (int64_t d = 0; d < shape.rank(); ++d) {
    if (!taken[static_cast<size_t>(d)]) free.push_back(d);
  }
  return {offsets(shape, batch), offsets(shape, free), offsets(shape, contracted)};
}

// Where a gather reads, or a scatter_add adds, for each of its indices: `whole` is the shape that
// has the axis.
struct Indexed {
  Indexed(const Node& n, const Shape& whole, const BoundedTensor& indices)
      : elements(indices.elements) {
    const int axis = whole.normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
    const auto batch_dims = static_cast<int>(n.attributes.get_int("batch_dims"));
    length = whole[axis];
    for (int d = axis + 1; d < whole.rank(); ++d) inner *= whole[d];
    for (int d = batch_dims; d < axis; ++d) outer *= whole[d];
    for (int d = batch_dims; d < indices.type.shape.rank(); ++d) count *= indices.type.shape[d];
  }
  /// The index of element e of what is read, or of the updates.
  const Bounded& index(int64_t e) const {
    const int64_t row = e / inner;
    return elements[static_cast<size_t>(row / count / outer * count + row % count)];
  }
  /// The element of the whole that it belongs to.
  size_t place(int64_t e) const {
    const int64_t at = std::clamp<int64_t>(index(e).integer, 0, length - 1);
    return static_cast<size_t>((e / inner / count * length + at) * inner + e % inner);
  }

  const Elements& elements;
  int64_t length = 1, inner = 1, outer = 1, count = 1;
};

}  // namespace

Bounded wrapped(DType dtype, int64_t value) {
  const ScalarInstruction cast{ScalarOp::kCast, dtype, {0, -1, -1}, 0};
  return {0, evaluate_instruction(cast, DType::kInt64, {0, value}, {}, {}).i, 0};
}

Bounded stored(DType dtype, const Bounded& b) {
  if (!is_for_storage(dtype)) return b;
  return bounded_instruction({ScalarOp::kCast, dtype, {0, -1, -1}, 0}, DType::kFloat32, b, {}, {});
}

void bounded_contract(const Node& n, const BoundedInputs& in, BoundedTensor& out) {
  const BoundedTensor &a = *in[0], &b = *in[1];
  const Side left =
      side(a.type.shape, n.attributes.get_ints("lhs_batch"), n.attributes.get_ints("lhs_contract"));
  const Side right =
      side(b.type.shape, n.attributes.get_ints("rhs_batch"), n.attributes.get_ints("rhs_contract"));
  // The right side of a bfloat16 left side is rounded to it.
  Elements rounded;
  const Elements* from = &b.elements;
  if (a.type.dtype == DType::kBFloat16 && b.type.dtype != DType::kBFloat16) {
    for (const Bounded& x : b.elements)
      rounded.push_back(bounded_instruction({ScalarOp::kCast, DType::kBFloat16, {0, -1, -1}, 0},
                                            b.type.dtype, x, {}, {}));
    from = &rounded;
  }
  const DType dtype = arithmetic_dtype(a.type.dtype);
  const double tiny = is_floating(dtype) ? smallest_normal(dtype) : 0;
  size_t next = 0;
  for (size_t batch = 0; batch < left.batch.size(); ++batch) {
    for (int64_t row : left.free) {
      for (int64_t column : right.free) {
        Sum sum(dtype, Sum::kRunOfProducts);
        for (size_t k = 0; k < left.contracted.size(); ++k) {
          const Bounded& x =
              a.elements[static_cast<size_t>(left.batch[batch] + row + left.contracted[k])];
          const Bounded& y =
              (*from)[static_cast<size_t>(right.batch[batch] + column + right.contracted[k])];
          if (!is_floating(dtype)) {
            sum.add({0,
                     static_cast<int64_t>(static_cast<uint64_t>(x.integer) *
                                          static_cast<uint64_t>(y.integer)),
                     x.radius + y.radius});
            continue;
          }
          // The product itself is not rounded by much: the sum's bound covers it. Fast products
          // of bfloat16 take subnormal numbers for zero.
          Bounded p = bounded_instruction({ScalarOp::kMul, dtype, {0, 1, -1}, 0}, dtype, x, y, {});
          if (std::fabs(x.value) < tiny && x.value != 0) p.radius += tiny * std::fabs(y.value);
          if (std::fabs(y.value) < tiny && y.value != 0) p.radius += tiny * std::fabs(x.value);
          sum.add(p);
        }
        out.elements[next++] = sum.result();
      }
    }
  }
}

void allow_transforms(const BoundedInputs& in, BoundedTensor& out) {
  if (out.type.dtype != DType::kFloat32 || out.elements.empty()) return;
  // Of F(4x4, 3x3) in two dimensions the rows of the transforms add up to 10^2 (input), 1 (kernel)
  // and 19^2 (result) in absolute values; each of nine products of a term is rounded with them.
  constexpr double kGrowth = 100.0 * 361.0;
  const auto most_of = [](const BoundedTensor& t) {
    double most = 0;
    for (const Bounded& b : t.elements) {
      const double size = std::fabs(b.value) + b.radius;
      most = std::isfinite(size) ? std::max(most, size) : INFINITY;
    }
    return most;
  };
  const double terms = std::sqrt(static_cast<double>(in[0]->elements.size()) *
                                 static_cast<double>(in[1]->elements.size()) /
                                 static_cast<double>(out.elements.size()));
  const double sizes = most_of(*in[0]) * most_of(*in[1]);
  const double largest = kGrowth * sizes * terms;
  const bool may_overflow = !(largest < std::numeric_limits<float>::max());
  const double radius =
      unit_roundoff(DType::kFloat32) * largest / 9 + kGrowth * smallest_normal(DType::kFloat32);
  for (Bounded& b : out.elements)
    b = may_overflow ? unknown() : Bounded{b.value, 0, b.radius + radius};
}

void bounded_gather(const Node& n, const BoundedInputs& in, BoundedTensor& out) {
  const BoundedTensor& x = *in[0];
  const Indexed indexed(n, x.type.shape, *in[1]);
  for (size_t r = 0; r < out.elements.size(); ++r) {
    const auto e = static_cast<int64_t>(r);
    if (indexed.index(e).radius > 0)
      out.elements[r] = out.type.dtype == DType::kBool ? Bounded{0, 0, 1} : unknown();
    else
      out.elements[r] = x.elements[indexed.place(e)];
  }
}

void bounded_scatter_add(const Node& n, const BoundedInputs& in, BoundedTensor& out) {
  const BoundedTensor &indices = *in[0], &updates = *in[1];
  const Indexed indexed(n, out.type.shape, indices);
  const bool sure =
      std::ranges::all_of(indices.elements, [](const Bounded& b) { return b.radius == 0; });
  // Updates of one place are added one after the other.
  std::vector<Sum> sums(out.elements.size(),
                        Sum(out.type.dtype, std::numeric_limits<int64_t>::max()));
  for (size_t u = 0; u < updates.elements.size() && sure; ++u)
    sums[indexed.place(static_cast<int64_t>(u))].add(updates.elements[u]);
  for (size_t r = 0; r < sums.size(); ++r)
    out.elements[r] = sure ? stored(out.type.dtype, sums[r].result()) : unknown();
}

void bounded_random(const Node& n, const BoundedInputs& in, BoundedTensor& out) {
  const Elements& state = in[0]->elements;
  const int64_t stream = n.attributes.get_int("stream");
  const bool sure = state[0].radius == 0 && state[1].radius == 0;
  const bool short_bits = n.attributes.get_string("distribution") == "bits16";
  for (size_t r = 0; r < out.elements.size(); ++r) {
    const auto i = static_cast<int64_t>(r);
    const uint32_t bits = short_bits ? philox_bits16(state[0].integer, state[1].integer, stream, i)
                                     : philox_bits(state[0].integer, state[1].integer, stream, i);
    out.elements[r] = !sure                         ? unknown()
                      : is_floating(out.type.dtype) ? Bounded{uniform_from_bits(bits), 0, 0}
                                                    : Bounded{0, static_cast<int32_t>(bits), 0};
  }
}

void bounded_move(const Node& n, const BoundedInputs& in, BoundedTensor& out) {
  const Shape& to = out.type.shape;
  const auto rank = static_cast<size_t>(to.rank());
  const DType dtype = out.type.dtype;
  if (n.is(KernelOp::kIota) || n.is(KernelOp::kSize)) {
    if (n.is(KernelOp::kSize)) {
      const int64_t dim = in[0]->type.shape.dim(static_cast<int>(n.attributes.get_int("axis")));
      out.elements[0] = {static_cast<double>(dim), dim, 0};
      return;
    }
    Ints strides(rank, 0);
    strides[static_cast<size_t>(
        to.normalize_axis(static_cast<int>(n.attributes.get_int("axis"))))] = 1;
    walk(to, strides, 0, [&](int64_t i, int64_t index) {
      const Bounded wide = wrapped(dtype, index);
      out.elements[static_cast<size_t>(i)] =
          is_floating(dtype) ? stored(dtype, {static_cast<double>(index), 0, 0}) : wide;
    });
    return;
  }
  if (n.is(KernelOp::kConcat)) {
    const int axis = to.normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
    const Ints strides = to.strides();
    int64_t base = 0;
    for (size_t k = 0; k < n.inputs.size(); ++k) {
      const BoundedTensor& x = *in[k];
      walk(x.type.shape, strides, base, [&](int64_t i, int64_t at) {
        out.elements[static_cast<size_t>(at)] = x.elements[static_cast<size_t>(i)];
      });
      base += x.type.shape[axis] * strides[static_cast<size_t>(axis)];
    }
    return;
  }
  const BoundedTensor& x = *in[0];
  const Ints from = x.type.shape.strides();
  if (n.is(KernelOp::kReshape)) {
    out.elements = x.elements;
    return;
  }
  if (n.is(KernelOp::kPad)) {
    const double value = n.attributes.get_float("value");
    const Bounded filler = bounded_instruction({ScalarOp::kCast, dtype, {0, -1, -1}, 0},
                                               DType::kFloat64, {value, 0, 0}, {}, {});
    std::ranges::fill(out.elements, filler);
    const Ints strides = to.strides();
    int64_t base = 0;
    for (size_t d = 0; d < rank; ++d) base += n.attributes.get_ints("low")[d] * strides[d];
    walk(x.type.shape, strides, base, [&](int64_t i, int64_t at) {
      out.elements[static_cast<size_t>(at)] = x.elements[static_cast<size_t>(i)];
    });
    return;
  }
  Ints strides(rank, 0);
  int64_t base = 0;
  if (n.is(KernelOp::kTranspose)) {
    for (size_t d = 0; d < rank; ++d)
      strides[d] = from[static_cast<size_t>(
          x.type.shape.normalize_axis(static_cast<int>(n.attributes.get_ints("perm")[d])))];
  } else if (n.is(KernelOp::kBroadcast)) {
    const Ints& dims = n.attributes.get_ints("dims");
    for (size_t i = 0; i < dims.size(); ++i) {
      if (x.type.shape[static_cast<int>(i)] != 1) strides[static_cast<size_t>(dims[i])] = from[i];
    }
  } else if (n.is(KernelOp::kAsStrided)) {
    base = n.attributes.get_int("offset");
    strides = n.attributes.get_ints("strides");
  } else if (n.is(KernelOp::kSlice)) {
    for (size_t d = 0; d < rank; ++d) {
      base += n.attributes.get_ints("begin")[d] * from[d];
      strides[d] = n.attributes.get_ints("stride")[d] * from[d];
    }
  } else {
    throw Error(fmt::format(
        "the error bounds of '{}' are not known: say it in frontend/verify/bounded_kernels.cc",
        n.op->name));
  }
  walk(to, strides, base, [&](int64_t i, int64_t at) {
    out.elements[static_cast<size_t>(i)] = x.elements[static_cast<size_t>(at)];
  });
}

}  // namespace sinter::verification

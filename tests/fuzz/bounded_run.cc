// The kernel ops on values with error bounds, by their definitions in core/kernel_ops.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "core/philox.h"
#include "tests/fuzz/bounded.h"

namespace sinter::fuzz {
namespace {

using Ints = std::vector<int64_t>;
using Elements = std::vector<Bounded>;

BoundedTensor from_tensor(const Tensor& t) {
  BoundedTensor result{t.type(), Elements(static_cast<size_t>(t.elements()))};
  dispatch_dtype(t.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::span<const T> data = t.data<T>();
    for (size_t i = 0; i < data.size(); ++i) {
      if constexpr (is_floating_type<T>)
        result.elements[i].value = static_cast<double>(data[i]);
      else
        result.elements[i].integer = static_cast<int64_t>(data[i]);
    }
  });
  return result;
}

Bounded wrapped(DType dtype, int64_t value) {
  const ScalarInstruction cast{ScalarOp::kCast, dtype, {0, -1, -1}, 0};
  return {0, evaluate_instruction(cast, DType::kInt64, {0, value}, {}, {}).i, 0};
}

// A float made in the arithmetic dtype, as it is stored.
Bounded stored(DType dtype, const Bounded& b) {
  if (dtype != DType::kBFloat16) return b;
  return bounded_instruction({ScalarOp::kCast, dtype, {0, -1, -1}, 0}, DType::kFloat32, b, {}, {});
}

// Sums of floats and of integers, in any order.
class Sum {
 public:
  explicit Sum(DType dtype) : dtype_(arithmetic_dtype(dtype)) {}
  void add(const Bounded& x) {
    integer_ =
        static_cast<int64_t>(static_cast<uint64_t>(integer_) + static_cast<uint64_t>(x.integer));
    value_ += x.value;
    magnitude_ += std::fabs(x.value);
    radius_ += x.radius;
    exact_ = exact_ && x.radius == 0 && is_exact(x.value);
    nan_ = nan_ || (x.radius == 0 && std::isnan(x.value));
    ++terms_;
  }
  Bounded result() const {
    if (!is_floating(dtype_)) return radius_ > 0 ? unknown() : wrapped(dtype_, integer_);
    if (nan_) return {std::nan(""), 0, 0};
    if (std::isinf(radius_)) return unknown();
    if (!std::isfinite(value_)) return {value_, 0, 0};
    if (exact_ && is_exact(magnitude_)) return {value_, 0, 0};
    return bounded_float(dtype_, value_, radius_,
                         terms_ < 2 ? 0 : sum_radius(dtype_, terms_, magnitude_ + radius_));
  }

 private:
  DType dtype_;
  double value_ = 0, magnitude_ = 0, radius_ = 0;
  int64_t integer_ = 0, terms_ = 0;
  bool exact_ = true, nan_ = false;
};

// Walks an index space: `at` of each list of strides, in row-major order.
template <typename F>
void walk(const Shape& shape, const Ints& strides, int64_t base, F&& visit) {
  std::array<int64_t, 32> index{};
  const int64_t count = shape.elements();
  int64_t at = base;
  for (int64_t n = 0; n < count; ++n) {
    visit(n, at);
    for (int d = shape.rank() - 1; d >= 0; --d) {
      const auto k = static_cast<size_t>(d);
      at += strides[k];
      if (++index[k] < shape[d]) break;
      at -= strides[k] * shape[d];
      index[k] = 0;
    }
  }
}

class Runner {
 public:
  Runner(const Graph& graph, const std::vector<Tensor>& inputs,
         const std::vector<Tensor>& variables)
      : graph_(graph), inputs_(inputs), variables_(variables) {}

  std::vector<std::vector<BoundedTensor>> run() {
    size_t input = 0, variable = 0;
    const std::vector<bool> live = graph_.live_nodes();
    for (int32_t i = 0; i < graph_.size(); ++i) {
      const Node& n = graph_.node(i);
      std::vector<BoundedTensor> results;
      if (!live[static_cast<size_t>(i)]) {
        values_.push_back(std::move(results));
        continue;
      }
      for (const ValueType& t : n.types)
        results.push_back({t, Elements(static_cast<size_t>(t.shape.elements()))});
      if (n.is("input"))
        results[0] = from_tensor(inputs_.at(input++));
      else if (n.is("variable"))
        results[0] = from_tensor(variables_.at(variable++));
      else if (n.is("constant"))
        results[0] = from_tensor(n.attributes.get<Tensor>("value"));
      else
        compute(n, results);
      values_.push_back(std::move(results));
    }
    return std::move(values_);
  }

 private:
  const BoundedTensor& in(const Node& n, size_t k) const {
    const ValueId id = n.inputs[k];
    return values_[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)];
  }

  void compute(const Node& n, std::vector<BoundedTensor>& out) {
    if (n.is("map")) return map(n, out);
    if (n.is("reduce")) return reduce(n, out[0]);
    if (n.is("arg_reduce")) return arg_reduce(n, out[0]);
    if (n.is("contract")) return contract(n, out[0]);
    if (n.is("gather")) return gather(n, out[0]);
    if (n.is("scatter_add")) return scatter_add(n, out[0]);
    if (n.is("random")) return random(n, out[0]);
    move(n, out[0]);
  }

  void map(const Node& n, std::vector<BoundedTensor>& out) {
    const ScalarExpr& body = n.attributes.get_expr("body");
    std::vector<Bounded> values(body.instructions.size());
    const size_t count = out[0].elements.size();
    for (size_t e = 0; e < count; ++e) {
      for (size_t k = 0; k < values.size(); ++k) {
        const ScalarInstruction& i = body.instructions[k];
        if (i.op == ScalarOp::kArgument) {
          values[k] = in(n, static_cast<size_t>(i.operands[0])).elements[e];
          continue;
        }
        static const Bounded none;
        const auto operand = [&](size_t o) -> const Bounded& {
          return i.operands[o] < 0 ? none : values[static_cast<size_t>(i.operands[o])];
        };
        const int32_t typed = i.operands[i.op == ScalarOp::kSelect ? 1 : 0];
        const DType dtype =
            typed < 0 ? i.dtype : body.instructions[static_cast<size_t>(typed)].dtype;
        values[k] = bounded_instruction(i, dtype, operand(0), operand(1), operand(2));
      }
      for (size_t r = 0; r < body.results.size(); ++r)
        out[r].elements[e] = values[static_cast<size_t>(body.results[r])];
    }
  }

  // Strides of the results' elements along the dimensions of the operand.
  Ints result_strides(const Node& n, const Shape& from) const {
    const std::vector<bool> reduced = reduced_dims(graph_, n);
    Ints strides(static_cast<size_t>(from.rank()), 0);
    int64_t stride = 1;
    for (int d = from.rank() - 1; d >= 0; --d) {
      if (reduced[static_cast<size_t>(d)]) continue;
      strides[static_cast<size_t>(d)] = stride;
      stride *= from[d];
    }
    return strides;
  }

  void reduce(const Node& n, BoundedTensor& out) {
    const BoundedTensor& x = in(n, 0);
    const std::string& kind = n.attributes.get_string("kind");
    const DType dtype = out.type.dtype, wide = arithmetic_dtype(dtype);
    const Ints strides = result_strides(n, x.type.shape);
    if (kind == "sum") {
      std::vector<Sum> sums(out.elements.size(), Sum(is_floating(dtype) ? wide : dtype));
      walk(x.type.shape, strides, 0, [&](int64_t i, int64_t at) {
        sums[static_cast<size_t>(at)].add(x.elements[static_cast<size_t>(i)]);
      });
      for (size_t r = 0; r < sums.size(); ++r) out.elements[r] = stored(dtype, sums[r].result());
      return;
    }
    const ScalarOp op = kind == "prod"  ? ScalarOp::kMul
                        : kind == "max" ? ScalarOp::kMax
                                        : ScalarOp::kMin;
    std::vector<char> first(out.elements.size(), 1);
    for (Bounded& b : out.elements) b = empty_reduction(kind, dtype);
    walk(x.type.shape, strides, 0, [&](int64_t i, int64_t at) {
      Bounded& total = out.elements[static_cast<size_t>(at)];
      const Bounded& element = x.elements[static_cast<size_t>(i)];
      if (first[static_cast<size_t>(at)]) {
        total = element;
        first[static_cast<size_t>(at)] = 0;
      } else if (dtype == DType::kBool) {
        const ScalarOp logic = kind == "max" ? ScalarOp::kOr : ScalarOp::kAnd;
        total = bounded_instruction({logic, dtype, {0, 1, -1}, 0}, dtype, total, element, {});
      } else {
        total = bounded_instruction({op, wide, {0, 1, -1}, 0}, wide, total, element, {});
      }
    });
    if (is_floating(dtype)) {
      for (Bounded& b : out.elements) b = stored(dtype, b);
    }
  }

  static Bounded empty_reduction(const std::string& kind, DType dtype) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (kind == "prod") return {1, 1, 0};
    const bool low = kind == "max";
    return dispatch_dtype(dtype, [&](auto zero) -> Bounded {
      using T = decltype(zero);
      if constexpr (is_floating_type<T>)
        return {low ? -kInfinity : kInfinity, 0, 0};
      else
        return {0,
                static_cast<int64_t>(low ? std::numeric_limits<T>::lowest()
                                         : std::numeric_limits<T>::max()),
                0};
    });
  }

  // Is `x` the better one for certain (1), for certain not (-1), or does it hang on rounding (0)?
  // The first of equals wins, and a NaN counts as the extreme.
  static int better(DType dtype, bool largest, const Bounded& x, const Bounded& best) {
    if (!is_floating(dtype)) {
      if (x.radius > 0 || best.radius > 0) return 0;
      return (largest ? best.integer < x.integer : x.integer < best.integer) ? 1 : -1;
    }
    if (best.radius == 0 && std::isnan(best.value)) return -1;
    if (is_unknown(x) || is_unknown(best)) return 0;
    if (x.radius == 0 && std::isnan(x.value)) return 1;
    const double sign = largest ? 1 : -1;
    const double low_x = sign * x.value - x.radius, high_x = sign * x.value + x.radius;
    const double low = sign * best.value - best.radius, high = sign * best.value + best.radius;
    if (low_x > high) return 1;
    return high_x < low || (x.radius == 0 && best.radius == 0) ? -1 : 0;
  }

  void arg_reduce(const Node& n, BoundedTensor& out) {
    const BoundedTensor& x = in(n, 0);
    const int axis = x.type.shape.normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
    const bool largest = n.attributes.get_string("kind") == "argmax";
    int64_t inner = 1;
    for (int d = axis + 1; d < x.type.shape.rank(); ++d) inner *= x.type.shape[d];
    const int64_t length = x.type.shape[axis];
    for (size_t r = 0; r < out.elements.size(); ++r) {
      const int64_t o = static_cast<int64_t>(r) / inner, i = static_cast<int64_t>(r) % inner;
      const auto element = [&](int64_t k) -> const Bounded& {
        return x.elements[static_cast<size_t>((o * length + k) * inner + i)];
      };
      // The best centre, then whether every other one is surely worse.
      int64_t best = 0;
      bool sure = true;
      for (int64_t k = 1; k < length; ++k) {
        Bounded a = element(k), b = element(best);
        if (is_unknown(a) || is_unknown(b)) sure = false;
        a.radius = b.radius = 0;
        if (better(x.type.dtype, largest, a, b) > 0) best = k;
      }
      for (int64_t k = 0; k < length && sure; ++k) {
        if (k == best) continue;
        const int verdict = k < best ? better(x.type.dtype, largest, element(best), element(k))
                                     : -better(x.type.dtype, largest, element(k), element(best));
        sure = verdict > 0;
      }
      if (length > 0 && is_unknown(element(best))) sure = false;
      out.elements[r] = sure || length < 2 ? Bounded{0, best, 0} : unknown();
    }
  }

  struct Side {
    Ints batch, free, contracted;  // offsets
  };

  static Ints offsets(const Shape& shape, const Ints& axes) {
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

  static Side side(const Shape& shape, const Ints& batch, const Ints& contracted) {
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

  void contract(const Node& n, BoundedTensor& out) {
    const BoundedTensor &a = in(n, 0), &b = in(n, 1);
    const Side left = side(a.type.shape, n.attributes.get_ints("lhs_batch"),
                           n.attributes.get_ints("lhs_contract"));
    const Side right = side(b.type.shape, n.attributes.get_ints("rhs_batch"),
                            n.attributes.get_ints("rhs_contract"));
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
          Sum sum(dtype);
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
            Bounded p =
                bounded_instruction({ScalarOp::kMul, dtype, {0, 1, -1}, 0}, dtype, x, y, {});
            if (std::fabs(x.value) < tiny && x.value != 0) p.radius += tiny * std::fabs(y.value);
            if (std::fabs(y.value) < tiny && y.value != 0) p.radius += tiny * std::fabs(x.value);
            sum.add(p);
          }
          out.elements[next++] = sum.result();
        }
      }
    }
  }

  // Indices around the gathered axis.
  static int64_t inner_of(const Shape& shape, int axis) {
    int64_t inner = 1;
    for (int d = axis + 1; d < shape.rank(); ++d) inner *= shape[d];
    return inner;
  }

  void gather(const Node& n, BoundedTensor& out) {
    const BoundedTensor &x = in(n, 0), &indices = in(n, 1);
    const int axis = x.type.shape.normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
    const int64_t inner = inner_of(x.type.shape, axis), length = x.type.shape[axis];
    const auto count = static_cast<int64_t>(indices.elements.size());
    for (size_t r = 0; r < out.elements.size(); ++r) {
      const auto e = static_cast<int64_t>(r);
      const int64_t k = e % inner, i = e / inner % count, o = e / inner / count;
      const Bounded& index = indices.elements[static_cast<size_t>(i)];
      if (index.radius > 0) {
        out.elements[r] = out.type.dtype == DType::kBool ? Bounded{0, 0, 1} : unknown();
        continue;
      }
      const int64_t at = std::clamp<int64_t>(index.integer, 0, length - 1);
      out.elements[r] = x.elements[static_cast<size_t>((o * length + at) * inner + k)];
    }
  }

  void scatter_add(const Node& n, BoundedTensor& out) {
    const BoundedTensor &indices = in(n, 0), &updates = in(n, 1);
    const int axis = out.type.shape.normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
    const int64_t inner = inner_of(out.type.shape, axis), length = out.type.shape[axis];
    const auto count = static_cast<int64_t>(indices.elements.size());
    const bool sure =
        std::ranges::all_of(indices.elements, [](const Bounded& b) { return b.radius == 0; });
    std::vector<Sum> sums(out.elements.size(), Sum(out.type.dtype));
    for (size_t u = 0; u < updates.elements.size() && sure; ++u) {
      const auto e = static_cast<int64_t>(u);
      const int64_t k = e % inner, i = e / inner % count, o = e / inner / count;
      const int64_t at =
          std::clamp<int64_t>(indices.elements[static_cast<size_t>(i)].integer, 0, length - 1);
      sums[static_cast<size_t>((o * length + at) * inner + k)].add(updates.elements[u]);
    }
    for (size_t r = 0; r < sums.size(); ++r)
      out.elements[r] = sure ? stored(out.type.dtype, sums[r].result()) : unknown();
  }

  void random(const Node& n, BoundedTensor& out) {
    const Elements& state = in(n, 0).elements;
    const int64_t stream = n.attributes.get_int("stream");
    const bool sure = state[0].radius == 0 && state[1].radius == 0;
    const bool short_bits = n.attributes.get_string("distribution") == "bits16";
    for (size_t r = 0; r < out.elements.size(); ++r) {
      const auto i = static_cast<int64_t>(r);
      const uint32_t bits = short_bits
                                ? philox_bits16(state[0].integer, state[1].integer, stream, i)
                                : philox_bits(state[0].integer, state[1].integer, stream, i);
      out.elements[r] = !sure                         ? unknown()
                        : is_floating(out.type.dtype) ? Bounded{uniform_from_bits(bits), 0, 0}
                                                      : Bounded{0, static_cast<int32_t>(bits), 0};
    }
  }

  void move(const Node& n, BoundedTensor& out) {
    const Shape& to = out.type.shape;
    const auto rank = static_cast<size_t>(to.rank());
    const DType dtype = out.type.dtype;
    if (n.is("iota") || n.is("size")) {
      if (n.is("size")) {
        const int64_t dim = in(n, 0).type.shape.dim(static_cast<int>(n.attributes.get_int("axis")));
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
    if (n.is("concat")) {
      const int axis = to.normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
      const Ints strides = to.strides();
      int64_t base = 0;
      for (size_t k = 0; k < n.inputs.size(); ++k) {
        const BoundedTensor& x = in(n, k);
        walk(x.type.shape, strides, base, [&](int64_t i, int64_t at) {
          out.elements[static_cast<size_t>(at)] = x.elements[static_cast<size_t>(i)];
        });
        base += x.type.shape[axis] * strides[static_cast<size_t>(axis)];
      }
      return;
    }
    const BoundedTensor& x = in(n, 0);
    const Ints from = x.type.shape.strides();
    if (n.is("reshape")) {
      out.elements = x.elements;
      return;
    }
    if (n.is("pad")) {
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
    if (n.is("transpose")) {
      for (size_t d = 0; d < rank; ++d)
        strides[d] = from[static_cast<size_t>(
            x.type.shape.normalize_axis(static_cast<int>(n.attributes.get_ints("perm")[d])))];
    } else if (n.is("broadcast")) {
      const Ints& dims = n.attributes.get_ints("dims");
      for (size_t i = 0; i < dims.size(); ++i) {
        if (x.type.shape[static_cast<int>(i)] != 1) strides[static_cast<size_t>(dims[i])] = from[i];
      }
    } else if (n.is("slice")) {
      for (size_t d = 0; d < rank; ++d) {
        base += n.attributes.get_ints("begin")[d] * from[d];
        strides[d] = n.attributes.get_ints("stride")[d] * from[d];
      }
    } else {
      throw Error(
          fmt::format("the error bounds of '{}' are not known: say it in tests/fuzz/bounded_run.cc",
                      n.op->name));
    }
    walk(to, strides, base, [&](int64_t i, int64_t at) {
      out.elements[static_cast<size_t>(i)] = x.elements[static_cast<size_t>(at)];
    });
  }

  const Graph& graph_;
  const std::vector<Tensor>&inputs_, &variables_;
  std::vector<std::vector<BoundedTensor>> values_;
};

}  // namespace

std::vector<std::vector<BoundedTensor>> bounded_run(const Graph& lowered,
                                                    const std::vector<Tensor>& inputs,
                                                    const std::vector<Tensor>& variables) {
  return Runner(lowered, inputs, variables).run();
}

std::string judge(const Tensor& got, const BoundedTensor& want, JudgeCounts* counts) {
  if (got.type() != want.type)
    return fmt::format("is {}, expected {}", got.type().to_string(), want.type.to_string());
  const DType dtype = got.dtype();
  for (int64_t i = 0; i < got.elements(); ++i) {
    const Bounded& w = want.elements[static_cast<size_t>(i)];
    if (counts != nullptr) {
      ++counts->elements;
      if (is_unknown(w) || (dtype == DType::kBool && w.radius > 0))
        ++counts->unknown;
      else if (w.radius > std::fabs(w.value) / 100 && w.radius > 1e-5)
        ++counts->loose;
    }
    if (dtype == DType::kBool && static_cast<const uint8_t*>(got.raw())[i] > 1)
      return fmt::format("element {} is the byte {}, which is no bool", i,
                         static_cast<const uint8_t*>(got.raw())[i]);
    if (!is_floating(dtype)) {
      if (w.radius > 0) continue;
      const int64_t value = dtype == DType::kInt64 ? got.data<int64_t>()[static_cast<size_t>(i)]
                                                   : static_cast<int64_t>(got.at(i));
      if (value != w.integer)
        return fmt::format("element {} is {}, expected {}", i, value, w.integer);
      continue;
    }
    if (is_unknown(w)) continue;
    const double value = got.at(i);
    const bool same = std::isnan(w.value)   ? std::isnan(value)
                      : std::isinf(w.value) ? value == w.value
                                            : std::fabs(value - w.value) <= w.radius;
    if (!same)
      return fmt::format("element {} is {:.9g}, expected {:.9g} within {:.3g}", i, value, w.value,
                         w.radius);
  }
  return "";
}

}  // namespace sinter::fuzz

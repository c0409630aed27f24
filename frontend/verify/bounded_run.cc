// The kernel ops on values with error bounds, by their definitions in core/kernel_ops.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/graph.h"
#include "core/kernel_ops.h"
#include "frontend/verify/bounded_kernels.h"

namespace sinter::verification {
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

bool has_branches(const ScalarInstruction& i) {
  return i.op == ScalarOp::kSelect || i.op == ScalarOp::kMax || i.op == ScalarOp::kMin;
}

class Runner {
 public:
  Runner(const Graph& graph, const std::vector<Tensor>& inputs,
         const std::vector<Tensor>& variables, bool strict, Branches* branches)
      : graph_(graph),
        inputs_(inputs),
        variables_(variables),
        transforms_(!strict &&
                    std::ranges::any_of(graph.nodes(),
                                        [](const Node& n) { return n.is(KernelOp::kAsStrided); })),
        branches_(branches) {}

  std::vector<std::vector<BoundedTensor>> run() {
    size_t input = 0, variable = 0;
    const std::vector<bool> live = graph_.live_nodes();
    for (int32_t i = 0; i < graph_.size(); ++i) {
      const Node& n = graph_.node(i);
      std::vector<BoundedTensor> results;
      index_ = i;
      if (!live[static_cast<size_t>(i)]) {
        values_.push_back(std::move(results));
        continue;
      }
      for (const ValueType& t : n.types)
        results.push_back({t, Elements(static_cast<size_t>(t.shape.elements()))});
      if (n.is(KernelOp::kInput))
        results[0] = from_tensor(inputs_.at(input++));
      else if (n.is(KernelOp::kVariable))
        results[0] = from_tensor(variables_.at(variable++));
      else if (n.is(KernelOp::kConstant))
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
    if (n.is(KernelOp::kMap)) return map(n, out);
    if (n.is(KernelOp::kReduce)) return reduce(n, out[0]);
    if (n.is(KernelOp::kArgReduce)) return arg_reduce(n, out[0]);
    BoundedInputs inputs;
    for (size_t k = 0; k < n.inputs.size(); ++k) inputs.push_back(&in(n, k));
    if (n.is(KernelOp::kContract)) {
      bounded_contract(n, inputs, out[0]);
      if (transforms_) allow_transforms(inputs, out[0]);
      return;
    }
    if (n.is(KernelOp::kGather)) return bounded_gather(n, inputs, out[0]);
    if (n.is(KernelOp::kScatterAdd)) return bounded_scatter_add(n, inputs, out[0]);
    if (n.is(KernelOp::kRandom)) return bounded_random(n, inputs, out[0]);
    bounded_move(n, inputs, out[0]);
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
        if (branches_ != nullptr) note(i, dtype, {index_, static_cast<int32_t>(k)}, values);
      }
      for (size_t r = 0; r < body.results.size(); ++r)
        out[r].elements[e] = values[static_cast<size_t>(body.results[r])];
    }
  }

  // Which side of a branch it is, where that is certain.
  void note(const ScalarInstruction& i, DType dtype, Branches::Place place,
            const std::vector<Bounded>& values) {
    if (!has_branches(i)) return;
    const Bounded& a = values[static_cast<size_t>(i.operands[0])];
    if (i.op == ScalarOp::kSelect) {
      if (a.radius == 0) branches_->take(place, a.integer != 0);
      return;
    }
    const Bounded& b = values[static_cast<size_t>(i.operands[1])];
    if (!is_floating(dtype)) {
      if (a.integer != b.integer) branches_->take(place, a.integer > b.integer);
    } else if (a.value != b.value && std::fabs(a.value - b.value) > a.radius + b.radius) {
      branches_->take(place, a.value > b.value);
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
    const bool multiplies = op == ScalarOp::kMul && is_floating(dtype);
    std::vector<Factors> factors(multiplies ? out.elements.size() : 0, Factors(wide));
    for (Bounded& b : out.elements) b = empty_reduction(kind, dtype);
    walk(x.type.shape, strides, 0, [&](int64_t i, int64_t at) {
      Bounded& total = out.elements[static_cast<size_t>(at)];
      const Bounded& element = x.elements[static_cast<size_t>(i)];
      if (multiplies) factors[static_cast<size_t>(at)].add(element);
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
    for (size_t r = 0; r < factors.size(); ++r) {
      Bounded& b = out.elements[r];
      const bool certain_nan = b.radius == 0 && std::isnan(b.value);
      if (!certain_nan && !factors[r].may_be_taken_in_any_order()) b = unknown();
    }
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

  const Graph& graph_;
  const std::vector<Tensor>&inputs_, &variables_;
  const bool transforms_;  // may products of windows be transformed?
  Branches* branches_;
  int32_t index_ = 0;  // of the node that is computed
  std::vector<std::vector<BoundedTensor>> values_;
};

}  // namespace

std::vector<std::vector<BoundedTensor>> bounded_run(const Graph& lowered,
                                                    const std::vector<Tensor>& inputs,
                                                    const std::vector<Tensor>& variables,
                                                    bool strict, Branches* branches) {
  return Runner(lowered, inputs, variables, strict, branches).run();
}

size_t count_branches(const Graph& lowered) {
  const std::vector<bool> live = lowered.live_nodes();
  size_t count = 0;
  for (int32_t i = 0; i < lowered.size(); ++i) {
    const Node& n = lowered.node(i);
    if (live[static_cast<size_t>(i)] && n.is(KernelOp::kMap))
      count += 2 * static_cast<size_t>(std::ranges::count_if(
                       n.attributes.get_expr("body").instructions, has_branches));
  }
  return count;
}

std::string judge(const Tensor& got, const BoundedTensor& want, JudgeCounts* counts) {
  if (got.type() != want.type)
    return fmt::format("is {}, expected {}", got.type().to_string(), want.type.to_string());
  constexpr int64_t kMostCounted = 4096;
  const int64_t counted = got.elements() / kMostCounted + 1;  // every such element
  const DType dtype = got.dtype();
  for (int64_t i = 0; i < got.elements(); ++i) {
    const Bounded& w = want.elements[static_cast<size_t>(i)];
    if (counts != nullptr && i % counted == 0) {
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
    if (counts != nullptr && same && w.radius > 0 && std::isfinite(value))
      counts->worst = std::max(counts->worst, std::fabs(value - w.value) / w.radius);
    if (!same)
      return fmt::format("element {} is {:.9g}, expected {:.9g} within {:.3g}", i, value, w.value,
                         w.radius);
  }
  return "";
}

}  // namespace sinter::verification

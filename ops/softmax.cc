// softmax and log_softmax along one axis: composites in their stable form (the maximum is
// subtracted first).
#include <optional>

#include "core/scalar_expr.h"
#include "core/sizes.h"
#include "ops/define.h"

namespace sinter {
namespace {

Symbol composite(const char* name, Symbol x, int axis) {
  register_ops();
  const Symbol f = ops::floating(x);
  return x.graph().add1(name, {f}, {{"axis", int64_t{ops::checked_axis(name, f, axis)}}});
}

}  // namespace

Symbol softmax(OpInput x, int axis) { return composite("softmax", x, axis); }
Symbol log_softmax(OpInput x, int axis) { return composite("log_softmax", x, axis); }

namespace ops {
namespace {

using Cotangents = std::vector<std::optional<Symbol>>;

std::vector<int64_t> softmax_axes(const Attributes& a) { return {a.get_int("axis")}; }

// One node that computes `body` of two operands.
Symbol map_of(Symbol a, Symbol b, Scalar (*body)(Scalar a, Scalar b)) {
  const Symbol operands[] = {a, b};
  ScalarBuilder builder({a.dtype(), b.dtype()});
  const Scalar result[] = {body(builder.argument(0), builder.argument(1))};
  return add_map(a.graph(), operands, builder.finish(result))[0];
}

// z = x - max(x), and the sum of exp(z). The largest is 0 apart from itself also where it is
// infinite: one class that is certain, beside which all others are impossible. Which of several
// infinite ones is the largest nobody can say: the sum is NaN then, as it is where x is (which
// counts as several of them).
struct Shifted {
  Symbol z, e, total;
};
Shifted shifted(Symbol x, const std::vector<int64_t>& axes) {
  const Symbol largest = reduce_max(x, axes);
  const Symbol z = map_of(x, unreduce(largest, x.shape(), axes), [](Scalar a, Scalar most) {
    const Scalar below = a - most;
    return select(below < 0.0, below, 0.0);
  });
  const Symbol e = exp(z), total = sum(e, axes);
  const auto unless_certain = [](Scalar sum, Scalar most) {
    return sum + select(sum > 1.0, most - most, 0.0);
  };
  const auto unless_nan = [](Scalar sum, Scalar most) {
    return select(equal(most, most), sum, most);
  };
  const Symbol known = map_of(total, largest, unless_certain);
  const bool may_be_one = x.shape().dim(static_cast<int>(axes[0])) < 2;
  return {z, e, may_be_one ? map_of(known, largest, unless_nan) : known};
}

std::vector<ValueType> checked_type(std::span<const ValueType> in, const Attributes& a) {
  checked_axis(in[0].shape, a.get_int("axis"));
  return {in[0]};
}

}  // namespace

void register_softmax(Registry& r) {
  const std::vector<AttributeSpec> attributes = {axis_spec("axis", AttributeType::kInt)};
  define_composite(
      r, "softmax", 1, 1, attributes, checked_type,
      [](std::span<const Symbol> in, const Attributes& a) {
        const auto axes = softmax_axes(a);
        const Shifted s = shifted(in[0], axes);
        return std::vector<Symbol>{s.e / unreduce(s.total, s.e.shape(), axes)};
      },
      // dx = y * (dy - sum(dy * y))
      [](const GradientContext& c) {
        const auto axes = softmax_axes(c.attributes);
        const Symbol y = c.results[0], dy = *c.cotangents[0];
        return Cotangents{y * (dy - unreduce(sum(dy * y, axes), y.shape(), axes))};
      });
  define_composite(
      r, "log_softmax", 1, 1, attributes, checked_type,
      [](std::span<const Symbol> in, const Attributes& a) {
        const auto axes = softmax_axes(a);
        const Shifted s = shifted(in[0], axes);
        return std::vector<Symbol>{s.z - unreduce(log(s.total), s.z.shape(), axes)};
      },
      // dx = dy - softmax(x) * sum(dy)
      [](const GradientContext& c) {
        const auto axes = softmax_axes(c.attributes);
        const Symbol y = c.results[0], dy = *c.cotangents[0];
        return Cotangents{dy - exp(y) * unreduce(sum(dy, axes), y.shape(), axes)};
      });
}

}  // namespace ops
}  // namespace sinter

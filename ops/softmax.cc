// softmax and log_softmax along one axis: composites in their stable form (the maximum is
// subtracted first).
#include <optional>

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

Symbol softmax(Symbol x, int axis) { return composite("softmax", x, axis); }
Symbol log_softmax(Symbol x, int axis) { return composite("log_softmax", x, axis); }

namespace ops {
namespace {

using Cotangents = std::vector<std::optional<Symbol>>;

std::vector<int64_t> axes_of(const Attributes& a) { return {a.get_int("axis")}; }

Symbol centred(Symbol x, const std::vector<int64_t>& axes) {
  return x - stop_gradient(unreduce(reduce_max(x, axes), x.shape(), axes));
}

std::vector<ValueType> checked_type(std::span<const ValueType> in, const Attributes& a) {
  checked_axis(in[0].shape, a.get_int("axis"));
  return {in[0]};
}

}  // namespace

void register_softmax(Registry& r) {
  const std::vector<AttributeSpec> attributes = {{"axis", AttributeType::kInt}};
  define_composite(
      r, "softmax", 1, 1, attributes, checked_type,
      [](std::span<const Symbol> in, const Attributes& a) {
        const auto axes = axes_of(a);
        const Symbol e = exp(centred(in[0], axes));
        return std::vector<Symbol>{e / unreduce(sum(e, axes), e.shape(), axes)};
      },
      // dx = y * (dy - sum(dy * y))
      [](const GradientContext& c) {
        const auto axes = axes_of(c.attributes);
        const Symbol y = c.results[0], dy = *c.cotangents[0];
        return Cotangents{y * (dy - unreduce(sum(dy * y, axes), y.shape(), axes))};
      });
  define_composite(
      r, "log_softmax", 1, 1, attributes, checked_type,
      [](std::span<const Symbol> in, const Attributes& a) {
        const auto axes = axes_of(a);
        const Symbol z = centred(in[0], axes);
        return std::vector<Symbol>{z - unreduce(log(sum(exp(z), axes)), z.shape(), axes)};
      },
      // dx = dy - softmax(x) * sum(dy)
      [](const GradientContext& c) {
        const auto axes = axes_of(c.attributes);
        const Symbol y = c.results[0], dy = *c.cotangents[0];
        return Cotangents{dy - exp(y) * unreduce(sum(dy, axes), y.shape(), axes)};
      });
}

}  // namespace ops
}  // namespace sinter

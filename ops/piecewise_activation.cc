// The activations of keras.activations beyond the common ones: shrinking, piecewise and sparse
// ones.
//
// Sources: CELU (Barron 2017), squareplus (Barron 2021), hard swish (Howard et al. 2019), GLU
// (Dauphin et al. 2016), sparse_plus and sparse_sigmoid as in jax.nn.
#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "ops/clamp.h"
#include "ops/define.h"

namespace sinter {

using ops::apply;

namespace {
Symbol apply_piecewise(const char* name, Symbol x, Attributes attributes = {}) {
  return apply(name, {is_floating(x.dtype()) ? x : cast(x, DType::kFloat32)},
               std::move(attributes));
}
}  // namespace

Symbol hard_silu(OpInput x) { return apply_piecewise("hard_silu", x); }
Symbol hard_tanh(OpInput x) { return apply_piecewise("hard_tanh", x); }
Symbol tanh_shrink(OpInput x) { return apply_piecewise("tanh_shrink", x); }
Symbol hard_shrink(OpInput x, double threshold) {
  return apply_piecewise("hard_shrink", x, {{"threshold", threshold}});
}
Symbol soft_shrink(OpInput x, double threshold) {
  return apply_piecewise("soft_shrink", x, {{"threshold", threshold}});
}
Symbol threshold(OpInput x, double threshold, double default_value) {
  return apply_piecewise("threshold", x,
                         {{"threshold", threshold}, {"default_value", default_value}});
}
Symbol celu(OpInput x, double alpha) { return apply_piecewise("celu", x, {{"alpha", alpha}}); }
Symbol squareplus(OpInput x, double b) { return apply_piecewise("squareplus", x, {{"b", b}}); }
Symbol sparse_plus(OpInput x) { return apply_piecewise("sparse_plus", x); }
Symbol sparse_sigmoid(OpInput x) { return apply_piecewise("sparse_sigmoid", x); }

Symbol glu(OpInput x, int axis) {
  const int at = ops::checked_axis("glu", x, axis);
  const int64_t n = x.shape()[at];
  if (n < 0 || n % 2 != 0) {
    throw ShapeError(fmt::format("{}glu splits axis {} of {} in halves: it must be known and even",
                                 ops::where(x.graph()), axis, x.type().to_string()));
  }
  return slice(x, at, 0, n / 2) * sigmoid(slice(x, at, n / 2, n));
}

namespace ops {
namespace {
// squareplus is c f(x / c), f(u) = (u + sqrt(u^2 + 1)) / 2, c = sqrt(b): no square underflows.
struct Squareplus {
  // |u| from which u^2 swallows 1, to the last bit of float64, and u^4 is within float32.
  static constexpr double kFar = 268435456;
  Squareplus(Scalar x, const Attributes& at)
      : c(std::sqrt(parameter("squareplus", "b", x.dtype(), at))), is_relu(c == 0) {}
  double c;
  bool is_relu;
};
}  // namespace

void register_piecewise_activation(Registry& r) {
  using Derivatives = std::vector<Scalar>;
  const AttributeType number = AttributeType::kFloat;
  // x relu6(x + 3) / 6
  define_elementwise(
      r, "hard_silu", 1,
      [](Arguments a, const Attributes&) {
        const Scalar x = a[0];
        return select(x <= -3.0, 0.0, select(x >= 3.0, x, x * ((x + 3.0) / 6.0)));
      },
      {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        const Scalar x = a[0];
        return Derivatives{
            select(x <= -3.0, 0.0, select(x >= 3.0, dy, dy * ((2.0 * x + 3.0) / 6.0)))};
      });
  define_elementwise(
      r, "hard_tanh", 1, [](Arguments a, const Attributes&) { return min(max(a[0], -1.0), 1.0); },
      {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        return Derivatives{select(abs(a[0]) > 1.0, 0.0, dy)};
      });
  // x - tanh x cancels near 0, where the series x^3 / 3 - 2 x^5 / 15 + ... is used.
  define_elementwise(
      r, "tanh_shrink", 1,
      [](Arguments a, const Attributes&) {
        const Scalar x = a[0], s = x * x;
        const Scalar series =
            x * s *
            (1.0 / 3 +
             s * (-2.0 / 15 + s * (17.0 / 315 + s * (-62.0 / 2835 + s * (1382.0 / 155925)))));
        return select(abs(x) < (x.dtype() == DType::kFloat64 ? 0.02 : 0.25), series, x - tanh(x));
      },
      {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        const Scalar t = tanh(a[0]);
        return Derivatives{dy * (t * t)};
      });
  // Comparisons stand such that NaN comes through, and the derivative there is that of the piece
  // which lets it.
  define_elementwise(
      r, "hard_shrink", 1,
      [](Arguments a, const Attributes& at) {
        return select(abs(a[0]) <= at.get_float("threshold"), 0.0, a[0]);
      },
      {{"threshold", number, 0.5}},
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        return Derivatives{select(abs(a[0]) <= at.get_float("threshold"), 0.0, dy)};
      });
  define_elementwise(
      r, "soft_shrink", 1,
      [](Arguments a, const Attributes& at) {
        const double t = at.get_float("threshold");
        return select(abs(a[0]) <= t, 0.0, select(a[0] > 0.0, a[0] - t, a[0] + t));
      },
      {{"threshold", number, 0.5}},
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        return Derivatives{select(abs(a[0]) <= at.get_float("threshold"), 0.0, dy)};
      });
  define_elementwise(
      r, "threshold", 1,
      [](Arguments a, const Attributes& at) {
        const double value = parameter("threshold", "default_value", a[0].dtype(), at);
        return select(a[0] <= at.get_float("threshold"), value, a[0]);
      },
      {{"threshold", number}, {"default_value", number}},
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        return Derivatives{select(a[0] <= at.get_float("threshold"), 0.0, dy)};
      });
  define_elementwise(
      r, "celu", 1,
      [](Arguments a, const Attributes& at) {
        const double alpha = parameter("celu", "alpha", a[0].dtype(), at);
        if (alpha == 0) return max(a[0], 0.0);
        return select(a[0] > 0.0, a[0], alpha * expm1(a[0] / alpha));
      },
      {{"alpha", number, 1.0}},
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        const double alpha = parameter("celu", "alpha", a[0].dtype(), at);
        if (alpha == 0) return Derivatives{select(a[0] > 0.0, dy, 0.0)};
        return Derivatives{select(a[0] > 0.0, dy, dy * exp(at_most(a[0], 0.0) / alpha))};
      });
  // (x + sqrt(x^2 + b)) / 2, for x < 0 as b / (2 (sqrt(x^2 + b) - x)): nothing cancels. Squares of
  // large u = x / sqrt(b) overflow; there it is x or -b / (4 x).
  define_elementwise(
      r, "squareplus", 1,
      [](Arguments a, const Attributes& at) {
        const Squareplus s(a[0], at);
        if (s.is_relu) return max(a[0], 0.0);
        const Scalar ratio = a[0] / s.c, is_far = abs(ratio) > Squareplus::kFar;
        const Scalar u = select(is_far, 1.0, ratio), root = sqrt(u * u + 1.0);
        const Scalar left = select(is_far, -0.25 / ratio, 0.5 / (root - min(u, 0.0)));
        return select(a[0] < 0.0, s.c * left, select(is_far, a[0], 0.5 * (a[0] + s.c * root)));
      },
      {{"b", number, 4.0}},
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        // y' = (1 + u / sqrt(u^2 + 1)) / 2 is q = 1 / (2 root (root + |u|)) for u < 0, else 1 - q.
        const Squareplus s(a[0], at);
        if (s.is_relu) return Derivatives{select(a[0] <= 0.0, 0.0, dy)};
        const Scalar ratio = a[0] / s.c, is_far = abs(ratio) > Squareplus::kFar;
        const Scalar u = select(is_far, 1.0, ratio), root = sqrt(u * u + 1.0);
        const Scalar near = 0.5 / root / (root + select(a[0] < 0.0, -u, u));
        // 1 / (4 u^2), from x, so that no derivative of it vanishes before 1 / sqrt(b) comes to it.
        const Scalar inverse = s.c / select(is_far, a[0], s.c);
        const Scalar q = select(is_far, 0.25 * (inverse * inverse), near);
        return Derivatives{dy * select(a[0] < 0.0, q, 1.0 - q)};
      });
  define_elementwise(
      r, "sparse_plus", 1,
      [](Arguments a, const Attributes&) {
        const Scalar x = min(max(a[0], -1.0), 1.0);
        return select(a[0] < 1.0, 0.25 * ((x + 1.0) * (x + 1.0)), a[0]);
      },
      {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        return Derivatives{dy * (0.5 * (min(max(a[0], -1.0), 1.0) + 1.0))};
      });
  define_elementwise(
      r, "sparse_sigmoid", 1,
      [](Arguments a, const Attributes&) { return 0.5 * (min(max(a[0], -1.0), 1.0) + 1.0); }, {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        return Derivatives{select(abs(a[0]) >= 1.0, 0.0, dy * 0.5)};
      });
}

}  // namespace ops
}  // namespace sinter

// Activations: one scalar body each, with Keras's formulas and names. maxout is a composite.
//
// Sources: ELU (Clevert et al. 2016), SELU (Klambauer et al. 2017), swish (Ramachandran et al.
// 2017), GELU (Hendrycks, Gimpel 2016), mish (Misra 2019), maxout (Goodfellow et al. 2013).
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "ops/clamp.h"
#include "ops/define.h"

namespace sinter {

using ops::apply;

namespace {
Symbol act(const char* name, Symbol x, Attributes attributes = {}) {
  return apply(name, {ops::floating(x)}, std::move(attributes));
}
}  // namespace

Symbol linear(OpInput x) { return x; }
Symbol relu(OpInput x) { return act("relu", x); }
Symbol relu6(OpInput x) { return act("relu6", x); }
Symbol leaky_relu(OpInput x, double negative_slope) {
  return act("leaky_relu", x, {{"negative_slope", negative_slope}});
}
Symbol elu(OpInput x, double alpha) { return act("elu", x, {{"alpha", alpha}}); }
Symbol selu(OpInput x) { return act("selu", x); }
Symbol sigmoid(OpInput x) { return act("sigmoid", x); }
Symbol tanh(OpInput x) { return act("tanh", x); }
Symbol softplus(OpInput x) { return act("softplus", x); }
Symbol softsign(OpInput x) { return act("softsign", x); }
Symbol swish(OpInput x, double beta) { return act("swish", x, {{"beta", beta}}); }
Symbol gelu(OpInput x, bool approximate) { return act("gelu", x, {{"approximate", approximate}}); }
Symbol mish(OpInput x) { return act("mish", x); }
Symbol hard_sigmoid(OpInput x) { return act("hard_sigmoid", x); }
Symbol exponential(OpInput x) { return act("exponential", x); }
Symbol log_sigmoid(OpInput x) { return act("log_sigmoid", x); }

Symbol maxout(OpInput x, int64_t pieces) {
  register_ops();
  return x.graph().add1("maxout", {cast(x, arithmetic_dtype(x.dtype()))}, {{"pieces", pieces}});
}

namespace {

// Name -> op. Aliases share an op.
constexpr std::pair<std::string_view, std::string_view> kActivations[] = {
    {"linear", "linear"},
    {"relu", "relu"},
    {"relu6", "relu6"},
    {"leaky_relu", "leaky_relu"},
    {"elu", "elu"},
    {"selu", "selu"},
    {"sigmoid", "sigmoid"},
    {"tanh", "tanh"},
    {"softplus", "softplus"},
    {"softsign", "softsign"},
    {"swish", "swish"},
    {"silu", "swish"},
    {"gelu", "gelu"},
    {"mish", "mish"},
    {"hard_sigmoid", "hard_sigmoid"},
    {"exponential", "exponential"},
    {"log_sigmoid", "log_sigmoid"},
    {"hard_silu", "hard_silu"},
    {"hard_swish", "hard_silu"},
    {"hard_tanh", "hard_tanh"},
    {"tanh_shrink", "tanh_shrink"},
    {"hard_shrink", "hard_shrink"},
    {"soft_shrink", "soft_shrink"},
    {"celu", "celu"},
    {"squareplus", "squareplus"},
    {"sparse_plus", "sparse_plus"},
    {"sparse_sigmoid", "sparse_sigmoid"},
    {"glu", "glu"},
    {"sparsemax", "sparsemax"},
    {"softmax", "softmax"},
    {"log_softmax", "log_softmax"}};

}  // namespace

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const auto& [name, op] : kActivations) names.emplace_back(name);
  return names;
}

Symbol activation(std::string_view name, OpInput x) {
  for (const auto& [known, op] : kActivations) {
    if (known != name) continue;
    if (op == "linear") return x;
    if (op == "softmax") return softmax(x);
    if (op == "log_softmax") return log_softmax(x);
    if (op == "glu") return glu(x);
    if (op == "sparsemax") return sparsemax(x);
    return act(op.data(), x);
  }
  raise_unknown_name("activation", name, activation_names());
}

namespace ops {
namespace {

double slope_of(Scalar x, const Attributes& at) {
  return parameter("leaky_relu", "negative_slope", x.dtype(), at);
}
double alpha_of(Scalar x, const Attributes& at) { return parameter("elu", "alpha", x.dtype(), at); }
double beta_of(Scalar x, const Attributes& at) { return parameter("swish", "beta", x.dtype(), at); }

// x where exponentials have not died out in double yet: what they are multiplied by beyond is 0,
// and stays it if it is bounded.
Scalar bounded(Scalar x) { return at_least(at_most(x, 1e4), -1e4); }

// s = sigmoid(z) and its derivative s (1 - s) from one exponential; neither cancels, at 0 nor far
// out.
struct Sigmoid {
  Scalar s, slope;
};
Sigmoid sigmoid_of(Scalar z) {
  const Scalar e = exp(select(z < 0.0, z, -z)), r = 1.0 / (1.0 + e), er = e * r;
  return {select(z < 0.0, er, r), er * r};
}

// Of mish, x t with t = tanh(softplus x) = n / (n + 2), n = e (e + 2), e = exp(x). From the bound
// of z on t is 1.
struct Mish {
  explicit Mish(Scalar x)
      : z(at_most(x, x.dtype() == DType::kFloat64 ? 40.0 : 20.0)),
        e(exp(z)),
        n(e * (e + 2.0)),
        inverse(1.0 / (n + 2.0)),
        t(select(x > 0.0, 1.0 - 2.0 * inverse, n * inverse)) {}
  Scalar z, e, n, inverse, t;
};

// Of the exact form the absolute error is that of rounding 1, not the relative one: below -4 the
// sum cancels (5 % off at -5). A relative bound needs another exp. Measured on AVX-512: the normal
// distribution function as 2^p(|x|), p in 16 pieces of degree 4 or 5, is within 1e-6 of the exact
// value down to -13, but bound by arithmetic: gelu(a x + b) sigmoid(x) over 16 Mi floats on two
// threads takes 5.0 or 5.3 ms instead of 4.4.
// From kGeluBound on the sigmoid is 0 or 1 in double; without a bound its argument overflows, and
// with it the derivative.
constexpr double kGeluBound = 22, kGeluCubic = 0.044715;
double gelu_scale() { return 2 * std::sqrt(2 * std::numbers::inv_pi); }
Scalar gelu_argument(Scalar x) {
  const Scalar z = at_least(at_most(x, kGeluBound), -kGeluBound);
  return gelu_scale() * (z + kGeluCubic * (z * z * z));
}
Scalar gelu_body(Arguments a, const Attributes& at) {
  const Scalar x = a[0];
  if (!at.get_bool("approximate")) return 0.5 * x * (1.0 + erf(x * std::sqrt(0.5)));
  return x * logistic(gelu_argument(x));
}

// 0.5 x (1 + tanh(u / 2)) = x s, s = sigmoid(u): y' = s + x u' s (1 - s)
Scalar approximate_gelu_derivative(Scalar x) {
  const Scalar z = at_least(at_most(x, kGeluBound), -kGeluBound);
  const Sigmoid sigmoid = sigmoid_of(gelu_argument(x));
  const Scalar slope = gelu_scale() * (z + 3 * kGeluCubic * (z * z * z));  // x u'
  return sigmoid.s + slope * sigmoid.slope;
}

// y = x p, p the normal distribution function: y' = p + x p'. From the bound on p' is 0 in double,
// and p 0 or 1.
Scalar exact_gelu_derivative(Scalar x) {
  const Scalar z = at_least(at_most(x, 40.0), -40.0), t = z * std::sqrt(0.5);
  return 0.5 * (1.0 + erf(t)) + z * (std::sqrt(0.5 * std::numbers::inv_pi) * exp(-(t * t)));
}

std::vector<ValueType> maxout_type(std::span<const ValueType> in, const Attributes& a) {
  const int64_t pieces = a.get_int("pieces");
  Shape shape = in[0].shape;
  if (shape.rank() < 1 || pieces < 1 || shape[shape.rank() - 1] < 0 ||
      shape[shape.rank() - 1] % pieces != 0) {
    throw ShapeError(fmt::format("the last dimension of {} must be a multiple of pieces = {}",
                                 shape.to_string(), pieces));
  }
  shape[shape.rank() - 1] /= pieces;
  return {{in[0].dtype, shape}};
}

std::vector<Symbol> decompose_maxout(std::span<const Symbol> in, const Attributes& a) {
  std::vector<int64_t> dims = in[0].shape().dims();
  dims.back() /= a.get_int("pieces");
  dims.push_back(a.get_int("pieces"));
  return {reduce_max(reshape(in[0], Shape(dims)), {-1})};
}

}  // namespace

void register_activation(Registry& r) {
  using Derivatives = std::vector<Scalar>;
  const AttributeType number = AttributeType::kFloat;
  const auto plain = [&](const char* name, Scalar (*f)(Scalar),
                         Scalar (*from_result)(Scalar y, Scalar dy) = nullptr) {
    define_elementwise(
        r, name, 1, [f](Arguments a, const Attributes&) { return f(a[0]); }, {},
        from_result == nullptr
            ? ScalarDerivative(nullptr)
            : [from_result](Arguments, Scalar y, Scalar dy,
                            const Attributes&) { return Derivatives{from_result(y, dy)}; });
  };
  // Derivatives from the result y alone let the input be forgotten.
  plain(
      "linear", [](Scalar x) { return x; }, [](Scalar, Scalar dy) { return dy; });
  plain(
      "relu", [](Scalar x) { return max(x, 0.0); },
      [](Scalar y, Scalar dy) { return select(y > 0.0, dy, 0.0); });
  plain(
      "relu6", [](Scalar x) { return min(max(x, 0.0), 6.0); },
      [](Scalar y, Scalar dy) { return select(logical_and(y > 0.0, y < 6.0), dy, 0.0); });
  plain("sigmoid", logistic, [](Scalar y, Scalar dy) { return dy * (y * (1.0 - y)); });
  plain(
      "tanh", [](Scalar x) { return tanh(x); },
      [](Scalar y, Scalar dy) { return dy * (1.0 - y * y); });
  plain(
      "exponential", [](Scalar x) { return exp(x); }, [](Scalar y, Scalar dy) { return dy * y; });
  define_elementwise(
      r, "softsign", 1, [](Arguments a, const Attributes&) { return a[0] / (1.0 + abs(a[0])); }, {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        const Scalar inverse = 1.0 / (1.0 + abs(a[0]));
        return Derivatives{dy * (inverse * inverse)};
      });
  define_elementwise(
      r, "hard_sigmoid", 1,
      [](Arguments a, const Attributes&) { return min(max(a[0] + 3.0, 0.0), 6.0) / 6.0; }, {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        return Derivatives{select(abs(a[0]) >= 3.0, 0.0, dy / 6.0)};
      });
  plain("softplus", softplus);
  plain("log_sigmoid", [](Scalar x) { return -softplus(-x); });
  define_elementwise(
      r, "leaky_relu", 1,
      [](Arguments a, const Attributes& at) {
        return select(a[0] > 0.0, a[0], a[0] * slope_of(a[0], at));
      },
      {{"negative_slope", number, 0.2}},
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        return Derivatives{select(a[0] > 0.0, dy, dy * slope_of(a[0], at))};
      });
  define_elementwise(
      r, "elu", 1,
      [](Arguments a, const Attributes& at) {
        return select(a[0] > 0.0, a[0], alpha_of(a[0], at) * expm1(a[0]));
      },
      {{"alpha", number, 1.0}},
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        return Derivatives{
            select(a[0] > 0.0, dy, dy * (alpha_of(a[0], at) * exp(at_most(a[0], 0.0))))};
      });
  // lambda and alpha of Klambauer et al., section 2.
  constexpr double kScale = 1.0507009873554805, kAlpha = 1.6732632423543772;
  define_elementwise(
      r, "selu", 1,
      [](Arguments a, const Attributes&) {
        return kScale * select(a[0] > 0.0, a[0], kAlpha * expm1(a[0]));
      },
      {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        const Scalar left = kScale * kAlpha * exp(at_most(a[0], 0.0));
        return Derivatives{select(a[0] >= 0.0, dy * kScale, dy * left)};
      });
  define_elementwise(
      r, "swish", 1,
      [](Arguments a, const Attributes& at) { return a[0] * logistic(beta_of(a[0], at) * a[0]); },
      {{"beta", number, 1.0}},
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        // y = x s, s = sigmoid(z), z = beta x: y' = s + z s (1 - s)
        const Scalar z = bounded(beta_of(a[0], at) * a[0]);
        const Sigmoid sigmoid = sigmoid_of(z);
        return Derivatives{dy * (sigmoid.s + z * sigmoid.slope)};
      });
  define_elementwise(
      r, "gelu", 1, gelu_body, {{"approximate", AttributeType::kBool, false}},
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        return Derivatives{dy * (at.get_bool("approximate") ? approximate_gelu_derivative(a[0])
                                                            : exact_gelu_derivative(a[0]))};
      });
  define_elementwise(
      r, "mish", 1,
      [](Arguments a, const Attributes&) {
        const Mish m(a[0]);
        return a[0] * m.t;
      },
      {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        // y' = t + x t', t' = 4 e (e + 1) / (n + 2)^2
        const Mish m(at_least(a[0], -1e4));
        const Scalar slope = 4.0 * (m.e * m.inverse) * ((m.e + 1.0) * m.inverse);
        return Derivatives{dy * (m.t + m.z * slope)};
      });
  define_composite(r, "maxout", 1, 1, {{"pieces", AttributeType::kInt}}, maxout_type,
                   decompose_maxout, nullptr, CompositeDTypes::kAllButStorage);
}

}  // namespace ops
}  // namespace sinter

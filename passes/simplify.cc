// simplify: algebraic identities of elementwise ops, one a line. Exact unless the line says
// otherwise; what would change a bit for some value (x + 0 turns -0 into 0, x * 0 hides NaN) is not
// here.
#include "passes/rule_tables.h"

#include <cmath>
#include <optional>
#include <vector>

#include "core/uniform.h"
#include "passes/passes.h"

namespace sinter {
namespace {

constexpr Numerics kExact = Numerics::kExact;
constexpr Numerics kApproximate = Numerics::kApproximate;

std::string only_integers(const Match& m) {
  return is_floating(m.source().type(m.root).dtype) ? "it would change -0 or NaN" : "";
}

std::string unless_bool(const Match& m) {
  return m.source().type(m.root).dtype == DType::kBool ? "true + true is true, not 2" : "";
}

std::string unless_it_wraps(const Match& m) {
  const DType dtype = m.type("x").dtype;
  return is_signed_integer(dtype) ? "a square may wrap around" : "";
}

std::string unless_unsigned(const Match& m) {
  return record_of(m.type("x").dtype).kind == DTypeKind::kUnsigned
             ? "the dtype has no negative numbers"
             : "";
}

// The inner cast must keep all values, and the outer one mean the same with and without it:
// integers wrap around in casts between them, floats saturate.
std::string unless_inner_cast_is_lossless(const Match& m) {
  const DType from = m.type("x").dtype, by = m.type("inner").dtype, to = m.type("outer").dtype;
  if (!holds_all_of(by, from)) return "the inner cast loses values";
  const bool integers = !is_floating(from) && !is_floating(to) && to != DType::kBool;
  return integers && is_floating(by) && !holds_all_of(to, from)
             ? "the inner cast makes the outer one saturate"
             : "";
}

Symbol cast_once(const Match& m) {
  const DType to = m.attributes("outer").get<DType>("dtype");
  return m["x"].dtype() == to ? m["x"] : m.graph().add1("cast", {m["x"]}, {{"dtype", to}});
}

// 1 / c is exact for powers of two.
std::string unless_power_of_two(const Match& m) {
  if (!is_floating(m.type("x").dtype)) return "integers have no inverse";
  const std::optional<double> c = uniform_value(m.source(), m.id("c"));
  if (!c || !std::isfinite(*c) || *c == 0) return "the divisor is no constant";
  int exponent = 0;
  const bool power = std::fabs(std::frexp(*c, &exponent)) == 0.5;
  return power && std::abs(exponent) < 100 ? "" : "the divisor is no power of two";
}

Symbol times_inverse(const Match& m) {
  const double inverse = 1 / *uniform_value(m.source(), m.id("c"));
  const Symbol x = m["x"];
  const Symbol factor = m.graph().constant(Tensor::full(x.dtype(), {}, inverse));
  const Symbol spread =
      x.rank() == 0 ? factor
                    : m.graph().add1("broadcast", {factor},
                                     {{"shape", x.shape()}, {"dims", std::vector<int64_t>{}}});
  return m.graph().add1("multiply", {x, spread});
}

}  // namespace

std::span<const Rule> elementwise_rules() {
  // clang-format off
  static const std::vector<Rule> rules = {
      {"linear",             "linear(x)",                      "x"},
      {"stop_gradient",      "stop_gradient(x)",               "x"},
      {"times_one",          "multiply(x, 1)",                 "x"},
      {"times_minus_one",    "multiply(x, -1)",                "negative(x)"},
      {"times_itself",       "multiply(x, x)",                 "square(x)"},
      {"times_zero",         "multiply(x, 0)",                 "0", kExact, only_integers},
      {"plus_zero",          "add(x, 0)",                      "x", kExact, only_integers},
      {"plus_minus_zero",    "add(x, -0)",                     "x"},
      {"plus_negative",      "add(x, negative(y))",            "subtract(x, y)", kExact, unless_bool},
      {"minus_zero",         "subtract(x, 0)",                 "x"},
      {"minus_negative",     "subtract(x, negative(y))",       "add(x, y)", kExact, unless_bool},
      {"minus_itself",       "subtract(x, x)",                 "0", kExact, only_integers},
      {"by_one",             "divide(x, 1)",                   "x"},
      {"by_minus_one",       "divide(x, -1)",                  "negative(x)"},
      {"one_by",             "divide(1, x)",                   "reciprocal(x)"},
      {"by_power_of_two",    "divide(x, c)",                   "", kExact, unless_power_of_two, times_inverse},
      {"reciprocal_of_sqrt", "reciprocal(sqrt(x))",            "rsqrt(x)"},
      {"negative_twice",     "negative(negative(x))",          "x"},
      {"abs_twice",          "abs(abs(x))",                    "abs(x)"},
      {"abs_of_negative",    "abs(negative(x))",               "abs(x)", kExact, unless_unsigned},
      {"abs_of_square",      "abs(square(x))",                 "square(x)", kExact, unless_it_wraps},
      {"square_of_negative", "square(negative(x))",            "square(x)"},
      {"square_of_abs",      "square(abs(x))",                 "square(x)"},
      {"relu_twice",         "relu(relu(x))",                  "relu(x)"},
      {"maximum_with_zero",  "maximum(x, 0)",                  "relu(x)", kExact, [](const Match& m) {
        return std::string(is_floating(m.type("x").dtype) ? "" : "relu is for floating values"); }},
      {"maximum_itself",     "maximum(x, x)",                  "x"},
      {"minimum_itself",     "minimum(x, x)",                  "x"},
      {"power_one",          "power(x, 1)",                    "x"},
      {"power_zero",         "power(x, 0)",                    "1"},
      {"power_two",          "power(x, 2)",                    "square(x)", kApproximate},
      {"power_three",        "power(x, 3)",                    "multiply(x, square(x))", kApproximate},
      {"power_minus_one",    "power(x, -1)",                   "reciprocal(x)", kApproximate},
      {"not_not",            "logical_not(logical_not(x))",    "x"},
      {"and_itself",         "logical_and(x, x)",              "x"},
      {"or_itself",          "logical_or(x, x)",               "x"},
      {"and_true",           "logical_and(x, 1)",              "x"},
      {"and_false",          "logical_and(x, 0)",              "0"},
      {"or_true",            "logical_or(x, 1)",               "1"},
      {"or_false",           "logical_or(x, 0)",               "x"},
      {"select_same",        "select(c, x, x)",                "x"},
      {"select_true",        "select(1, x, y)",                "x"},
      {"select_false",       "select(0, x, y)",                "y"},
      {"select_not",         "select(logical_not(c), x, y)",   "select(c, y, x)"},
      {"cast_to_same",       "c:cast(x)",                      "x", kExact, [](const Match& m) {
        return std::string(m.type("x").dtype == m.type("c").dtype ? "" : "it changes the dtype"); }},
      {"cast_twice",         "outer:cast(inner:cast(x))",      "", kExact, unless_inner_cast_is_lossless, cast_once},
  };
  // clang-format on
  return rules;
}

Graph simplify(const Graph& graph, const PassContext& context) {
  static const std::vector<Rule> all = [] {
    std::vector<Rule> rules(elementwise_rules().begin(), elementwise_rules().end());
    rules.insert(rules.end(), move_rules().begin(), move_rules().end());
    return rules;
  }();
  static const RuleSet set(all);
  return apply_rules(graph, set, context);
}

}  // namespace sinter

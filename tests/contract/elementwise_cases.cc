#include "tests/contract/elementwise_cases.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {

std::string Case::name() const {
  return op + attributes_to_text(Registry::global().get(op), attributes);
}

std::optional<ScalarExpr> body_of(const OpRecord& op, const Attributes& attributes, DType dtype) {
  ScalarBuilder builder(std::vector<DType>(static_cast<size_t>(op.min_inputs), dtype));
  const std::vector<Scalar> arguments = builder.arguments();
  const Scalar value = op.body(arguments, attributes);
  if (value.is_number()) return std::nullopt;
  const Scalar results[] = {value};
  return builder.finish(results);
}

const std::vector<Case>& all_cases() {
  static const std::vector<Case> cases = [] {
    register_ops();
    std::vector<Case> found;
    for (const Sample& s : all_samples()) {
      const OpRecord& op = Registry::global().get(s.op);
      // Elementwise ops with a gradient rule of their own (stop_gradient) do not follow their body.
      if (!op.is_elementwise() || op.gradient || op.kind == KernelKind::kSource || s.inputs.empty())
        continue;
      bool floating = s.inputs.size() <= 2;
      for (const InputSpec& i : s.inputs) floating = floating && i.dtype == DType::kFloat32;
      if (!floating) continue;
      Graph g("one");
      std::vector<Symbol> x;
      for (size_t i = 0; i < s.inputs.size(); ++i)
        x.push_back(g.input(fmt::format("x{}", i), {DType::kFloat32, Shape{1}}));
      const Symbol y = g.add1(s.op, x, s.attributes);
      if (y.dtype() != DType::kFloat32) continue;
      const Case c{s.op, g.node(y.id().node).attributes, static_cast<int>(x.size())};
      const bool known =
          std::ranges::any_of(found, [&](const Case& f) { return f.name() == c.name(); });
      if (!known) found.push_back(c);
    }
    return found;
  }();
  return cases;
}

Graph graph_of(const Case& c, DType dtype, int64_t count) {
  Graph g("elementwise");
  std::vector<Symbol> x;
  for (int i = 0; i < c.operands; ++i)
    x.push_back(g.input(fmt::format("x{}", i), {dtype, Shape{count}}));
  std::vector<Symbol> operands;
  for (const Symbol& s : x) operands.push_back(cast(s, arithmetic_dtype(dtype)));
  const Symbol y = g.add1(c.op, operands, c.attributes);
  g.add_output("y", y.id());
  const bool smooth = Registry::global().get(c.op).no_gradient.empty();
  for (int i = 0; i < c.operands && smooth; ++i) {
    const Symbol wrt[] = {x[static_cast<size_t>(i)]};
    const Symbol first = gradients(std::vector<Symbol>{y}, wrt)[0];
    g.add_output(fmt::format("first{}", i), first.id());
    g.add_output(fmt::format("second{}", i), gradients(std::vector<Symbol>{first}, wrt)[0].id());
  }
  return g;
}

bool is_asked(const Case& c, std::span<const double> point, size_t wrt, int order) {
  if (c.op == "power") {
    // Whether b - 1 is odd is a matter of rounding for large and tiny b.
    if (order > 0 && std::signbit(point[0]) && (point[0] == 0 || std::fabs(point[1]) > 0x1p23))
      return false;
    if (order > 0 && wrt == 1 && point[0] < 0) return false;
    return point[1] == 0 || std::fabs(point[1]) >= kTiny;
  }
  if (c.op.starts_with("divide") && order == 2) {
    const double quotient = std::fabs(point[0] / point[1]);
    return !(quotient > 0 && quotient < kTiny);
  }
  return c.op != "sigmoid_cross_entropy" || (point[0] >= 0 && point[0] <= 1);
}

double excess_of(double got, double want, const Bound& bound) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  constexpr double kWrong = 1e30;
  if (std::isnan(want) || std::isinf(want))
    return (std::isnan(want) && std::isnan(got)) || got == want ? 0 : kWrong;
  if (std::isnan(got)) return kWrong;
  if (std::isinf(got)) {
    const bool overflows = std::fabs(want) > kLargest * (1 - bound.relative);
    return overflows && (got > 0) == (want > 0) ? 0 : kWrong;
  }
  if (!(std::fabs(want) <= kLargest * (1 + bound.relative))) return kWrong;
  return std::fabs(got - want) / (bound.relative * std::fabs(want) + bound.absolute);
}

}  // namespace sinter::contract

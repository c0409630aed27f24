// fold_batch_norm: batch normalization by moving averages disappears into the dense layer or the
// convolution before or after it.
//
// With s = gamma / sqrt(variance + epsilon) and t = beta - mean * s, so that the normalization is x
// * s + t for each feature:
//   (x K + b) * s + t  =  x (K * s) + (b * s + t)          s along the columns of K
//   (x * s + t) K + b  =  x (s * K) + (t K + b)            s along the rows of K
// A convolution likewise, whose bias is an addition; after it always, before it where it pads
// nothing: padding is 0, and would have to be -t / s.
// The new kernel and bias are nodes over variables: no value is baked in, they form the prologue.
// Mixed precision rounds the new kernel, where it would have rounded the old one.
#include <algorithm>
#include <vector>

#include "core/prologue.h"
#include "ops/ops.h"
#include "passes/passes.h"
#include "passes/rule_tables.h"

namespace sinter {
namespace {

// Everything but x must be known before the run.
bool changes(const Match& m, std::initializer_list<const char*> nodes) {
  for (const char* name : nodes) {
    const Node& node = m.node(name);
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      if (!is_frozen(m.source(), node.inputs[i])) return true;
    }
  }
  return false;
}

constexpr const char* kChanges = "its weights change during the run";

std::string why_not_norm(const Match& m) {
  const Node& norm = m.node("n");
  const Shape& shape = norm.types[0].shape;
  return axis_of(norm.attributes) == shape.rank() - 1 ? "" : "it does not normalize the last axis";
}

std::string why_not_dense(const Match& m) {
  if (std::string reason = why_not_norm(m); !reason.empty()) return reason;
  if (m.attributes("d").get<OpCall>("activation").op != "linear")
    return "an activation stands between";
  return changes(m, {"n", "d"}) ? kChanges : "";
}

std::string why_not_convolution(const Match& m) {
  if (std::string reason = why_not_norm(m); !reason.empty()) return reason;
  return changes(m, {"n", "c"}) ? kChanges : "";
}

std::string why_not_biased(const Match& m) {
  const Node& bias = m.node("s");
  const std::vector<int64_t> last = {bias.types[0].shape.rank() - 1};
  if (bias.attributes.get_ints("dims") != last) return "what is added is no bias";
  if (!is_frozen(m.source(), bias.inputs[0])) return kChanges;
  return why_not_convolution(m);
}

std::string why_not_before_convolution(const Match& m) {
  const auto pads = [&](const char* side) {
    const std::vector<int64_t>& padding = m.attributes("c").get_ints(side);
    return std::ranges::any_of(padding, [](int64_t p) { return p != 0; });
  };
  if (pads("low") || pads("high")) return "the convolution pads what is normalized";
  if (m.attributes("c").get_int("groups") != 1) return "the convolution has groups";
  return why_not_convolution(m);
}

struct Affine {
  Symbol scale, shift;
};

Affine affine(const Match& m) {
  const Symbol scale = m["gamma"] * rsqrt(m["variance"] + m.attributes("n").get_float("epsilon"));
  return {scale, m["beta"] - m["mean"] * scale};
}

Symbol dense_then_norm(const Match& m) {
  const std::vector<ValueId>& in = m.node("d").inputs;
  const auto [scale, shift] = affine(m);
  const Symbol kernel = m.value(in[1]);
  const Symbol bias = in.size() > 2 ? m.value(in[2]) * scale + shift : shift;
  return dense(m.value(in[0]), kernel * scale, bias);
}

Symbol norm_then_dense(const Match& m) {
  const std::vector<ValueId>& in = m.node("d").inputs;
  const auto [scale, shift] = affine(m);
  const Symbol kernel = m.value(in[1]);
  const Symbol moved = reshape(matmul(expand_dims(shift, 0), kernel), {kernel.shape()[1]});
  const Symbol bias = in.size() > 2 ? moved + m.value(in[2]) : moved;
  return dense(m["x"], expand_dims(scale, 1) * kernel, bias);
}

Symbol with_bias(Symbol y, Symbol bias) {
  const std::vector<int64_t> last = {y.rank() - 1};
  return y + y.graph().add1("broadcast", {bias}, {{"shape", y.shape()}, {"dims", last}});
}

Symbol same_convolution(const Match& m, Symbol x, Symbol kernel) {
  return x.graph().add1("convolution", {x, kernel}, m.attributes("c"));
}

Symbol convolution_then_norm(const Match& m) {
  const auto [scale, shift] = affine(m);
  return with_bias(same_convolution(m, m["x"], m["k"] * scale), shift);
}

Symbol biased_convolution_then_norm(const Match& m) {
  const auto [scale, shift] = affine(m);
  return with_bias(same_convolution(m, m["x"], m["k"] * scale), m["b"] * scale + shift);
}

Symbol norm_then_convolution(const Match& m) {
  const auto [scale, shift] = affine(m);
  const Symbol kernel = m["k"];
  std::vector<int64_t> inputs;
  for (int64_t axis = 0; axis + 1 < kernel.rank(); ++axis) inputs.push_back(axis);
  const Symbol bias = sum(expand_dims(shift, 1) * kernel, inputs);
  return with_bias(same_convolution(m, m["x"], expand_dims(scale, 1) * kernel), bias);
}

}  // namespace

std::span<const Rule> batch_norm_rules() {
  static const std::vector<Rule> rules = {
      {"fold_batch_norm", "n:batch_norm_inference(d:dense(...)!, gamma, beta, mean, variance)", "",
       Numerics::kReassociates, why_not_dense, dense_then_norm, true},
      {"fold_batch_norm", "d:dense(n:batch_norm_inference(x, gamma, beta, mean, variance)!, k)", "",
       Numerics::kReassociates, why_not_dense, norm_then_dense, true},
      {"fold_batch_norm", "d:dense(n:batch_norm_inference(x, gamma, beta, mean, variance)!, k, b)",
       "", Numerics::kReassociates, why_not_dense, norm_then_dense, true},
      {"fold_batch_norm",
       "n:batch_norm_inference(c:convolution(x, k)!, gamma, beta, mean, variance)", "",
       Numerics::kReassociates, why_not_convolution, convolution_then_norm, true},
      {"fold_batch_norm",
       "n:batch_norm_inference(add(c:convolution(x, k)!, s:broadcast(b)!)!, gamma, beta, mean, "
       "variance)",
       "", Numerics::kReassociates, why_not_biased, biased_convolution_then_norm, true},
      {"fold_batch_norm",
       "c:convolution(n:batch_norm_inference(x, gamma, beta, mean, variance)!, k)", "",
       Numerics::kReassociates, why_not_before_convolution, norm_then_convolution, true},
  };
  return rules;
}

Graph fold_batch_norm(const Graph& graph, const PassContext& context) {
  static const RuleSet set(batch_norm_rules());
  return apply_rules(graph, set, context);
}

}  // namespace sinter

// fold_batch_norm: batch normalization by moving averages disappears into the dense layer before or
// after it.
//
// With s = gamma / sqrt(variance + epsilon) and t = beta - mean * s, so that the normalization is x
// * s + t for each feature:
//   (x K + b) * s + t  =  x (K * s) + (b * s + t)          s along the columns of K
//   (x * s + t) K + b  =  x (s * K) + (t K + b)            s along the rows of K
// The new kernel and bias are nodes over variables: no value is baked in, they form the prologue.
#include <algorithm>
#include <vector>

#include "core/prologue.h"
#include "ops/ops.h"
#include "passes/passes.h"
#include "passes/rule_tables.h"

namespace sinter {
namespace {

std::string why_not(const Match& m) {
  const Node& norm = m.node("n");
  const Shape& shape = norm.types[0].shape;
  if (axis_of(norm.attributes) != shape.rank() - 1) {
    return "it does not normalize the last axis";
  }
  if (m.attributes("d").get<OpCall>("activation").op != "linear")
    return "an activation stands between";
  // Everything but x must be known before the run.
  const auto changes = [&](ValueId id) { return !is_frozen(m.source(), id); };
  const auto any_changes = [&](const Node& node) {
    return std::any_of(node.inputs.begin() + 1, node.inputs.end(), changes);
  };
  return any_changes(norm) || any_changes(m.node("d")) ? "its weights change during the run" : "";
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

}  // namespace

std::span<const Rule> batch_norm_rules() {
  static const std::vector<Rule> rules = {
      {"fold_batch_norm", "n:batch_norm_inference(d:dense(...)!, gamma, beta, mean, variance)", "",
       Numerics::kReassociates, why_not, dense_then_norm, true},
      {"fold_batch_norm", "d:dense(n:batch_norm_inference(x, gamma, beta, mean, variance)!, k)", "",
       Numerics::kReassociates, why_not, norm_then_dense, true},
      {"fold_batch_norm", "d:dense(n:batch_norm_inference(x, gamma, beta, mean, variance)!, k, b)",
       "", Numerics::kReassociates, why_not, norm_then_dense, true},
  };
  return rules;
}

Graph fold_batch_norm(const Graph& graph, const PassContext& context) {
  static const RuleSet set(batch_norm_rules());
  return apply_rules(graph, set, context);
}

}  // namespace sinter

// The kernel ops without a family of their own: derivative of `map`, and why sources and fused
// regions have none.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "core/error.h"
#include "ops/define.h"

namespace sinter {

Symbol constant(Graph& graph, Tensor value, const OpLine& line) {
  line.enter();
  return graph.constant(value.is_shared() ? value.clone() : std::move(value));
}
Symbol scalar_like(OpInput like, Number value) {
  return like.graph().constant(Tensor::full(like.dtype(), {}, value));
}
Symbol full_like(OpInput like, Number value) {
  return broadcast_to(scalar_like(like, value), like.shape());
}
Symbol zeros_like(OpInput like) { return full_like(like, 0); }
Symbol ones_like(OpInput like) { return full_like(like, 1); }

namespace ops {

void register_map(Registry& registry) {
  registry.set_gradient("map", [](const GradientContext& c) {
    // Results without a cotangent are left out: a zero in its place would make NaN of the infinite
    // derivatives of a result that nobody reads.
    ScalarExpr body = c.attributes.get_expr("body");
    const std::vector<int32_t> all = std::exchange(body.results, {});
    std::vector<int> wrt;
    for (size_t i = 0; i < c.inputs.size(); ++i) {
      if (c.needed[i] && is_floating(c.inputs[i].dtype())) wrt.push_back(static_cast<int>(i));
    }
    std::vector<Symbol> inputs(c.inputs.begin(), c.inputs.end());
    for (size_t r = 0; r < c.results.size(); ++r) {
      if (!is_floating(c.results[r].dtype()) || !c.cotangents[r]) continue;
      body.results.push_back(all[r]);
      inputs.push_back(*c.cotangents[r]);
    }
    const std::vector<Symbol> found = add_map(c.inputs[0].graph(), inputs, scalar_vjp(body, wrt));
    std::vector<std::optional<Symbol>> result(c.inputs.size());
    for (size_t k = 0; k < wrt.size(); ++k) result[static_cast<size_t>(wrt[k])] = found[k];
    return result;
  });
  registry.set_no_gradient("input", "it is a source: ask for the gradient with respect to it");
  registry.set_no_gradient("variable", "it is a source: ask for the gradient with respect to it");
  registry.set_no_gradient("constant", "a constant does not change");
  registry.set_no_gradient("fusion", "gradients are taken before fusion");
}

}  // namespace ops
}  // namespace sinter

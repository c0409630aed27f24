// stabilize_cross_entropy: a cross entropy of what comes straight from softmax or sigmoid is
// computed from the logits.
//
//   crossentropy(t, softmax(z)) = sum(t) * log(sum(exp(z))) - sum(t * z)
//
// No clipping at epsilon, no logarithm of a rounded probability; the gradient softmax(z) - t is
// right for saturated values too. Keras does the same. The frontend runs this pass before it takes
// gradients.
#include <vector>

#include "ops/ops.h"
#include "passes/passes.h"
#include "passes/rule_tables.h"

namespace sinter {
namespace {

std::string why_not(const Match& m) {
  if (m.attributes("loss").get_bool("from_logits")) return "the loss takes its input for logits";
  if (!m.node("p").is("softmax")) return "";
  const Shape& shape = m.type("p").shape;
  return axis_of(m.attributes("p")) == shape.rank() - 1 ? ""
                                                        : "the softmax is not along the last axis";
}

Symbol from_logits(const Match& m, Symbol logits) {
  return m.graph().add1(m.node("loss").op->name, {m["t"], logits}, {{"from_logits", true}});
}

std::string why_no_logits_of_dense(const Match& m) {
  if (m.attributes("p").get<OpCall>("activation").op != "sigmoid") return "not a sigmoid";
  return why_not(m);
}

// dense{activation=sigmoid} without its activation.
Symbol from_dense(const Match& m) {
  std::vector<Symbol> operands;
  for (ValueId id : m.node("p").inputs) operands.push_back(m.value(id));
  return from_logits(m, m.graph().add1("dense", operands));
}

}  // namespace

std::span<const Rule> cross_entropy_rules() {
  static const auto build = [](const Match& m) { return from_logits(m, m["z"]); };
  static const std::vector<Rule> rules = {
      {"binary", "loss:binary_crossentropy(t, p:sigmoid(z))", "", Numerics::kReassociates, why_not,
       build},
      {"binary_of_dense", "loss:binary_crossentropy(t, p:dense(...))", "", Numerics::kReassociates,
       why_no_logits_of_dense, from_dense},
      {"categorical", "loss:categorical_crossentropy(t, p:softmax(z))", "", Numerics::kReassociates,
       why_not, build},
      {"sparse", "loss:sparse_categorical_crossentropy(t, p:softmax(z))", "",
       Numerics::kReassociates, why_not, build},
  };
  return rules;
}

Graph stabilize_cross_entropy(const Graph& graph, const PassContext& context) {
  static const RuleSet set(cross_entropy_rules());
  return apply_rules(graph, set, context);
}

}  // namespace sinter

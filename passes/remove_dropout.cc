// remove_dropout: in inference every value is kept as it is.
#include "passes/passes.h"
#include "passes/rule.h"

namespace sinter {

Graph remove_dropout(const Graph& graph, const PassContext& context) {
  static const Rule rules[] = {{"remove_dropout", "dropout(x, state)", "x"}};
  static const RuleSet set(rules);
  return apply_rules(graph, set, context);
}

}  // namespace sinter

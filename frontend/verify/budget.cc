// A graph within a budget of memory: what the pass rematerialize makes of it.
#include <string>

#include "core/memory_limit.h"
#include "frontend/verify/check.h"
#include "passes/pass.h"
#include "runtime/compile_need.h"
#include "runtime/load.h"

namespace sinter::verification {

Graph within_budget(const Graph& lowered, const CompileOptions& options, double more) {
  const BackendList list = list_backends();
  PassContext context;
  context.run_need = [&](const Graph& graph) { return plan_run_need(graph, options, list); };
  context.memory_budget = 1;
  try {
    return run_pass("rematerialize", lowered, context);
  } catch (const MemoryError& error) {  // which says how many bytes are enough
    const std::string text = error.what();
    const int64_t least = std::stoll(text.substr(text.rfind('(') + 1));
    context.memory_budget = static_cast<int64_t>(static_cast<double>(least) * (1 + more));
  }
  return run_pass("rematerialize", lowered, context);
}

}  // namespace sinter::verification

// What a pass is, and the one wrapper that runs every pass: disabled? - timer - run - verify, where
// that is asked for - dump.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/graph.h"
#include "core/target.h"

namespace sinter {

/// What a node asks for when it runs.
struct NodeNeed {
  double microseconds = 0;  // on one thread, estimated
  int64_t scratch_bytes = 0;
  std::vector<std::pair<int32_t, int32_t>> overwrites;  // a result that may lie over an input
};
struct RunNeed {
  int64_t bytes = 0;  // all memory of a run, that of the caller too
  std::vector<NodeNeed> nodes;
};

struct PassContext {
  const Target* target = nullptr;
  /// Evaluates a graph without inputs and variables; used to fold constants. Passed in, so that
  /// passes need no backend.
  std::function<std::vector<Tensor>(const Graph&)> evaluate;
  int64_t memory_budget = 0;  // bytes that a run may need; 0: as many as it does
  /// Plans a run of a lowered graph. Passed in, as above; without it memory is estimated.
  std::function<RunNeed(const Graph&)> run_need;
  std::string mixed_precision;  // "bfloat16": what contractions multiply in; "": as the graph says
  bool verify = false;          // after each pass; so it is wherever SINTER_VERIFY_PASSES is set
  std::vector<std::string> disabled;  // pass names, or "all" for every optional pass
  std::function<void(std::string_view pass, const Graph&)> on_pass;
  /// Asked each time that a rule is about to change the graph at a node; where it says no, the graph
  /// stays as it is there. For whoever looks for the rule that does harm.
  std::function<bool(std::string_view rule, const Node& at)> may_fire;
  /// Remarks for the user: a rule that matched but for one condition, with layer and line.
  std::vector<std::string>* remarks = nullptr;

  /// Does a backend want this node whole?
  bool is_claimed(const Graph& graph, int32_t node) const {
    return target != nullptr && target->claims && target->claims(graph, node);
  }
};

struct Pass {
  std::string name;         // a verb: "fold_batch_norm"
  std::string description;  // one line for `sinter passes`
  bool required = false;    // needed for a legal result (decompose) or for what inference means;
                            // cannot be switched off
  std::function<Graph(const Graph&, const PassContext&)> run;
  /// What holds for every graph from here on, beyond verify(): raises InternalError. Optional.
  std::function<void(const Graph&, const PassContext&)> check = nullptr;
};

struct PassStatistics {
  std::string name;
  int32_t nodes_before = 0;
  int32_t nodes_after = 0;
  double microseconds = 0;
  bool skipped = false;
};

struct Pipeline {
  std::string name;
  std::vector<const Pass*> passes;  // in order; a pass may stand several times
};

/// All passes, each once.
const std::vector<Pass>& all_passes();
/// "inference" or "training"; raises NameError.
const Pipeline& find_pipeline(std::string_view name);
Graph run_pipeline(const Pipeline& pipeline, const Graph& graph, const PassContext& context,
                   std::vector<PassStatistics>* statistics = nullptr);
/// One pass through the wrapper; raises NameError.
Graph run_pass(std::string_view name, const Graph& graph, const PassContext& context);
/// The graph in kernel ops, whatever backends claim, its batch still symbolic: for what looks at
/// all there is. Of the pipeline "inference" without dropout and with moving averages.
Graph in_kernel_ops(const Graph& graph, std::string_view pipeline);
/// Raises NameError for a name of `disabled` that is neither a pass's nor "all".
void check_pass_names(const std::vector<std::string>& disabled);
/// Adds "pass: not applied at 'layer' (file:line): reason" to the remarks, when somebody wants
/// them.
void add_remark(const PassContext& context, std::string_view pass, const Node& node,
                std::string_view reason);

}  // namespace sinter

// rematerialize: makes a step fit into a budget of memory. Values that wait for the backward pass
// are let go and computed again where they are read next (Chen et al. 2016, "Training deep nets
// with sublinear memory cost"); what can run at another time runs where less is alive.
//
// It is greedy, as XLA's pass of that name is: at the place where most memory is taken, of all that
// would take less there, what costs least time for a byte; until the peak is low enough. It works
// on the kernels that fusion has left, so what is computed again is computed by the same kernels,
// to the same bits. How much memory a run of the result needs is asked of the runtime.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "core/contract.h"
#include "core/kernel_ops.h"
#include "core/memory_limit.h"
#include "core/sizes.h"
#include "passes/execution_order.h"
#include "passes/passes.h"

namespace sinter {
namespace {

using Value = ExecutionOrder::Value;

constexpr int kMostPlans = 12;        // how often a run is planned before it must fit
constexpr size_t kMostValues = 64;    // that are looked at at one peak
constexpr int kMostTrials = 24;       // changes of a kind that are tried at one peak
constexpr size_t kMostAdvanced = 6;   // runs that move together
constexpr int32_t kMostRepeated = 4;  // times as many runs as at first are the most
constexpr int kDepths[] = {0, 1, 2, 3, 5, 8, 13, 21, 34};  // of what is computed again for a value

// A way to take less at the peak.
struct Change {
  std::vector<int32_t> runs;  // to repeat or, if it advances them, to move
  int32_t place = 0;          // before this one
  bool advances = false;
  int64_t saved = 0;  // bytes at the peak
  double microseconds = 0;
};

class Lowering {
 public:
  Lowering(const Graph& graph, const RunNeed& need)
      : order_(graph, need), most_runs_(kMostRepeated * order_.size()) {}

  const ExecutionOrder& order() const { return order_; }

  /// Takes less at the peak, or at one of several; says whether it could. No more than down to
  /// `target` counts.
  bool lower(int64_t target) {
    const ExecutionOrder::Peak peak = order_.peak();
    std::vector<Change> changes = changes_at(peak.place);
    const auto price = [&](const Change& c) {
      return c.microseconds / static_cast<double>(std::min(c.saved, peak.bytes - target));
    };
    std::ranges::stable_sort(changes, [&](const Change& a, const Change& b) {
      return price(a) != price(b) ? price(a) < price(b) : a.saved > b.saved;
    });
    int advanced = 0, repeated = 0;
    for (const Change& change : changes) {
      if (++(change.advances ? advanced : repeated) > kMostTrials) continue;
      ExecutionOrder trial = order_;
      if (change.advances)
        trial.advance(change.runs, change.place);
      else
        trial.repeat(change.runs, change.place);
      const ExecutionOrder::Peak& now = trial.peak();
      if (trial.size() > most_runs_ || now.bytes > peak.bytes ||
          (now.bytes == peak.bytes && now.places >= peak.places))
        continue;
      order_ = std::move(trial);
      return true;
    }
    return false;
  }

 private:
  std::vector<Change> changes_at(int32_t place) const {
    std::vector<Change> changes;
    for (const Value value : largest_across(place)) {
      const std::vector<int32_t>& reads = order_.life(value).reads;
      const int32_t next = *std::ranges::upper_bound(reads, place);
      size_t runs = 0;
      for (const int depth : kDepths) {
        if (!order_.is_repeatable(value.run)) break;
        Change change = repetition(value, place, next, depth);
        if (change.runs.size() == runs) break;  // there is no more to repeat
        runs = change.runs.size();
        if (change.saved > 0) changes.push_back(std::move(change));
      }
      for (const int32_t early : earlier_places(value, place)) {
        Change change = earlier_read(order_.run_at(next), early, place);
        if (change.saved > 0) changes.push_back(std::move(change));
      }
    }
    return changes;
  }

  // What lies longest, of values of one size: there are thousands in deep networks.
  std::vector<Value> largest_across(int32_t place) const {
    std::vector<Value> values = order_.kept_across(place);
    const auto waits = [&](Value v) {
      const std::vector<int32_t>& reads = order_.life(v).reads;
      return *std::ranges::upper_bound(reads, place) - order_.life(v).first;
    };
    std::ranges::stable_sort(values, [&](Value a, Value b) {
      const int64_t x = order_.life(a).bytes, y = order_.life(b).bytes;
      return x != y ? x > y : waits(a) > waits(b);
    });
    if (values.size() > kMostValues) values.resize(kMostValues);
    return values;
  }

  // The value is computed again before `next`, from what is alive there; what is not is computed
  // again, too, so many steps deep, and beyond them kept until then.
  Change repetition(Value value, int32_t place, int32_t next, int depth) const {
    Change change{.runs = {}, .place = next};
    std::set<int32_t> seen;
    std::set<Value> kept;
    const auto visit = [&](const auto& self, int32_t run, int left) -> void {
      if (!seen.insert(run).second) return;
      for (const Value input : order_.run(run).inputs) {
        if (input.is_given() || order_.life(input).last >= next) continue;
        if (left > 0 && order_.is_repeatable(input.run))
          self(self, input.run, left - 1);
        else
          kept.insert(input);
      }
      change.runs.push_back(run);
    };
    visit(visit, value.run, depth);
    for (const int32_t run : change.runs) {
      bool is_read_before = false;
      for (int32_t k = 0; k < order_.results(run); ++k) {
        const ExecutionOrder::Life& life = order_.life({run, k});
        is_read_before = is_read_before || (!life.reads.empty() && life.reads.front() < next);
        // Alive at the peak, and from now on only before and behind it.
        const auto read = std::ranges::lower_bound(life.reads, place);
        if (life.first < place && read != life.reads.end() && *read >= next)
          change.saved += life.bytes;
      }
      if (is_read_before) change.microseconds += order_.microseconds(run);
    }
    for (const Value value_kept : kept) {
      if (order_.life(value_kept).last < place) change.saved -= order_.life(value_kept).bytes;
    }
    return change;
  }

  // Where what reads the value behind the peak may be better off: at the peak, before what the peak
  // reads is made, and as early as can be.
  std::set<int32_t> earlier_places(Value value, int32_t place) const {
    const int32_t first = order_.life(value).first + 1;
    std::set<int32_t> places = {place, first};
    for (const Value input : order_.run(order_.run_at(place)).inputs) {
      if (!input.is_given() && order_.life(input).first >= first)
        places.insert(order_.life(input).first);
    }
    return places;
  }

  // A run behind the peak goes before an earlier place, with what it needs, and leaves less than it
  // reads: the product that makes the gradient of a weight, with its update.
  Change earlier_read(int32_t last_run, int32_t early, int32_t place) const {
    Change change{.runs = {}, .place = early, .advances = true};
    std::set<int32_t> seen;
    const auto visit = [&](const auto& self, int32_t run) -> void {
      if (seen.size() > kMostAdvanced || order_.place_of(run) < early || !seen.insert(run).second)
        return;
      for (const Value input : order_.run(run).inputs) {
        if (!input.is_given()) self(self, input.run);
      }
      change.runs.push_back(run);
    };
    visit(visit, last_run);
    if (seen.size() > kMostAdvanced || seen.contains(order_.run_at(place))) return change;
    std::set<Value> read;
    for (const int32_t run : change.runs) {
      for (const Value input : order_.run(run).inputs) {
        if (!input.is_given()) read.insert(input);
      }
      for (int32_t k = 0; k < order_.results(run); ++k) {
        if (order_.place_of(run) > place) change.saved -= order_.life({run, k}).bytes;
      }
    }
    for (const Value value : read) {
      const ExecutionOrder::Life& life = order_.life(value);
      const bool ends = std::ranges::all_of(
          life.reads, [&](int32_t p) { return p < place || seen.contains(order_.run_at(p)); });
      if (!ends) continue;
      if (life.first < place || seen.contains(value.run)) change.saved += life.bytes;
    }
    return change;
  }

  ExecutionOrder order_;
  int32_t most_runs_;
};

// --- what runs need, where nobody knows it better

double products(const Graph& graph, const Node& node) {
  if (node.is(KernelOp::kContract)) {
    const Contract contract = Contract::of(graph, node);
    return static_cast<double>(node.types[0].shape.elements()) *
           static_cast<double>(extent(graph.type(node.inputs[0]).shape, contract.lhs.depth));
  }
  double sum = 0;
  if (node.is(KernelOp::kFusion)) {
    const Graph& body = node.attributes.get_graph("body");
    for (const Node& inner : body.nodes()) sum += products(body, inner);
  }
  return sum;
}

// Ten bytes or fifty products a nanosecond; maps write over their operands.
NodeNeed estimated_need(const Graph& graph, const Node& node) {
  NodeNeed need;
  double bytes = 0;
  for (const ValueType& type : node.types) bytes += static_cast<double>(type.bytes());
  for (const ValueId id : node.inputs) bytes += static_cast<double>(graph.type(id).bytes());
  need.microseconds = bytes / 1e4 + products(graph, node) / 5e4;
  if (!node.is(KernelOp::kMap)) return need;
  for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
    for (int32_t i = 0; i < static_cast<int32_t>(node.inputs.size()); ++i)
      need.overwrites.emplace_back(r, i);
  }
  return need;
}

RunNeed estimated_need(const Graph& graph) {
  RunNeed need;
  for (const Node& node : graph.nodes()) {
    need.nodes.push_back(estimated_need(graph, node));
    if (node.op->kind == KernelKind::kSource)
      need.bytes = checked_sum(need.bytes, node.types[0].bytes());
  }
  for (const Graph::Output& o : graph.outputs())
    need.bytes = checked_sum(need.bytes, graph.type(o.value).bytes());
  need.bytes = checked_sum(need.bytes, ExecutionOrder(graph, need).peak().bytes);
  return need;
}

[[noreturn]] void raise_small_budget(const Graph& graph, int64_t budget, int64_t least,
                                     int64_t without) {
  throw MemoryError(fmt::format(
      "memory_budget: {} are not enough for a run of graph '{}': with everything computed again "
      "that helps it needs {} ({} bytes), without a budget {}",
      memory_text(budget), graph.name(), memory_text(least), least, memory_text(without)));
}

}  // namespace

Graph rematerialize(const Graph& graph, const PassContext& context) {
  const int64_t budget = context.memory_budget;
  if (budget <= 0) return graph;
  const auto need_of = [&](const Graph& g) {
    return context.run_need ? context.run_need(g) : estimated_need(g);
  };
  const RunNeed need = need_of(graph);
  if (need.bytes <= budget) return graph;
  Lowering lowering(graph, need);
  // What the order of runs does not change, as far as it is known before runs are planned.
  int64_t target = budget - (need.bytes - lowering.order().peak().bytes);
  for (int plan = 0; plan < kMostPlans; ++plan) {
    while (lowering.order().peak().bytes > target && lowering.lower(target)) {
    }
    Graph result = lowering.order().graph();
    const int64_t bytes = need_of(result).bytes;
    if (bytes <= budget) return result;
    if (lowering.order().peak().bytes > target) break;
    target -= bytes - budget;
  }
  // The way to the least there is does not hang on the budget.
  Lowering least(graph, need);
  target = budget - (need.bytes - least.order().peak().bytes);
  while (true) {
    bool lowers = true;
    while (lowers && least.order().peak().bytes > target) lowers = least.lower(0);
    Graph result = least.order().graph();
    const int64_t bytes = need_of(result).bytes;
    if (bytes <= budget) return result;
    if (!lowers) raise_small_budget(graph, budget, std::min(bytes, need.bytes), need.bytes);
    target = std::min(target, least.order().peak().bytes) - (bytes - budget);
  }
}

}  // namespace sinter

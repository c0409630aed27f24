// Lifetimes are counted as the runtime places buffers: outputs and new values of variables lie in
// the caller's memory where they can, results where their kernels may write over what they read.
#include "passes/execution_order.h"

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "core/prologue.h"

namespace sinter {
namespace {

constexpr int64_t kBufferAlignment = 64;

int64_t buffer_bytes(const ValueType& type) {
  return (type.bytes() + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

}  // namespace

ExecutionOrder::ExecutionOrder(const Graph& graph, const RunNeed& need)
    : graph_(&graph), need_(&need), given_(frozen_nodes(graph)) {
  const std::vector<bool> live = graph.live_nodes();
  std::vector<int32_t> run_of(static_cast<size_t>(graph.size()), -1);
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (node.op->kind == KernelKind::kSource) given_[static_cast<size_t>(i)] = true;
    if (given_[static_cast<size_t>(i)] || !live[static_cast<size_t>(i)] ||
        node.is(KernelOp::kReshape))
      continue;
    Run run{.node = i, .inputs = {}};
    for (const ValueId id : node.inputs) {
      Value value = seen(id);
      if (!value.is_given()) value.run = run_of[static_cast<size_t>(value.run)];
      run.inputs.push_back(value);
    }
    run_of[static_cast<size_t>(i)] = static_cast<int32_t>(runs_.size());
    order_.push_back(static_cast<int32_t>(runs_.size()));
    runs_.push_back(std::move(run));
  }
  const auto kept = [&](ValueId id) {
    Value value = seen(id);
    if (!value.is_given()) value.run = run_of[static_cast<size_t>(value.run)];
    return value;
  };
  for (const Graph::Output& o : graph.outputs()) outputs_.push_back(kept(o.value));
  for (const Graph::Update& u : graph.updates()) updates_.push_back(kept(u.value));
  measure();
}

// Through reshapes; of what is not given, the run is still a node.
ExecutionOrder::Value ExecutionOrder::seen(ValueId id) const {
  while (!given_[static_cast<size_t>(id.node)] && graph_->node(id).is(KernelOp::kReshape))
    id = graph_->node(id).inputs[0];
  return given_[static_cast<size_t>(id.node)] ? Value::given(id) : Value{id.node, id.result};
}

int32_t ExecutionOrder::results(int32_t r) const {
  return static_cast<int32_t>(graph_->node(run(r).node).types.size());
}

double ExecutionOrder::microseconds(int32_t r) const {
  return need_->nodes[static_cast<size_t>(run(r).node)].microseconds;
}

bool ExecutionOrder::is_repeatable(int32_t r) const {
  for (int32_t k = 0; k < results(r); ++k) {
    if (life({r, k}).is_kept) return false;
  }
  return true;
}

ExecutionOrder::Life& ExecutionOrder::life_of(Value value) {
  return lives_[static_cast<size_t>(first_life_[static_cast<size_t>(value.run)] + value.result)];
}

std::vector<ExecutionOrder::Value> ExecutionOrder::kept_across(int32_t place) const {
  std::vector<Value> values;
  for (int32_t p = 0; p < place; ++p) {
    const int32_t r = run_at(p);
    for (int32_t k = 0; k < results(r); ++k) {
      const Life& l = life({r, k});
      if (l.bytes > 0 && !l.is_kept && l.last > place &&
          !std::ranges::binary_search(l.reads, place))
        values.push_back({r, k});
    }
  }
  return values;
}

void ExecutionOrder::repeat(std::span<const int32_t> repeated, int32_t place) {
  std::map<int32_t, int32_t> again;
  std::vector<int32_t> added;
  const auto rebind = [&](Run& run) {
    for (Value& input : run.inputs) {
      const auto found = again.find(input.run);
      if (found != again.end()) input.run = found->second;
    }
  };
  for (const int32_t r : repeated) {
    Run copy = run(r);
    rebind(copy);
    again[r] = static_cast<int32_t>(runs_.size());
    added.push_back(static_cast<int32_t>(runs_.size()));
    runs_.push_back(std::move(copy));
  }
  for (int32_t p = place; p < size(); ++p) rebind(runs_[static_cast<size_t>(run_at(p))]);
  order_.insert(order_.begin() + place, added.begin(), added.end());
  drop_unread();
  measure();
}

void ExecutionOrder::advance(std::span<const int32_t> advanced, int32_t place) {
  std::erase_if(order_,
                [&](int32_t r) { return std::ranges::find(advanced, r) != advanced.end(); });
  order_.insert(order_.begin() + place, advanced.begin(), advanced.end());
  measure();
}

void ExecutionOrder::drop_unread() {
  std::vector<bool> needed(runs_.size());
  const auto need = [&](Value value) {
    if (!value.is_given()) needed[static_cast<size_t>(value.run)] = true;
  };
  for (const Value value : outputs_) need(value);
  for (const Value value : updates_) need(value);
  for (int32_t p = size(); p-- > 0;) {
    if (!needed[static_cast<size_t>(run_at(p))]) continue;
    for (const Value input : run(run_at(p)).inputs) need(input);
  }
  std::erase_if(order_, [&](int32_t r) { return !needed[static_cast<size_t>(r)]; });
}

void ExecutionOrder::measure() {
  find_reads();
  place_kept();
  for (int32_t p = 0; p < size(); ++p) take_over(p);
  sum_up();
}

void ExecutionOrder::find_reads() {
  places_.assign(runs_.size(), -1);
  first_life_.assign(runs_.size(), -1);
  lives_.clear();
  last_read_.assign(static_cast<size_t>(graph_->size()), -1);
  for (int32_t p = 0; p < size(); ++p) {
    const int32_t r = run_at(p);
    places_[static_cast<size_t>(r)] = p;
    first_life_[static_cast<size_t>(r)] = static_cast<int32_t>(lives_.size());
    for (const ValueType& type : graph_->node(run(r).node).types)
      lives_.push_back({.bytes = buffer_bytes(type), .first = p, .last = p, .reads = {}});
    for (const Value input : run(r).inputs) {
      if (input.is_given()) {
        last_read_[static_cast<size_t>(input.node())] = p;
        continue;
      }
      Life& l = life_of(input);
      l.last = p;
      if (l.reads.empty() || l.reads.back() != p) l.reads.push_back(p);
    }
  }
}

// A new value lies in the variable itself where nothing reads the old one later.
void ExecutionOrder::place_kept() {
  const int32_t end = std::max(0, size() - 1);
  for (const Value value : outputs_) {
    if (value.is_given()) continue;
    Life& l = life_of(value);
    l.is_kept = true;
    l.bytes = 0;
  }
  for (size_t u = 0; u < updates_.size(); ++u) {
    const Value value = updates_[u];
    if (value.is_given()) continue;
    const int32_t variable = graph_->updates()[u].variable;
    const int32_t read = last_read_[static_cast<size_t>(variable)];
    Life& l = life_of(value);
    const bool in_place =
        read < l.first ||
        (read == l.first && may_overwrite(value.run, value.result, Value::given({variable, 0})));
    if (in_place || l.bytes == 0)
      l.bytes = 0;
    else
      l.last = end;
    l.is_kept = true;
  }
}

bool ExecutionOrder::may_overwrite(int32_t r, int32_t result, Value input) const {
  const auto& pairs = need_->nodes[static_cast<size_t>(run(r).node)].overwrites;
  const std::vector<Value>& inputs = run(r).inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == input &&
        std::ranges::find(pairs, std::pair(result, static_cast<int32_t>(i))) == pairs.end())
      return false;
  }
  return true;
}

// The results of the run at `place`, where they lie in memory of what it is the last to read.
void ExecutionOrder::take_over(int32_t place) {
  const int32_t r = run_at(place);
  std::vector<Value> taken;
  for (int32_t k = 0; k < results(r); ++k) {
    Life& result = life_of({r, k});
    if (result.bytes == 0) continue;
    for (const Value input : run(r).inputs) {
      if (input.is_given() || std::ranges::find(taken, input) != taken.end()) continue;
      const Life& l = life(input);
      if (l.is_kept || l.last != place || l.bytes != result.bytes || !may_overwrite(r, k, input))
        continue;
      result.takes_over = true;
      taken.push_back(input);
      break;
    }
  }
}

void ExecutionOrder::sum_up() {
  std::vector<int64_t> change(order_.size() + 2);
  for (const Life& l : lives_) {
    const int32_t from = l.first + (l.takes_over ? 1 : 0);
    if (from > l.last) continue;
    change[static_cast<size_t>(from)] += l.bytes;
    change[static_cast<size_t>(l.last) + 1] -= l.bytes;
  }
  bytes_.assign(order_.size(), 0);
  peak_ = {};
  int64_t alive = 0;
  for (int32_t p = 0; p < size(); ++p) {
    alive += change[static_cast<size_t>(p)];
    const int64_t now =
        alive + need_->nodes[static_cast<size_t>(run(run_at(p)).node)].scratch_bytes;
    bytes_[static_cast<size_t>(p)] = now;
    if (now > peak_.bytes) peak_ = {now, p, 0};
    if (now == peak_.bytes) ++peak_.places;
  }
}

namespace {

// Makes the nodes of an order anew. Reshapes take no time and no memory, so each stands before the
// first that reads through it.
class OrderWriter {
 public:
  using Value = ExecutionOrder::Value;

  OrderWriter(const Graph& source, const std::vector<bool>& given)
      : source_(source), given_(given), target_(source.name()) {
    target_.reserve(source.size());
    made_.resize(static_cast<size_t>(source.size()), -1);
    for (int32_t i = 0; i < source.size(); ++i) {
      if (!given[static_cast<size_t>(i)]) continue;
      std::vector<ValueId> inputs = source.node(i).inputs;
      for (ValueId& id : inputs) id.node = made_[static_cast<size_t>(id.node)];
      made_[static_cast<size_t>(i)] =
          target_.copy_node(source, i, std::move(inputs), source.node(i).origin);
    }
  }

  void add_run(int32_t run, int32_t node, const std::vector<Value>& bound) {
    std::vector<ValueId> inputs;
    for (size_t k = 0; k < bound.size(); ++k)
      inputs.push_back(read(source_.node(node).inputs[k], bound[k]));
    runs_[run] = target_.copy_node(source_, node, std::move(inputs), source_.node(node).origin);
  }

  // What `id` of the source is when the value that it shows is `bound`.
  ValueId read(ValueId id, Value bound) {
    const Node& node = source_.node(id);
    if (given_[static_cast<size_t>(id.node)])
      return {made_[static_cast<size_t>(id.node)], id.result};
    if (!node.is(KernelOp::kReshape)) return {runs_.at(bound.run), bound.result};
    const ValueId from = read(node.inputs[0], bound);
    const auto [place, is_new] = reshapes_.try_emplace({from, id.node}, -1);
    if (is_new) place->second = target_.copy_node(source_, id.node, {from}, node.origin);
    return {place->second, 0};
  }

  Graph& target() { return target_; }
  int32_t made(int32_t node) const { return made_[static_cast<size_t>(node)]; }

 private:
  const Graph& source_;
  const std::vector<bool>& given_;
  Graph target_;
  std::vector<int32_t> made_;  // by node, of what is given
  std::map<int32_t, int32_t> runs_;
  std::map<std::pair<ValueId, int32_t>, int32_t> reshapes_;
};

}  // namespace

Graph ExecutionOrder::graph() const {
  OrderWriter writer(*graph_, given_);
  for (const int32_t r : order_) writer.add_run(r, run(r).node, run(r).inputs);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const Graph::Output& o = graph_->outputs()[i];
    writer.target().add_output(o.name, writer.read(o.value, outputs_[i]));
  }
  for (size_t i = 0; i < updates_.size(); ++i) {
    const Graph::Update& u = graph_->updates()[i];
    writer.target().add_update(writer.made(u.variable), writer.read(u.value, updates_[i]));
  }
  return std::move(writer.target());
}

}  // namespace sinter

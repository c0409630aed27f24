// Kernel creation backend by backend, and placement: aliases, results written straight into outputs
// and variables, one arena for the rest.
#include "runtime/assemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "core/error.h"
#include "core/prologue.h"
#include "runtime/backend.h"
#include "runtime/compile_options.h"
#include "runtime/plan_memory.h"
#include "runtime/plan_stages.h"

namespace sinter {
namespace {

using Kind = BufferPlacement::Kind;
constexpr int32_t kAtEnd = 1 << 30;  // the step of the copies at the end

// Values that share a buffer form one group; groups are merged by reshapes and in-place kernels.
class Placer {
 public:
  Placer(Program& program) : program_(program), graph_(program.graph) {
    for (const Node& node : graph_.nodes()) {
      first_.push_back(static_cast<int32_t>(groups_.size()));
      for (const ValueType& t : node.types) groups_.push_back({.bytes = t.bytes()});
    }
    parent_.resize(groups_.size());
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  void place() {
    place_sources();
    find_lifetimes();
    place_derived();
    place_outputs();
    place_updates();
    share_in_place();
    plan_arena();
    fill_steps();
    add_copies();
  }

 private:
  struct Group {
    int64_t bytes = 0;
    int32_t first = kAtEnd, last = -1;           // steps
    bool derived = false, read_by_runs = false;  // made by the prologue; needed after it
    bool placed = false;
    BufferPlacement placement = {};
  };

  int32_t find(ValueId id) { return find(first_[static_cast<size_t>(id.node)] + id.result); }
  int32_t find(int32_t g) {
    while (parent_[static_cast<size_t>(g)] != g)
      g = parent_[static_cast<size_t>(g)] =
          parent_[static_cast<size_t>(parent_[static_cast<size_t>(g)])];
    return g;
  }
  Group& group(ValueId id) { return groups_[static_cast<size_t>(find(id))]; }
  void put(Group& g, Kind kind, int64_t index) {
    g.placed = true;
    g.placement = {kind, index};
  }

  void place_sources() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i)
      put(group({graph_.inputs()[i], 0}), Kind::kInput, static_cast<int64_t>(i));
    for (size_t i = 0; i < graph_.variables().size(); ++i)
      put(group({graph_.variables()[i], 0}), Kind::kVariable, static_cast<int64_t>(i));
    for (int32_t i = 0; i < graph_.size(); ++i) {
      const Node& node = graph_.node(i);
      if (node.is(KernelOp::kConstant)) {
        put(group({i, 0}), Kind::kConstant, static_cast<int64_t>(program_.constants.size()));
        program_.constants.push_back(node.attributes.get<Tensor>("value"));
      } else if (node.is(KernelOp::kReshape)) {
        parent_[static_cast<size_t>(find(ValueId{i, 0}))] = find(node.inputs[0]);
      }
    }
  }

  void find_lifetimes() {
    for (size_t s = 0; s < program_.steps.size(); ++s) {
      const auto step = static_cast<int32_t>(s);
      const Node& node = graph_.node(program_.steps[s].node);
      for (ValueId id : node.inputs) {
        Group& g = group(id);
        g.last = std::max(g.last, step);
        g.read_by_runs = g.read_by_runs || !program_.steps[s].prologue;
      }
      for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
        Group& g = group({program_.steps[s].node, r});
        g.first = std::min(g.first, step);
        g.last = std::max(g.last, step);
        g.derived = g.derived || program_.steps[s].prologue;
      }
    }
    for (const Graph::Output& o : graph_.outputs()) keep_to_the_end(group(o.value));
    for (const Graph::Update& u : graph_.updates()) keep_to_the_end(group(u.value));
  }

  static void keep_to_the_end(Group& g) {
    g.last = kAtEnd;
    g.read_by_runs = true;
  }

  // Results of the prologue have memory of their own, and keep it when runs read them.
  void place_derived() {
    std::vector<BufferRequest> requests;
    std::vector<Group*> owners;
    for (Group& g : groups_) {
      if (!g.derived || g.placed) continue;
      owners.push_back(&g);
      requests.push_back({g.bytes, g.first, g.read_by_runs ? kAtEnd : g.last});
    }
    const ArenaPlan plan = plan_memory(requests);
    program_.derived_bytes = plan.bytes;
    for (size_t i = 0; i < owners.size(); ++i) put(*owners[i], Kind::kDerived, plan.offsets[i]);
  }

  // A result goes straight into the caller's memory; what has a place already is copied there at
  // the end.
  void place_outputs() {
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      Group& g = group(graph_.outputs()[i].value);
      if (!g.placed) put(g, Kind::kOutput, static_cast<int64_t>(i));
    }
  }

  int64_t variable_index(int32_t node) const {  // they are in the order of the nodes
    const std::vector<int32_t>& variables = graph_.variables();
    return std::ranges::lower_bound(variables, node) - variables.begin();
  }

  // variable <- value: the kernel that makes the value writes it into the variable itself, when
  // nothing reads the old value later. A kernel that reads and writes the variable at once must be
  // able to work in place.
  void place_updates() {
    for (const Graph::Update& u : graph_.updates()) {
      Group& value = group(u.value);
      Group& variable = group({u.variable, 0});
      if (value.placed || variable.last > value.first) continue;
      if (value.first == kAtEnd) continue;  // no step makes it
      const Step& maker = program_.steps[static_cast<size_t>(value.first)];
      if (variable.last == value.first &&
          !may_overwrite(maker, find(u.value), find(ValueId{u.variable, 0})))
        continue;
      put(value, Kind::kVariable, variable_index(u.variable));
    }
  }

  // May the results of `step` in group `result` overwrite its inputs in group `input`?
  bool may_overwrite(const Step& step, int32_t result, int32_t input) {
    const Node& node = graph_.node(step.node);
    bool any = false;
    for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
      if (find(ValueId{step.node, r}) != result) continue;
      if (any) return false;  // two results in one buffer
      any = true;
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (find(node.inputs[i]) == input && !step.kernel->can_alias(r, static_cast<int>(i)))
          return false;
      }
    }
    return any;
  }

  void share_in_place() {
    for (size_t s = 0; s < program_.steps.size(); ++s) {
      const Step& step = program_.steps[s];
      const Node& node = graph_.node(step.node);
      for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
        const int32_t result = find(ValueId{step.node, r});
        if (groups_[static_cast<size_t>(result)].placed) continue;
        for (ValueId id : node.inputs) {
          const int32_t input = find(id);
          Group& in = groups_[static_cast<size_t>(input)];
          Group& out = groups_[static_cast<size_t>(result)];
          if (input == result || in.placed || in.last != static_cast<int32_t>(s) ||
              in.bytes != out.bytes)
            continue;
          if (in.first >= static_cast<int32_t>(s) || !may_overwrite(step, result, input)) continue;
          parent_[static_cast<size_t>(result)] = input;
          in.last = std::max(in.last, out.last);
          break;
        }
      }
    }
  }

  void plan_arena() {
    std::vector<BufferRequest> requests;
    std::vector<int32_t> owners;
    for (size_t g = 0; g < groups_.size(); ++g) {
      const Group& it = groups_[g];
      if (parent_[g] != static_cast<int32_t>(g) || it.placed || it.first == kAtEnd) continue;
      owners.push_back(static_cast<int32_t>(g));
      requests.push_back({it.bytes, it.first, it.last});
    }
    const size_t scratch_from = requests.size();
    for (size_t s = 0; s < program_.steps.size(); ++s) {
      const int64_t bytes = program_.steps[s].kernel->scratch_bytes();
      if (bytes > 0) requests.push_back({bytes, static_cast<int32_t>(s), static_cast<int32_t>(s)});
    }
    // Copies from one updated variable to another go through the arena, so that none overwrites
    // what another still reads.
    for (const Graph::Update& u : graph_.updates()) {
      if (copied_variable(u))
        requests.push_back({groups_[static_cast<size_t>(find(u.value))].bytes, kAtEnd, kAtEnd});
    }
    const ArenaPlan plan = plan_memory(requests);
    program_.arena_bytes = plan.bytes;
    for (size_t i = 0; i < owners.size(); ++i)
      put(groups_[static_cast<size_t>(owners[i])], Kind::kArena, plan.offsets[i]);
    size_t next = scratch_from;
    for (Step& step : program_.steps) {
      if (step.kernel->scratch_bytes() > 0) step.scratch_offset = plan.offsets[next++];
    }
    for (const Graph::Update& u : graph_.updates()) {
      if (copied_variable(u)) staging_.push_back(plan.offsets[next++]);
    }
  }

  // Is the new value another variable, as it stands?
  bool copied_variable(const Graph::Update& u) {
    const Group& value = group(u.value);
    return value.placed && value.placement.kind == Kind::kVariable &&
           value.placement.offset != variable_index(u.variable);
  }

  void fill_steps() {
    for (Step& step : program_.steps) {
      const Node& node = graph_.node(step.node);
      for (ValueId id : node.inputs) step.buffers.push_back(group(id).placement);
      for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
        Group& g = group({step.node, r});
        SINTER_CHECK(g.placed, node.op->name);
        step.buffers.push_back(g.placement);
      }
    }
  }

  void add_copies() {
    std::vector<Copy> last;
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const BufferPlacement to{Kind::kOutput, static_cast<int64_t>(i)};
      Group& g = group(graph_.outputs()[i].value);
      if (g.placement != to) program_.copies.push_back({g.placement, to, g.bytes});
    }
    size_t staged = 0;
    for (const Graph::Update& u : graph_.updates()) {
      const BufferPlacement to{Kind::kVariable, variable_index(u.variable)};
      Group& g = group(u.value);
      if (g.placement == to) continue;
      if (copied_variable(u)) {
        const BufferPlacement between{Kind::kArena, staging_[staged++]};
        program_.copies.push_back({g.placement, between, g.bytes});
        last.push_back({between, to, g.bytes});
      } else {
        last.push_back({g.placement, to, g.bytes});
      }
    }
    program_.copies.insert(program_.copies.end(), last.begin(), last.end());
  }

  Program& program_;
  const Graph& graph_;
  std::vector<int32_t> first_;
  std::vector<Group> groups_;
  std::vector<int32_t> parent_;
  std::vector<int64_t> staging_;
};

}  // namespace

Program assemble(Graph lowered, const std::function<BackendChoice(const Graph&, int32_t)>& choose,
                 const CompileOptions& options) {
  Program program{
      .graph = std::move(lowered), .steps = {}, .stages = {}, .copies = {}, .constants = {}};
  const Graph& graph = program.graph;
  const std::vector<bool> live = graph.live_nodes(), frozen = frozen_nodes(graph);
  std::map<Backend*, std::vector<size_t>> work;
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (!live[static_cast<size_t>(i)] || node.op->kind == KernelKind::kSource ||
        node.is(KernelOp::kReshape))
      continue;
    const BackendChoice choice = choose(graph, i);
    if (const std::string reason = choice.backend->why_not(graph, i); !reason.empty()) {
      throw Error(fmt::format("backend '{}' cannot run '{}'{}: {}", choice.backend->name(),
                              node.op->name, node.origin ? " of " + node.origin->to_string() : "",
                              reason));
    }
    work[choice.backend].push_back(program.steps.size());
    program.steps.push_back({.node = i,
                             .backend = std::string(choice.backend->name()),
                             .reason = choice.reason,
                             .kernel = nullptr,
                             .microseconds = {},
                             .buffers = {},
                             .scratch_offset = -1,
                             .prologue = frozen[static_cast<size_t>(i)]});
  }
  for (const auto& [backend, steps] : work) {
    std::vector<int32_t> nodes;
    for (size_t s : steps) nodes.push_back(program.steps[s].node);
    std::vector<std::unique_ptr<Kernel>> kernels = backend->compile(graph, nodes, options);
    SINTER_CHECK(kernels.size() == nodes.size(), std::string(backend->name()));
    for (size_t k = 0; k < steps.size(); ++k) {
      Step& step = program.steps[steps[k]];
      step.kernel = std::move(kernels[k]);
      step.microseconds = step.kernel->microseconds();
      if (!step.microseconds) step.microseconds = backend->estimate(graph, step.node);
    }
  }
  Placer(program).place();
  program.stages = plan_stages(program);
  return program;
}

}  // namespace sinter

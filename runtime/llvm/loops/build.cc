#include "runtime/llvm/loops/build.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/reduce.h"

namespace sinter::codegen {
namespace {

bool has_no_elements(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  for (const ValueType& t : n.types) {
    if (t.shape.elements() == 0) return true;
  }
  return std::any_of(n.inputs.begin(), n.inputs.end(),
                     [&](ValueId v) { return graph.type(v).shape.elements() == 0; });
}

// Nodes with empty values: what they compute does not depend on any element.
void build_empty(const Region& region, int32_t node, LoopProgram& program) {
  const Node& n = region.graph->node(node);
  std::vector<LoopNest> nests;
  for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
    const auto output = region.outputs.find({node, r});
    const ValueType& type = n.types[static_cast<size_t>(r)];
    if (output == region.outputs.end() || type.shape.elements() == 0) continue;
    LoopNest nest;
    nest.dims = {type.shape.elements()};
    Number value;  // of contractions and sums over nothing
    if (n.is(KernelOp::kReduce)) {
      if (const ReduceKind kind = Reduce::of(n).kind; kind != ReduceKind::kSum)
        value = reduce_identity(kind, type.dtype);
    }
    if (n.is(KernelOp::kPad)) value = n.attributes.get_float("value");
    if (n.is(KernelOp::kSize))
      value = region.graph->type(n.inputs[0]).shape.dim(axis_of(n.attributes));
    nest.store(nest.number(type.dtype, value),
               {.buffer = output->second, .offset = 0, .strides = {1}});
    nest.finish();
    nests.push_back(std::move(nest));
  }
  // A concatenation of empty and other parts copies the others.
  if (n.is(KernelOp::kConcat) && n.types[0].shape.elements() != 0) {
    build_move(region, node, program);
  } else if (!nests.empty()) {
    add_phase(std::move(nests), program, region.scratch_argument);
  }
}

void build_node(const Region& region, int32_t node, LoopProgram& program) {
  const Node& n = region.graph->node(node);
  if (has_no_elements(*region.graph, node)) return build_empty(region, node, program);
  if (n.is(KernelOp::kPad) || n.is(KernelOp::kConcat) || n.is(KernelOp::kReshape))
    return build_move(region, node, program);
  if (n.is(KernelOp::kScatterAdd)) return build_scatter(region, node, program);
  if (n.is(KernelOp::kArgReduce)) return build_arg_reduce(region, node, program);
  if (n.op->kind == KernelKind::kContract) return build_contract(region, node, program);
  const bool built = build_cluster(region, program);
  SINTER_CHECK(
      built, fmt::format("{} of {}", n.op->name, n.types[0].to_string()) +
                 (n.inputs.empty() ? "" : " from " + region.graph->type(n.inputs[0]).to_string()));
}

// The nodes of `region` one after the other; what only they see lies in scratch memory.
void build_separately(const Region& region, LoopProgram& program) {
  const Graph& graph = *region.graph;
  std::map<ValueId, int> known = region.inputs;
  for (int32_t i : region.nodes) {
    const Node& n = graph.node(i);
    Region one{.graph = &graph,
               .nodes = {i},
               .inputs = {},
               .outputs = {},
               .scratch_argument = region.scratch_argument};
    for (ValueId v : n.inputs) one.inputs[v] = known.at(v);
    for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
      const ValueId v{i, r};
      const auto output = region.outputs.find(v);
      const ValueType& type = n.types[static_cast<size_t>(r)];
      one.outputs[v] = known[v] =
          output != region.outputs.end()
              ? output->second
              : program.add_scratch(type.dtype, type.shape.elements(), region.scratch_argument);
    }
    build_node(one, i, program);
  }
}

// A contraction first, then everything else as a cluster.
bool build_contract_then_cluster(const Region& region, LoopProgram& program) {
  const Graph& graph = *region.graph;
  Region rest = region;
  rest.nodes.clear();
  LoopProgram attempt = program;
  for (int32_t i : region.nodes) {
    if (graph.node(i).op->kind != KernelKind::kContract) {
      rest.nodes.push_back(i);
      continue;
    }
    for (ValueId v : graph.node(i).inputs) {
      if (!region.inputs.contains(v)) return false;
    }
    const ValueId v{i, 0};
    const auto output = region.outputs.find(v);
    const int buffer =
        output != region.outputs.end()
            ? output->second
            : attempt.add_scratch(graph.type(v).dtype, graph.type(v).shape.elements(),
                                  region.scratch_argument);
    Region one{.graph = &graph,
               .nodes = {i},
               .inputs = region.inputs,
               .outputs = {{v, buffer}},
               .scratch_argument = region.scratch_argument};
    build_node(one, i, attempt);
    rest.inputs[v] = buffer;
    rest.outputs.erase(v);
  }
  if (rest.nodes.size() == region.nodes.size() || rest.outputs.empty() ||
      !build_cluster(rest, attempt))
    return false;
  program = std::move(attempt);
  return true;
}

// Reshapes at the boundary move nothing: what an inner value calls [1,100352] may be [784,128]
// outside.
void absorb_reshapes(Region& region) {
  const Graph& graph = *region.graph;
  std::vector<int32_t> kept;
  for (int32_t i : region.nodes) {
    const Node& n = graph.node(i);
    if (n.is(KernelOp::kReshape) && region.inputs.contains(n.inputs[0]) &&
        !region.outputs.contains({i, 0}))
      region.inputs[{i, 0}] = region.inputs.at(n.inputs[0]);
    else
      kept.push_back(i);
  }
  region.nodes = kept;
  const auto is_read = [&](ValueId v) {
    return std::any_of(region.nodes.begin(), region.nodes.end(), [&](int32_t i) {
      const auto& in = graph.node(i).inputs;
      return std::find(in.begin(), in.end(), v) != in.end();
    });
  };
  for (auto it = kept.rbegin(); it != kept.rend(); ++it) {
    const ValueId v{*it, 0};
    const Node& n = graph.node(v);
    if (!n.is(KernelOp::kReshape) || !region.outputs.contains(v) || is_read(v)) continue;
    const ValueId from = n.inputs[0];
    if (region.inputs.contains(from) || region.outputs.contains(from)) continue;
    region.outputs[from] = region.outputs.at(v);
    region.outputs.erase(v);
    region.nodes.erase(std::find(region.nodes.begin(), region.nodes.end(), *it));
  }
}

// The parts of concats that are results are written to their places. False where there are none.
bool split_concats(Region& region) {
  const Graph& graph = *region.graph;
  std::vector<ValueId> concats;
  for (const auto& [v, buffer] : region.outputs) {
    if (graph.node(v).is(KernelOp::kConcat)) concats.push_back(v);
  }
  for (const ValueId v : concats) {
    const Node& n = graph.node(v);
    const Shape& shape = n.types[0].shape;
    const auto axis = static_cast<size_t>(axis_of(n.attributes));
    const std::vector<int64_t> strides = shape.strides();
    int64_t begin = 0;
    for (const ValueId part : n.inputs) {
      const Shape& own = graph.type(part).shape;
      const View place{{own.begin(), own.end()}, strides, begin * strides[axis]};
      begin += own[static_cast<int>(axis)];
      const ValueId value = before_reshapes(graph, part);
      const Shape& inner = graph.type(value).shape;
      const std::optional<View> view =
          place.reshaped(std::vector<int64_t>(inner.begin(), inner.end()));
      if (!view || region.inputs.contains(value)) return false;
      region.parts.push_back({value, region.outputs.at(v), *view});
    }
    region.outputs.erase(v);
  }
  // What nothing reads any more: the concats, and reshapes before them.
  for (auto i = region.nodes.size(); i-- > 0 && !concats.empty();) {
    const int32_t node = region.nodes[i];
    const Node& n = graph.node(node);
    if (!n.is(KernelOp::kConcat) && !n.is(KernelOp::kReshape)) continue;
    const bool is_read =
        region.outputs.contains({node, 0}) || std::ranges::any_of(region.nodes, [&](int32_t other) {
          return std::ranges::find(graph.node(other).inputs, ValueId{node, 0}) !=
                 graph.node(other).inputs.end();
        });
    if (!is_read) region.nodes.erase(region.nodes.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return !concats.empty();
}

// As one cluster, or two steps, or node by node.
void build_region(const Region& given, LoopProgram& program) {
  Region region = given;
  if (split_concats(region)) {
    absorb_reshapes(region);
    if (build_cluster(region, program)) return;
  }
  region = given;
  absorb_reshapes(region);
  if (!region.outputs.empty() && !build_cluster(region, program) &&
      !build_contract_then_cluster(region, program))
    build_separately(region, program);
}

}  // namespace

LoopProgram build_loops(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const auto inputs = static_cast<int>(n.inputs.size());
  const auto results = static_cast<int>(n.types.size());
  LoopProgram program;
  if (!n.is(KernelOp::kFusion)) {
    Region region{.graph = &graph,
                  .nodes = {node},
                  .inputs = {},
                  .outputs = {},
                  .scratch_argument = inputs + results};
    for (int i = 0; i < inputs; ++i)
      region.inputs[n.inputs[static_cast<size_t>(i)]] =
          program.add_buffer({graph.type(n.inputs[static_cast<size_t>(i)]).dtype, i, 0});
    for (int r = 0; r < results; ++r)
      region.outputs[{node, r}] =
          program.add_buffer({n.types[static_cast<size_t>(r)].dtype, inputs + r, 0});
    build_node(region, node, program);
    program.merge_phases();
    return program;
  }
  const Graph& body = n.attributes.get_graph("body");
  Region region{.graph = &body,
                .nodes = {},
                .inputs = {},
                .outputs = {},
                .scratch_argument = inputs + results};
  const std::vector<bool> live = body.live_nodes();
  for (int32_t i = 0; i < body.size(); ++i) {
    if (live[static_cast<size_t>(i)] && !body.node(i).is(KernelOp::kInput))
      region.nodes.push_back(i);
  }
  for (int i = 0; i < inputs; ++i)
    region.inputs[{body.inputs()[static_cast<size_t>(i)], 0}] =
        program.add_buffer({graph.type(n.inputs[static_cast<size_t>(i)]).dtype, i, 0});
  std::vector<std::pair<int, int>> copies;  // one value as several results
  for (int r = 0; r < results; ++r) {
    const ValueId v = body.outputs()[static_cast<size_t>(r)].value;
    const int buffer = program.add_buffer({n.types[static_cast<size_t>(r)].dtype, inputs + r, 0});
    if (region.inputs.contains(v))
      copies.emplace_back(region.inputs.at(v), buffer);
    else if (const auto [it, added] = region.outputs.try_emplace(v, buffer); !added)
      copies.emplace_back(it->second, buffer);
  }
  build_region(region, program);
  for (const auto& [from, to] : copies) {
    const ValueType& type =
        n.types[static_cast<size_t>(program.buffers[static_cast<size_t>(to)].argument - inputs)];
    if (type.shape.elements() == 0) continue;
    LoopNest nest;
    nest.dims = {type.shape.elements()};
    nest.store(nest.load(type.dtype, {.buffer = from, .offset = 0, .strides = {1}}),
               {.buffer = to, .offset = 0, .strides = {1}});
    nest.finish();
    std::vector<LoopNest> nests;
    nests.push_back(std::move(nest));
    add_phase(std::move(nests), program, region.scratch_argument);
  }
  program.merge_phases();
  return program;
}

std::vector<std::pair<int, int>> find_aliases(const LoopProgram& program, int inputs, int results) {
  // Where each argument is touched: by plain loads or stores of one nest, or otherwise.
  struct Use {
    const LoopNest* nest = nullptr;
    std::vector<size_t> ops;
    bool plain = true;
  };
  std::vector<Use> uses(static_cast<size_t>(inputs + results));
  for (const LoopPhase& phase : program.phases) {
    for (const LoopNest& nest : phase.nests) {
      for (size_t k = 0; k < nest.ops.size(); ++k) {
        const LoopOp& op = nest.ops[k];
        if (op.access.buffer < 0) continue;
        const int argument = program.buffers[static_cast<size_t>(op.access.buffer)].argument;
        if (argument < 0 || argument >= inputs + results) continue;
        Use& use = uses[static_cast<size_t>(argument)];
        use.plain &= (use.nest == nullptr || use.nest == &nest) &&
                     op.kind == (argument < inputs ? LoopOpKind::kLoad : LoopOpKind::kStore);
        use.nest = &nest;
        use.ops.push_back(k);
      }
    }
  }
  std::vector<std::pair<int, int>> pairs;
  for (int r = 0; r < results; ++r) {
    const Use& to = uses[static_cast<size_t>(inputs + r)];
    if (!to.plain || to.ops.size() != 1) continue;
    const LoopOp& store = to.nest->ops[to.ops[0]];
    for (int i = 0; i < inputs; ++i) {
      const Use& from = uses[static_cast<size_t>(i)];
      if (!from.plain || from.nest != to.nest) continue;
      // The store must come in the last pass that needs the input.
      std::vector<bool> depends(to.nest->ops.size(), false);
      bool fits = true;
      for (size_t k : from.ops) {
        depends[k] = true;
        const Access& a = to.nest->ops[k].access;
        fits &= a.strides == store.access.strides && a.offset == store.access.offset;
      }
      for (size_t k = 0; k < to.nest->ops.size() && fits; ++k) {
        const LoopOp& op = to.nest->ops[k];
        for (int o : op.operands) depends[k] = depends[k] || depends[static_cast<size_t>(o)];
        const bool sink = op.kind == LoopOpKind::kStore || op.kind == LoopOpKind::kAccumulate ||
                          op.kind == LoopOpKind::kReduce || op.kind == LoopOpKind::kArgReduce;
        if (!sink || !depends[k]) continue;
        const bool reduces = op.kind == LoopOpKind::kReduce || op.kind == LoopOpKind::kArgReduce;
        fits &= op.pass - (reduces ? 1 : 0) <= store.pass;
      }
      if (fits) pairs.emplace_back(r, i);
    }
  }
  return pairs;
}

}  // namespace sinter::codegen

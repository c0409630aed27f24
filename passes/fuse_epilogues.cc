// fuse_epilogues: lets a contraction take the work that follows it (bias and activation, the mask
// of a gradient with its column sums, an optimizer's update, softmax, loss and accuracy over few
// columns) into its own kernel, where its result is still in registers.
#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "core/contract.h"
#include "core/error.h"
#include "core/reduce.h"
#include "core/region_form.h"
#include "passes/partition.h"
#include "passes/passes.h"
#include "passes/readers.h"
#include "passes/region.h"

namespace sinter {
namespace {

// A contraction, also as a region that is nothing but one whose operands are views. Where it
// stands: in the graph itself or in the body of the region.
struct Root {
  const Graph* graph = nullptr;
  const Node* contract = nullptr;
};

std::optional<Root> root_of(const Graph& graph, const Node& node) {
  if (node.is(KernelOp::kContract)) return Root{&graph, &node};
  if (!is_product_region(node)) return std::nullopt;
  Root root{&node.attributes.get_graph("body"), nullptr};
  for (const Node& inner : root.graph->nodes()) {
    if (inner.is(KernelOp::kContract))
      root.contract = &inner;
    else if (!inner.is(KernelOp::kInput) && !inner.is(KernelOp::kAsStrided))
      return std::nullopt;
  }
  return root;
}

// R and C of a contraction that may be the root of a region.
std::optional<Shape> space_of(const Graph& graph, const Node& node) {
  const std::optional<Root> root = root_of(graph, node);
  if (!root || !is_floating(node.types[0].dtype)) return std::nullopt;
  const auto& [graph_of_root, contract] = *root;
  const Shape space = Contract::of(*graph_of_root, *contract)
                          .matrix(graph_of_root->type(contract->inputs[0]).shape,
                                  graph_of_root->type(contract->inputs[1]).shape);
  return space.elements() == 0 ? std::nullopt : std::optional(space);
}

// A contraction and the node after it, taken apart again into plain nodes.
struct Pair {
  Graph graph{"pair"};
  std::vector<ValueId> inputs;   // values of the surrounding graph
  int32_t contract = -1;         // here
  std::vector<ValueId> results;  // of the follower, here
};

Pair take_apart(const Graph& graph, int32_t contract, int32_t follower) {
  Pair pair;
  Graph& flat = pair.graph;
  std::map<ValueId, Symbol> known;
  const auto value = [&](ValueId id) {
    const auto [it, inserted] = known.try_emplace(id);
    if (inserted) {
      it->second = flat.input("in" + std::to_string(pair.inputs.size()), graph.type(id));
      pair.inputs.push_back(id);
    }
    return it->second;
  };
  const auto values = [&](const Node& node) {
    std::vector<Symbol> result;
    for (ValueId id : node.inputs) result.push_back(value(id));
    return result;
  };
  const Node& root = graph.node(contract);
  const std::vector<Symbol> operands = values(root);
  flat.set_origin(root.origin);
  const Symbol product = root.is(KernelOp::kFusion)
                             ? inline_graph(flat, root.attributes.get_graph("body"), operands)[0]
                             : flat.add1("contract", operands, root.attributes);
  pair.contract = product.id().node;
  known[{contract, 0}] = product;
  const Node& node = graph.node(follower);
  const std::vector<Symbol> arguments = values(node);
  flat.set_origin(node.origin);
  const std::vector<Symbol> results =
      node.is(KernelOp::kFusion) ? inline_graph(flat, node.attributes.get_graph("body"), arguments)
                                 : flat.add(node.op->name, arguments, node.attributes);
  for (const Symbol& s : results) pair.results.push_back(s.id());
  return pair;
}

// A node of the follower, in the space of the product.
struct Placed {
  Member member;
  bool lifted = false;  // one value a row
};

// In a flat region, [1, R * C], a scalar looks like the value of the only row.
void forget_only_row(Member& member) {
  member.space.cuts.pop_back();
  for (Reading& r : member.readings) {
    if (r.reads == Reads::kRows && r.row == member.space.elements) r.reads = Reads::kView;
  }
}

// Nothing where it has no place there.
std::optional<Placed> place(const Pair& pair, int32_t index, const Shape& space) {
  std::optional<Member> member = as_member(pair.graph, index);
  if (!member) return std::nullopt;
  Space& own = member->space;
  if (!own.cuts.empty() && own.cuts.back() == own.elements && space[0] != 1 &&
      member->role != Role::kRowReduce)
    forget_only_row(*member);
  const bool lifted = own.elements != space.elements();
  const Space rows{space[0]}, whole{space.elements(), {space[1]}};
  const std::optional<Space> both = meet(own, lifted ? rows : whole);
  if (!both || both->cuts != (lifted ? rows : whole).cuts) return std::nullopt;
  return Placed{std::move(*member), lifted};
}

// A member's reading or result along the rows and columns of the product.
View in_space(const View& view, const Placed& placed, const Shape& space) {
  const std::array<int64_t, 2> dims = {space[0], placed.lifted ? 1 : space[1]};
  const std::optional<View> result = view.reshaped(dims);
  SINTER_CHECK(result.has_value(), "a view that does not fit the product it follows");
  return *result;
}

bool is_sum(const Node& reduce) { return Reduce::of(reduce).kind == ReduceKind::kSum; }

bool is_work(const Node& node) {
  return node.is(KernelOp::kMap) || node.is(KernelOp::kReduce) || node.is(KernelOp::kArgReduce);
}

// Has all of the follower's work a place, and is it elementwise or a column sum? Rows are reduced,
// their columns numbered, or everything summed up, only where a row has `whole_row_columns` at
// most.
bool fits(const Pair& pair, const Shape& space, int64_t whole_row_columns) {
  const DType dtype = pair.graph.node(pair.contract).types[0].dtype;
  for (int32_t i = pair.contract + 1; i < pair.graph.size(); ++i) {
    const Node& node = pair.graph.node(i);
    if (node.is(KernelOp::kConcat)) return false;
    if (!is_work(node)) continue;
    const std::optional<Placed> placed = place(pair, i, space);
    if (!placed) return false;
    const Member& member = placed->member;
    const bool reduces_rows = member.role == Role::kRowReduce;
    const bool sums = member.role == Role::kReduce;
    const bool by_column = sums && in_space(member.result, *placed, space).strides[1] != 0;
    const bool of_rows = placed->lifted || reduces_rows || (sums && !by_column);
    if (of_rows && space[1] > whole_row_columns) return false;
    if (reduces_rows && placed->lifted) return false;
    if (by_column && (placed->lifted || node.types[0].dtype != dtype)) return false;
    if (sums && !is_sum(node)) return false;
    for (const Reading& r : member.readings) {
      if (r.generator >= 0) {  // random numbers: no backend makes them here
        if (!pair.graph.node(r.generator).is(KernelOp::kIota)) return false;
        if (placed->lifted || space[1] > whole_row_columns) return false;
        continue;
      }
      const Node& source = pair.graph.node(r.source);
      const bool is_product = r.source.node == pair.contract;
      // What the follower moved for itself is no input of the joined region.
      if (!source.is(KernelOp::kInput) && !is_work(source) && !is_product) return false;
      if (is_product && r.reads != Reads::kElements) return false;
      const int64_t count = pair.graph.type(r.source).shape.elements();
      const View view = in_space(r.view, *placed, space);
      const int64_t along_row = view.strides[1], from_row = view.strides[0];
      if (!view.is_in_order(count) && along_row != 1 && !(along_row == 0 && from_row <= 1))
        return false;
    }
  }
  return true;
}

class EpilogueFuser {
 public:
  EpilogueFuser(const Graph& graph, int64_t whole_row_columns)
      : graph_(graph),
        whole_row_columns_(whole_row_columns),
        readers_(graph),
        partition_(dependencies(graph)) {
    order_updates(partition_, graph, readers_);
  }

  Graph run() {
    // Large products first: where several meet in one sum, the largest keeps its result in
    // registers.
    std::vector<std::pair<int64_t, int32_t>> contracts;
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (const auto space = space_of(graph_, graph_.node(i))) {
        contracts.emplace_back(
            -space->elements() * graph_.type(graph_.node(i).inputs[0]).shape.elements(), i);
      }
    }
    std::sort(contracts.begin(), contracts.end());
    for (const auto& [cost, contract] : contracts) take_follower(contract);
    return emit();
  }

 private:
  void take_follower(int32_t contract) {
    const Shape space = *space_of(graph_, graph_.node(contract));
    for (int32_t i : readers_.of({contract, 0})) {
      const Node& node = graph_.node(i);
      if (!is_work(node) && !node.is(KernelOp::kFusion)) continue;
      if (is_product_region(node)) continue;
      if (partition_.members(partition_.find(i)).size() > 1) continue;
      if (fits(take_apart(graph_, contract, i), space, whole_row_columns_) &&
          partition_.merge(contract, i))
        return;
    }
  }

  Graph emit() {
    Rewriter rewriter(graph_);
    for (int32_t group : partition_.order()) {
      const std::vector<int32_t>& nodes = partition_.members(group);
      if (nodes.size() == 1)
        rewriter.copy(nodes[0]);
      else
        emit_region(rewriter, joined(nodes[0], nodes[1]), joined_origin(graph_, nodes));
    }
    return rewriter.finish();
  }

  bool read_outside(ValueId id, int32_t follower) const {
    return readers_.is_kept(id) ||
           std::ranges::any_of(readers_.of(id), [&](int32_t r) { return r != follower; });
  }

  // The dimensions of the product, where they are rows and one of columns, and no row is numbered.
  static std::vector<int64_t> dims_of(const Pair& pair, const Shape& space) {
    const Node& product = pair.graph.node(pair.contract);
    const Shape& own = product.types[0].shape;
    const std::vector<int64_t> two = {space[0], space[1]}, all = {own.begin(), own.end()};
    if (own.rank() <= 2 || Contract::of(pair.graph, product).rhs.free.size() != 1) return two;
    for (int32_t i = pair.contract + 1; i < pair.graph.size(); ++i) {
      const auto placed = place(pair, i, space);
      if (!placed) continue;
      for (const Reading& r : placed->member.readings) {
        if (r.generator >= 0 && in_space(r.view, *placed, space).strides[0] != 0) return two;
      }
    }
    return all;
  }

  Region joined(int32_t contract, int32_t follower) const {
    const Pair pair = take_apart(graph_, contract, follower);
    const Shape space = *space_of(graph_, graph_.node(contract));
    RegionBuilder builder(pair.graph, dims_of(pair, space));
    builder.add_contract(pair.contract);
    for (int32_t i = pair.contract + 1; i < pair.graph.size(); ++i) {
      if (const auto placed = place(pair, i, space)) builder.add(i, placed->member, placed->lifted);
    }
    // What the follower gave out through a reshape is the value before it.
    std::vector<ValueId> results;
    std::vector<Shape> shapes;
    for (ValueId id : pair.results) {
      const Node& node = pair.graph.node(id);
      shapes.push_back(node.types[static_cast<size_t>(id.result)].shape);
      results.push_back(node.is(KernelOp::kReshape) ? node.inputs[0] : id);
    }
    const bool keep_product = read_outside({contract, 0}, follower);
    if (keep_product) {
      results.push_back({pair.contract, 0});
      shapes.push_back(graph_.type({contract, 0}).shape);
    }
    Region region = builder.finish(results, shapes);
    for (ValueId& id : region.inputs)
      id = pair.inputs[static_cast<size_t>(
          std::find(pair.graph.inputs().begin(), pair.graph.inputs().end(), id.node) -
          pair.graph.inputs().begin())];
    region.results.clear();
    for (size_t r = 0; r < pair.results.size(); ++r)
      region.results.push_back({follower, static_cast<int32_t>(r)});
    if (keep_product) region.results.push_back({contract, 0});
    return region;
  }

  const Graph& graph_;
  int64_t whole_row_columns_;
  Readers readers_;
  Partition partition_;
};

}  // namespace

Graph fuse_epilogues(const Graph& graph, const PassContext& context) {
  if (context.target == nullptr || !context.target->fuses_epilogues) return graph;
  return EpilogueFuser(graph, context.target->whole_row_columns).run();
}

}  // namespace sinter

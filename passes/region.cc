// Writes the bodies of fused regions, and composes the scalar expressions of the maps in them.
#include "passes/region.h"

#include <algorithm>
#include <memory>

#include "core/error.h"
#include "passes/partition.h"
#include "passes/readers.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

Symbol reshaped(Symbol x, const Shape& shape) {
  return x.shape() == shape ? x : x.graph().add1("reshape", {x}, {{"shape", shape}});
}

}  // namespace

Shape RegionBuilder::shape(Level level) const {
  const bool all_rows = level == Level::kFull || level == Level::kRow;
  const bool all_columns = level == Level::kFull || level == Level::kColumn;
  return {all_rows ? rows_ : 1, all_columns ? columns_ : 1};
}

Symbol RegionBuilder::raw_input(ValueId source) {
  const auto [it, inserted] = raw_.try_emplace(source);
  if (inserted) {
    it->second = body_.input("in" + std::to_string(inputs_.size()), graph_.type(source));
    inputs_.push_back(source);
  }
  return it->second;
}

Symbol RegionBuilder::generated(const Reading& reading) {
  const auto [it, inserted] = generators_.try_emplace(reading.generator);
  if (!inserted) return it->second;
  const Node& node = graph_.node(reading.generator);
  Attributes attributes = node.attributes;
  attributes.set("shape", shape(Level::kFull));
  const OriginScope scope(body_, node.origin ? node.origin : body_.origin());
  if (node.is(KernelOp::kRandom))
    return it->second = body_.add1("random", {raw_input(reading.source)}, attributes);
  // An iota counts along the columns, unless dimensions other than 1 follow its axis (read_iota has
  // checked the rest).
  const Shape& dims = node.types[0].shape;
  int64_t after = 1;
  for (int d = axis_of(node.attributes) + 1; d < dims.rank(); ++d) after *= dims[d];
  attributes.set("axis", int64_t{after == 1 ? 1 : 0});
  return it->second = body_.add1("iota", {}, attributes);
}

Symbol RegionBuilder::operand(const Reading& reading, bool lifted) {
  if (reading.generator >= 0) return generated(reading);
  const Level wanted = lifted ? Level::kRow : Level::kFull;
  Symbol value;
  if (const auto it = values_.find(reading.source); it != values_.end()) {
    value = it->second;
  } else {
    const Level level = lifted && reading.level == Level::kFull ? Level::kRow : reading.level;
    Symbol& known = shaped_[{reading.source, level}];
    if (!known.valid()) known = reshaped(raw_input(reading.source), shape(level));
    value = known;
  }
  if (value.shape() == shape(wanted)) return value;
  Symbol& spread = spread_[{value.id(), wanted}];
  if (!spread.valid()) {
    spread = body_.add1("broadcast", {value}, {{"shape", shape(wanted)}, {"dims", Ints{0, 1}}});
  }
  return spread;
}

void RegionBuilder::add_contract(int32_t index) {
  const Node& node = graph_.node(index);
  kind_ = "contract";
  const OriginScope scope(body_, node.origin);
  // Inputs 0 and 1 even when both are one value.
  std::vector<Symbol> operands;
  for (ValueId id : node.inputs) {
    operands.push_back(body_.input("in" + std::to_string(inputs_.size()), graph_.type(id)));
    inputs_.push_back(id);
    raw_.try_emplace(id, operands.back());
  }
  const Symbol product = body_.add1("contract", operands, node.attributes);
  values_[{index, 0}] = reshaped(product, shape(Level::kFull));
}

void RegionBuilder::add(int32_t index, const Member& member, bool lifted) {
  const Node& node = graph_.node(index);
  const OriginScope scope(body_, node.origin);
  std::vector<Symbol> operands;
  for (const Reading& r : member.readings) operands.push_back(operand(r, lifted));
  if (member.role == Role::kMap) {
    const std::vector<Symbol> results = body_.add("map", operands, node.attributes);
    for (size_t r = 0; r < results.size(); ++r) {
      values_[{index, static_cast<int32_t>(r)}] = results[r];
    }
    return;
  }
  if (kind_ == "map") kind_ = "reduce";
  const std::string& kind = node.attributes.get_string("kind");
  if (node.is(KernelOp::kArgReduce)) {
    values_[{index, 0}] = body_.add1("arg_reduce", operands,
                                     {{"kind", kind}, {"axis", int64_t{1}}, {"keepdims", true}});
    return;
  }
  Ints axes = {0};
  if (member.role == Role::kRowReduce) axes = {1};
  if (member.role == Role::kFullReduce && !lifted) axes = {0, 1};
  values_[{index, 0}] =
      body_.add1("reduce", operands, {{"kind", kind}, {"axes", axes}, {"keepdims", true}});
}

Region RegionBuilder::finish(std::span<const ValueId> results, std::span<const Shape> shapes) {
  Region region{kind_, Graph("region"), inputs_, {results.begin(), results.end()}};
  for (size_t k = 0; k < results.size(); ++k) {
    const Symbol value = values_.at(results[k]);
    const Node& node = body_.node(value.id());
    const OriginScope scope(body_, node.origin);
    // A contract's own result, reshaped to the form of the region, is given out as the contract
    // made it.
    const Symbol from = node.is(KernelOp::kReshape) ? Symbol(&body_, node.inputs[0]) : value;
    const Shape& to = shapes.empty() ? graph_.type(results[k]).shape : shapes[k];
    body_.add_output("out" + std::to_string(k), reshaped(from, to).id());
  }
  region.body = compose_maps(body_);
  return region;
}

Graph compose_maps(const Graph& body) {
  Partition partition(dependencies(body));
  for (int32_t i = 0; i < body.size(); ++i) {
    if (!body.node(i).is(KernelOp::kMap)) continue;
    for (ValueId id : body.node(i).inputs) {
      if (!body.node(id).is(KernelOp::kMap)) continue;
      const int32_t a = partition.find(id.node), b = partition.find(i);
      if (a != b) partition.merge(a, b);
    }
  }
  const std::vector<bool> live = body.live_nodes();
  std::vector<std::vector<char>> read_outside(static_cast<size_t>(body.size()));
  for (int32_t i = 0; i < body.size(); ++i) {
    read_outside[static_cast<size_t>(i)].assign(body.node(i).types.size(), 0);
  }
  const auto mark = [&](ValueId id) {
    read_outside[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)] = 1;
  };
  for (const Graph::Output& o : body.outputs()) mark(o.value);
  for (int32_t i = 0; i < body.size(); ++i) {
    if (!live[static_cast<size_t>(i)]) continue;
    for (ValueId id : body.node(i).inputs) {
      if (partition.find(id.node) != partition.find(i)) mark(id);
    }
  }
  Rewriter rewriter(body);
  for (int32_t group : partition.order()) {
    const std::vector<int32_t>& members = partition.members(group);
    if (!body.node(members[0]).is(KernelOp::kMap)) {
      if (live[static_cast<size_t>(members[0])]) rewriter.copy(members[0]);
      continue;
    }
    std::vector<Symbol> inputs;
    std::vector<DType> dtypes;
    std::map<ValueId, int> argument_of;  // by mapped value
    for (int32_t m : members) {
      for (ValueId id : body.node(m).inputs) {
        if (partition.find(id.node) == group) continue;
        const Symbol s = rewriter.map(id);
        if (!argument_of.try_emplace(s.id(), static_cast<int>(inputs.size())).second) continue;
        inputs.push_back(s);
        dtypes.push_back(s.dtype());
      }
    }
    ScalarBuilder builder(dtypes);
    std::map<ValueId, Scalar> inner;
    std::vector<Scalar> kept;
    std::vector<ValueId> kept_ids;
    for (int32_t m : members) {
      std::vector<Scalar> arguments;
      for (ValueId id : body.node(m).inputs) {
        arguments.push_back(partition.find(id.node) == group
                                ? inner.at(id)
                                : builder.argument(argument_of.at(rewriter.map(id).id())));
      }
      const std::vector<Scalar> results =
          builder.inline_expr(body.node(m).attributes.get_expr("body"), arguments);
      for (int32_t r = 0; r < static_cast<int32_t>(results.size()); ++r) {
        inner.emplace(ValueId{m, r}, results[static_cast<size_t>(r)]);
        if (!read_outside[static_cast<size_t>(m)][static_cast<size_t>(r)]) continue;
        kept.push_back(results[static_cast<size_t>(r)]);
        kept_ids.push_back({m, r});
      }
    }
    if (kept.empty()) continue;
    rewriter.target().set_origin(joined_origin(body, members));
    const std::vector<Symbol> made = rewriter.target().add(
        "map", inputs, {{"body", std::make_shared<const ScalarExpr>(builder.finish(kept))}});
    for (size_t k = 0; k < made.size(); ++k) rewriter.replace(kept_ids[k], made[k]);
  }
  return rewriter.finish();
}

namespace {

// The only map of a region that is nothing but that map over values of one shape, or -1.
int32_t only_map(const Graph& graph, const Region& region) {
  int32_t map = -1;
  for (int32_t i = 0; i < region.body.size(); ++i) {
    const Node& node = region.body.node(i);
    if (node.is(KernelOp::kMap) && map < 0)
      map = i;
    else if (!node.is(KernelOp::kInput) && !node.is(KernelOp::kReshape))
      return -1;
  }
  const Shape& shape = graph.type(region.results[0]).shape;
  for (const std::vector<ValueId>* values : {&region.inputs, &region.results}) {
    for (ValueId id : *values) {
      if (graph.type(id).shape != shape) return -1;
    }
  }
  return map;
}

}  // namespace

void emit_region(Rewriter& rewriter, const Region& region, std::shared_ptr<const Origin> origin) {
  const Graph& graph = rewriter.source();
  std::vector<Symbol> inputs;
  for (ValueId id : region.inputs) inputs.push_back(rewriter.map(id));
  rewriter.target().set_origin(std::move(origin));
  const int32_t map = only_map(graph, region);
  if (map < 0) {
    const std::vector<Symbol> results = rewriter.target().add(
        "fusion", inputs,
        {{"kind", region.kind}, {"body", std::make_shared<const Graph>(region.body)}});
    for (size_t k = 0; k < results.size(); ++k) rewriter.replace(region.results[k], results[k]);
    return;
  }
  const auto unshaped = [&](ValueId id) {
    const Node& node = region.body.node(id);
    return node.is(KernelOp::kReshape) ? node.inputs[0] : id;
  };
  std::vector<Symbol> operands;
  for (ValueId id : region.body.node(map).inputs) {
    const auto& order = region.body.inputs();
    const auto k = std::find(order.begin(), order.end(), unshaped(id).node) - order.begin();
    operands.push_back(inputs[static_cast<size_t>(k)]);
  }
  const std::vector<Symbol> results =
      rewriter.target().add("map", operands, region.body.node(map).attributes);
  for (size_t k = 0; k < region.results.size(); ++k) {
    const ValueId id = unshaped(region.body.outputs()[k].value);
    SINTER_CHECK(id.node == map);
    rewriter.replace(region.results[k], results[static_cast<size_t>(id.result)]);
  }
}

}  // namespace sinter

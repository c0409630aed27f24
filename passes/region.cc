// Writes the bodies of fused regions, and composes the scalar expressions of the maps in them.
#include "passes/region.h"

#include <algorithm>
#include <memory>
#include <numeric>

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

Shape RegionBuilder::shape(bool lifted) const {
  Shape result(dims_);
  if (lifted) result[result.rank() - 1] = 1;
  return result;
}

// Strides of the view along the dimensions of the region: those of a lifted member are the rows.
View RegionBuilder::over_dims(const View& view, bool lifted) const {
  const size_t last = dims_.size() - 1;
  const std::span<const int64_t> own(dims_.data(), lifted ? last : dims_.size());
  std::optional<View> result = view.reshaped(own);
  SINTER_CHECK(result.has_value(), "a reading that does not fit its region");
  if (lifted) {
    result->extents.push_back(dims_[last]);
    result->strides.push_back(0);
  }
  return *result;
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
  const Node& node = graph_.node(reading.generator);
  const bool is_random = node.is(KernelOp::kRandom);
  int64_t axis = 0;
  if (!is_random) {
    const std::vector<int64_t> strides = over_dims(reading.view, false).strides;
    axis = std::find(strides.begin(), strides.end(), 1) - strides.begin();
  }
  const auto [it, inserted] = generators_.try_emplace({reading.generator, axis});
  if (!inserted) return it->second;
  Attributes attributes = node.attributes;
  attributes.set("shape", shape(false));
  const OriginScope scope(body_, node.origin ? node.origin : body_.origin());
  if (is_random) return it->second = body_.add1("random", {raw_input(reading.source)}, attributes);
  attributes.set("axis", axis);
  return it->second = body_.add1("iota", {}, attributes);
}

// A value from outside the region, along the dimensions that tell its elements apart.
Symbol RegionBuilder::outer(const Reading& reading, bool lifted) {
  const View view = over_dims(reading.view, lifted);
  std::vector<int64_t> dims;
  for (size_t d = 0; d < dims_.size(); ++d) dims.push_back(view.strides[d] == 0 ? 1 : dims_[d]);
  std::vector<int64_t> key = view.strides;
  key.push_back(view.offset);
  const auto [it, inserted] = outer_.try_emplace({reading.source, std::move(key)});
  if (!inserted) return it->second;
  const Symbol raw = raw_input(reading.source);
  if (view.is_in_order(raw.shape().elements())) return it->second = reshaped(raw, Shape(dims));
  return it->second = body_.add1(
             "as_strided", {raw},
             {{"shape", Shape(dims)}, {"strides", view.strides}, {"offset", view.offset}});
}

Symbol RegionBuilder::operand(const Reading& reading, bool lifted) {
  if (reading.generator >= 0) return generated(reading);
  const auto known = values_.find(reading.source);
  const Symbol value = known != values_.end() ? known->second : outer(reading, lifted);
  if (value.shape() == shape(lifted)) return value;
  Symbol& spread = spread_[{value.id(), lifted}];
  if (!spread.valid()) {
    Ints all(dims_.size());
    std::iota(all.begin(), all.end(), 0);
    spread = body_.add1("broadcast", {value}, {{"shape", shape(lifted)}, {"dims", all}});
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
    const Node& operand = graph_.node(id);
    const bool is_view = operand.is(KernelOp::kAsStrided);
    if (is_view) id = operand.inputs[0];
    const Symbol raw = body_.input("in" + std::to_string(inputs_.size()), graph_.type(id));
    inputs_.push_back(id);
    raw_.try_emplace(id, raw);
    operands.push_back(is_view ? body_.add1("as_strided", {raw}, operand.attributes) : raw);
  }
  const Symbol product = body_.add1("contract", operands, node.attributes);
  values_[{index, 0}] = reshaped(product, shape(false));
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
  const auto last = static_cast<int64_t>(dims_.size()) - 1;
  if (node.is(KernelOp::kArgReduce)) {
    values_[{index, 0}] =
        body_.add1("arg_reduce", operands, {{"kind", kind}, {"axis", last}, {"keepdims", true}});
    return;
  }
  Ints axes;
  if (member.role == Role::kRowReduce) {
    axes.push_back(last);
  } else {
    const View result = over_dims(member.result, lifted);
    for (int64_t d = 0; d <= (lifted ? last - 1 : last); ++d) {
      if (result.strides[static_cast<size_t>(d)] == 0) axes.push_back(d);
    }
  }
  values_[{index, 0}] =
      body_.add1("reduce", operands, {{"kind", kind}, {"axes", axes}, {"keepdims", true}});
}

void RegionBuilder::add_concat(int32_t index, std::span<const ValueId> parts) {
  const Node& node = graph_.node(index);
  const OriginScope scope(body_, node.origin);
  std::vector<Symbol> operands;
  for (size_t k = 0; k < parts.size(); ++k)
    operands.push_back(reshaped(values_.at(parts[k]), graph_.type(node.inputs[k]).shape));
  values_[{index, 0}] = body_.add1("concat", operands, node.attributes);
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

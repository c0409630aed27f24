#include "frontend/verify/rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "runtime/compile.h"

namespace sinter::verification {
namespace {

// What a value of the old graph becomes: one of the new graph.
using ValueMap = std::map<ValueId, ValueId>;

int64_t changed_size(const std::map<int64_t, int64_t>& sizes, int64_t d) {
  const auto it = sizes.find(d);
  return it == sizes.end() ? d : it->second;
}

Shape changed_shape(const std::map<int64_t, int64_t>& sizes, const Shape& shape) {
  std::vector<int64_t> dims = shape.dims();
  for (int64_t& d : dims) d = changed_size(sizes, d);
  return Shape(dims);
}

// The corner of a tensor that is left in a smaller shape.
Tensor cropped(const Tensor& t, const Shape& to) {
  if (t.shape() == to) return t;
  Tensor result(t.dtype(), to);
  if (result.elements() == 0 || t.elements() == 0) return result;
  const std::vector<int64_t> strides = t.shape().strides(), own = to.strides();
  for (int64_t i = 0; i < result.elements(); ++i) {
    int64_t from = 0;
    for (int d = 0; d < to.rank(); ++d) {
      const auto k = static_cast<size_t>(d);
      from += i / own[k] % to[d] % t.shape()[d] * strides[k];
    }
    const auto bytes = static_cast<size_t>(dtype_size(t.dtype()));
    std::copy_n(static_cast<const std::byte*>(t.raw()) + static_cast<size_t>(from) * bytes, bytes,
                static_cast<std::byte*>(result.raw()) + static_cast<size_t>(i) * bytes);
  }
  return result;
}

Attributes changed_attributes(const std::map<int64_t, int64_t>& sizes, const Node& node) {
  Attributes attributes = node.attributes;
  if (sizes.empty()) return attributes;
  for (const auto& [name, value] : node.attributes.values()) {
    if (const Shape* shape = std::get_if<Shape>(&value))
      attributes.set(name, changed_shape(sizes, *shape));
    if (const Tensor* tensor = std::get_if<Tensor>(&value))
      attributes.set(name, cropped(*tensor, changed_shape(sizes, tensor->shape())));
    if (name == "end" || name == "size" || name == "pieces") {
      if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
        std::vector<int64_t> changed = *list;
        for (int64_t& d : changed) d = d == kSliceEnd ? d : changed_size(sizes, d);
        attributes.set(name, changed);
      }
      if (const auto* one = std::get_if<int64_t>(&value))
        attributes.set(name, changed_size(sizes, *one));
    }
  }
  return attributes;
}

}  // namespace

std::optional<Case> rebuilt(const Case& c, const Change& change) {
  // What the kept outputs and updates need.
  const Graph& old = c.graph;
  std::vector<char> needed(static_cast<size_t>(old.size()), 0);
  const auto resolve = [&](ValueId id) {
    for (auto it = change.replaced.find(id); it != change.replaced.end();
         it = change.replaced.find(id))
      id = it->second;
    return id;
  };
  std::set<ValueId> cuts_used;
  const auto need = [&](ValueId id) {
    id = resolve(id);
    if (change.cut.contains(id))
      cuts_used.insert(id);
    else
      needed[static_cast<size_t>(id.node)] = 1;
  };
  const auto given = [&](size_t i) {
    const auto it = change.given_instead.find(i);
    return it == change.given_instead.end() ? old.outputs()[i].value : it->second;
  };
  for (size_t i = 0; i < old.outputs().size(); ++i) {
    if (!change.dropped_outputs.contains(i)) need(given(i));
  }
  for (size_t i = 0; i < old.updates().size(); ++i) {
    if (change.dropped_updates.contains(i)) continue;
    need(old.updates()[i].value);
    if (!change.updates_are_outputs) needed[static_cast<size_t>(old.updates()[i].variable)] = 1;
  }
  for (int32_t i = old.size(); i-- > 0;) {
    if (!needed[static_cast<size_t>(i)]) continue;
    for (ValueId id : old.node(i).inputs) need(id);
  }
  Case result;
  result.batch = c.batch;
  Graph& g = result.graph;
  g.set_origin(std::make_shared<const Origin>(Origin{"fuzz", "fuzz.cc", 1}));
  ValueMap map;
  std::set<std::string> names;  // of inputs and variables, those to come too
  for (const auto* nodes : {&old.inputs(), &old.variables()}) {
    for (const int32_t i : *nodes) names.insert(old.node(i).name);
  }
  try {
    size_t input = 0, variable = 0;
    for (int32_t i = 0; i < old.size(); ++i) {
      const Node& n = old.node(i);
      const Tensor* data = n.is(KernelOp::kInput)      ? &c.inputs[input++]
                           : n.is(KernelOp::kVariable) ? &c.variables[variable++]
                                                       : nullptr;
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
        const auto it = change.cut.find({i, r});
        if (it == change.cut.end() || !cuts_used.contains({i, r})) continue;
        ValueType type = n.types[static_cast<size_t>(r)];
        std::string name = fmt::format("v{}_{}", i, r);
        while (names.contains(name)) name += "_";
        names.insert(name);
        map[{i, r}] = g.input(name, type).id();
        result.inputs.push_back(it->second);
      }
      if (!needed[static_cast<size_t>(i)]) continue;
      std::vector<ValueId> inputs;
      for (ValueId id : n.inputs) inputs.push_back(map.at(resolve(id)));
      const int32_t made = g.add_node(*n.op, inputs, changed_attributes(change.sizes, n), n.name,
                                      n.op->kind == KernelKind::kSource ? nullptr
                                      : n.origin == nullptr             ? g.origin()
                                                                        : n.origin);
      if (data != nullptr)
        (n.is(KernelOp::kInput) ? result.inputs : result.variables)
            .push_back(cropped(*data, g.type({made, 0}).shape.specialized(c.batch)));
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r)
        map.try_emplace({i, r}, ValueId{made, r});
    }
    for (size_t i = 0; i < old.outputs().size(); ++i) {
      if (!change.dropped_outputs.contains(i))
        g.add_output(old.outputs()[i].name, map.at(resolve(given(i))));
    }
    for (size_t i = 0; i < old.updates().size(); ++i) {
      if (change.dropped_updates.contains(i)) continue;
      const ValueId value = map.at(resolve(old.updates()[i].value));
      if (change.updates_are_outputs)
        g.add_output(fmt::format("new {}", old.node(old.updates()[i].variable).name), value);
      else
        g.add_update(map.at({old.updates()[i].variable, 0}).node, value);
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (g.outputs().empty() && g.updates().empty()) return std::nullopt;
  return result;
}

std::map<ValueId, Tensor> held_values(const Case& c) {
  std::map<ValueId, Tensor> result;
  try {
    Case all = c;
    all.graph.clear_outputs();
    all.graph.clear_updates();
    std::vector<ValueId> ids;
    for (int32_t i = 0; i < all.graph.size(); ++i) {
      for (int32_t r = 0; r < static_cast<int32_t>(all.graph.node(i).types.size()); ++r) {
        all.graph.add_output(fmt::format("v{}_{}", i, r), {i, r});
        ids.push_back({i, r});
      }
    }
    const Expectation e = expectation_of(all);
    for (size_t k = 0; k < ids.size(); ++k) {
      const BoundedTensor& b = e.at(e.lowered.outputs()[k].value);
      Tensor t(b.type.dtype, b.type.shape);
      dispatch_dtype(t.dtype(), [&](auto zero) {
        using T = decltype(zero);
        const std::span<T> data = t.data<T>();
        for (size_t i = 0; i < data.size(); ++i) {
          if constexpr (is_floating_type<T>)
            data[i] = static_cast<T>(b.elements[i].value);
          else
            data[i] = static_cast<T>(b.elements[i].integer);
        }
      });
      result.emplace(ids[k], std::move(t));
    }
  } catch (const std::exception&) {
    // Then values stay computed.
  }
  return result;
}

}  // namespace sinter::verification

#include "tests/fuzz/shrink.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <variant>

#include "core/kernel_ops.h"
#include "passes/pass.h"

namespace sinter::fuzz {
namespace {

// What a value of the old graph becomes: one of the new graph.
using ValueMap = std::map<ValueId, ValueId>;

/// Every change is a rebuild: node by node, with some values replaced and some shapes changed.
struct Change {
  std::map<ValueId, ValueId> replaced;  // by an earlier value of the same graph
  std::map<ValueId, Tensor> cut;        // become inputs with this value
  std::set<size_t> dropped_outputs, dropped_updates;
  std::map<int64_t, int64_t> sizes;  // of dimensions
};

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
  const auto need = [&](ValueId id) {
    id = resolve(id);
    if (!change.cut.contains(id)) needed[static_cast<size_t>(id.node)] = 1;
  };
  std::set<ValueId> cuts_used;
  for (size_t i = 0; i < old.outputs().size(); ++i) {
    if (!change.dropped_outputs.contains(i)) need(old.outputs()[i].value);
  }
  for (size_t i = 0; i < old.updates().size(); ++i) {
    if (change.dropped_updates.contains(i)) continue;
    need(old.updates()[i].value);
    needed[static_cast<size_t>(old.updates()[i].variable)] = 1;
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
  try {
    size_t input = 0, variable = 0;
    for (int32_t i = 0; i < old.size(); ++i) {
      const Node& n = old.node(i);
      const Tensor* data = n.is(KernelOp::kInput)      ? &c.inputs[input++]
                           : n.is(KernelOp::kVariable) ? &c.variables[variable++]
                                                       : nullptr;
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
        const auto it = change.cut.find({i, r});
        if (it == change.cut.end()) continue;
        ValueType type = n.types[static_cast<size_t>(r)];
        map[{i, r}] = g.input(fmt::format("v{}_{}", i, r), type).id();
        result.inputs.push_back(it->second);
      }
      if (!needed[static_cast<size_t>(i)]) continue;
      std::vector<ValueId> inputs;
      for (ValueId id : n.inputs) inputs.push_back(map.at(resolve(id)));
      const int32_t made = g.add_node(*n.op, inputs, changed_attributes(change.sizes, n), n.name,
                                      n.op->kind == KernelKind::kSource ? nullptr : g.origin());
      if (data != nullptr)
        (n.is(KernelOp::kInput) ? result.inputs : result.variables)
            .push_back(cropped(*data, g.type({made, 0}).shape.specialized(c.batch)));
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r)
        map.try_emplace({i, r}, ValueId{made, r});
    }
    for (size_t i = 0; i < old.outputs().size(); ++i) {
      if (!change.dropped_outputs.contains(i))
        g.add_output(old.outputs()[i].name, map.at(resolve(old.outputs()[i].value)));
    }
    for (size_t i = 0; i < old.updates().size(); ++i) {
      if (!change.dropped_updates.contains(i))
        g.add_update(map.at({old.updates()[i].variable, 0}).node,
                     map.at(resolve(old.updates()[i].value)));
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (g.outputs().empty() && g.updates().empty()) return std::nullopt;
  return result;
}

// Of this process: other work on the machine does not matter.
double processor_seconds() {
  return static_cast<double>(std::clock()) / static_cast<double>(CLOCKS_PER_SEC);
}

class Shrinker {
 public:
  Shrinker(const Case& c, const Configuration& k, const Verdict& v, double seconds)
      : end_(processor_seconds() + seconds) {
    best_.c = c;
    best_.configuration = k;
    best_.verdict = v;
  }

  Shrunk run() {
    try_case(rebuilt(best_.c, {}));  // without dead nodes
    options();
    for (int round = 0; round < 4 && !late(); ++round) {
      const size_t before = weight();
      outputs();
      cuts();
      bypasses();
      sizes();
      values();
      if (weight() == before) break;
    }
    options();
    guilt();
    return std::move(best_);
  }

 private:
  bool late() const { return processor_seconds() > end_; }

  size_t weight() const {
    size_t w =
        static_cast<size_t>(best_.c.graph.size()) * 1000 + best_.c.graph.outputs().size() * 100;
    for (const Tensor& t : best_.c.inputs) w += static_cast<size_t>(t.elements());
    for (const Tensor& t : best_.c.variables) w += static_cast<size_t>(t.elements());
    return w;
  }

  Verdict ask(const Case& c, const Configuration& k) {
    ++best_.checks;
    return check(c, k);
  }
  bool fails_alike(const Verdict& v) const { return !v.good() && v.kind() == best_.verdict.kind(); }

  bool try_case(std::optional<Case> c) {
    if (!c || late()) return false;
    Verdict v = ask(*c, best_.configuration);
    if (!fails_alike(v)) return false;
    best_.c = std::move(*c);
    best_.verdict = std::move(v);
    return true;
  }
  bool try_configuration(Configuration k) {
    if (late()) return false;
    Verdict v = ask(best_.c, k);
    if (!fails_alike(v)) return false;
    best_.configuration = std::move(k);
    best_.verdict = std::move(v);
    return true;
  }

  void options() {
    const auto changed = [&](auto&& change) {
      Configuration k = best_.configuration;
      change(k);
      if (k.to_string() != best_.configuration.to_string()) try_configuration(k);
    };
    changed([](Configuration& k) { k.route = "direct"; });
    changed([](Configuration& k) { k.mixed_precision = ""; });
    changed([](Configuration& k) { k.strict = true; });
    changed([](Configuration& k) { k.disabled = {}; });
    changed([](Configuration& k) { k.pipeline = "training"; });
    changed([](Configuration& k) { k.threads = {1}; });
    changed([](Configuration& k) {
      if (k.backend == "auto") k.backend = "llvm";
    });
    changed([](Configuration& k) {
      if (k.backend != "reference") k.backend = "passes";
    });
  }

  void outputs() {
    for (const bool one_only : {true, false}) {
      for (size_t i = 0; i < best_.c.graph.outputs().size() && !late(); ++i) {
        Change change;
        for (size_t o = 0; o < best_.c.graph.outputs().size(); ++o) {
          if ((o == i) != one_only) change.dropped_outputs.insert(o);
        }
        if (one_only) {
          for (size_t u = 0; u < best_.c.graph.updates().size(); ++u)
            change.dropped_updates.insert(u);
        }
        if (try_case(rebuilt(best_.c, change))) {
          if (one_only) return;
          --i;
        }
      }
    }
    for (size_t i = 0; i < best_.c.graph.updates().size() && !late(); ++i) {
      Change all;
      for (size_t u = 0; u < best_.c.graph.updates().size(); ++u) all.dropped_updates.insert(u);
      if (i == 0 && try_case(rebuilt(best_.c, all))) return;
      Change change;
      change.dropped_updates.insert(i);
      if (try_case(rebuilt(best_.c, change))) --i;
    }
  }

  // Values become inputs that hold what they held: first many at once, then one by one.
  void cuts() {
    if (late()) return;
    std::map<ValueId, Tensor> values = held();
    for (int32_t i = best_.c.graph.size(); i-- > 0 && !late();) {
      if (i >= best_.c.graph.size()) continue;
      const Node& n = best_.c.graph.node(i);
      if (n.is(KernelOp::kInput) || n.is(KernelOp::kVariable)) continue;
      Change change;
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
        const auto it = values.find({i, r});
        if (it != values.end()) change.cut.emplace(it->first, it->second);
      }
      if (change.cut.size() != n.types.size()) continue;
      if (try_case(rebuilt(best_.c, change))) values = held();
    }
  }

  // What each value of the graph holds, by the reference backend; only of plain static graphs.
  std::map<ValueId, Tensor> held() const {
    std::map<ValueId, Tensor> result;
    try {
      Case all = best_.c;
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

  // A node gives way to one of its operands of the same type.
  void bypasses() {
    for (int32_t i = best_.c.graph.size(); i-- > 0 && !late();) {
      if (i >= best_.c.graph.size()) continue;
      const Node n = best_.c.graph.node(i);
      for (ValueId id : n.inputs) {
        if (n.types.size() != 1 || best_.c.graph.type(id) != n.types[0]) continue;
        Change change;
        change.replaced[{i, 0}] = id;
        if (try_case(rebuilt(best_.c, change))) break;
      }
    }
  }

  void sizes() {
    std::set<int64_t, std::greater<>> found;
    for (const Node& n : best_.c.graph.nodes()) {
      for (const ValueType& t : n.types) found.insert(t.shape.begin(), t.shape.end());
    }
    if (has_symbolic_batch(best_.c.graph)) {
      Case fixed = best_.c;
      fixed.graph = specialize(best_.c.graph, best_.c.batch);
      try_case(fixed);
    }
    for (const int64_t d : found) {
      if (d < 2) continue;
      for (const int64_t to : {int64_t{1}, int64_t{2}, int64_t{3}, d / 2, d - 1}) {
        if (to >= d || to < 1 || late()) continue;
        // Alone, or with all its multiples, which reshapes join.
        Change alone, with_multiples;
        alone.sizes[d] = to;
        for (const int64_t m : found) {
          if (m > 0 && m % d == 0) with_multiples.sizes[m] = m / d * to;
        }
        if (try_case(rebuilt(best_.c, alone)) || try_case(rebuilt(best_.c, with_multiples))) break;
      }
    }
  }

  void values() {
    for (const bool variables : {false, true}) {
      for (size_t i = 0; i < (variables ? best_.c.variables : best_.c.inputs).size(); ++i) {
        const Tensor now = (variables ? best_.c.variables : best_.c.inputs)[i];
        const auto attempt = [&](const std::function<double(double, int64_t)>& f) {
          Case c = best_.c;
          Tensor t = now.clone();
          for (int64_t e = 0; e < t.elements(); ++e) t.set(e, f(now.at(e), e));
          if (t.identical(now)) return true;
          (variables ? c.variables : c.inputs)[i] = t;
          return try_case(c);
        };
        if (attempt([](double, int64_t) { return 0; })) continue;
        if (attempt([](double, int64_t) { return 1; })) continue;
        if (attempt([](double, int64_t e) { return static_cast<double>(e % 5) - 1; })) continue;
        attempt([](double v, int64_t) { return std::round(v); });
      }
    }
  }

  // Which passes must be on for the failure.
  void guilt() {
    if (best_.configuration.backend == "reference") return;
    for (const Pass& p : all_passes()) {
      if (p.required || late()) continue;
      Configuration k = best_.configuration;
      k.disabled.push_back(p.name);
      if (ask(best_.c, k).good()) best_.guilty_passes.push_back(p.name);
    }
  }

  Shrunk best_;
  double end_;
};

}  // namespace

Shrunk shrink(const Case& c, const Configuration& configuration, const Verdict& verdict,
              double seconds) {
  return Shrinker(c, configuration, verdict, seconds).run();
}

std::string signature(const Shrunk& shrunk) {
  std::set<std::string> ops;
  for (const Node& n : shrunk.c.graph.nodes()) {
    if (n.op->kind != KernelKind::kSource) ops.insert(n.op->name);
  }
  std::string text = shrunk.verdict.kind();
  // Errors say themselves what they are about; numbers in them, and shapes, differ.
  if (text != "value" && text != "bits" && text != "memory") {
    text.clear();
    bool shape = false;
    for (const char ch : shrunk.verdict.what) {
      shape = ch == '[' || (shape && ch != ']');
      if (!shape && !std::isdigit(static_cast<unsigned char>(ch))) text += ch;
    }
    return text.substr(0, 160);
  }
  for (const std::string& op : ops) text += " " + op;
  return text + " on " + shrunk.configuration.backend;
}

}  // namespace sinter::fuzz

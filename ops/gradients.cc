// The chain rule: one walk from the outputs back to the values asked for, adding cotangent nodes to
// the same graph.
#include "ops/gradients.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>

#include "core/counted.h"
#include "core/error.h"
#include "core/uniform.h"
#include "ops/define.h"

namespace sinter {
namespace {

using Cotangents = std::vector<std::optional<Symbol>>;

std::string place_of(const Node& node) {
  const std::string origin = node.origin ? node.origin->to_string() : "";
  return fmt::format("op '{}'{}", node.op->name, origin.empty() ? "" : " of " + origin);
}

class Backward {
 public:
  Backward(Graph& graph, std::span<const Symbol> wrt) : graph_(graph), wrt_(wrt) {}

  // Cotangents of wrt, given those of outputs; only nodes from `first` on are walked through.
  Cotangents run(std::span<const Symbol> outputs, std::span<const Symbol> cotangents,
                 int32_t first) {
    const int32_t end = graph_.size();
    // A node matters when one of its results depends on a wrt value. Those before `first` are
    // constants here, and there may be many.
    first_ = first;
    depends_.assign(static_cast<size_t>(end - first), 0);
    for (const Symbol& w : wrt_) is_wrt_[graph_.id_of(w, "gradients")] = true;
    for (int32_t i = first; i < end; ++i) {
      for (ValueId id : graph_.node(i).inputs) {
        if (depends(id)) depends_[static_cast<size_t>(i - first)] = 1;
      }
    }
    for (size_t k = 0; k < outputs.size(); ++k)
      accumulate(graph_.id_of(outputs[k], "gradients"), cotangents[k]);
    for (int32_t i = end; i-- > first;) {
      if (depends_[static_cast<size_t>(i - first)] != 0) step(i);
    }
    Cotangents result;
    for (const Symbol& w : wrt_) result.push_back(cotangent(w.id()));
    return result;
  }

 private:
  bool depends(ValueId id) const {
    return is_wrt_.contains(id) ||
           (id.node >= first_ && depends_[static_cast<size_t>(id.node - first_)] != 0);
  }

  void accumulate(ValueId id, Symbol g) {
    const auto [it, inserted] = cotangents_.try_emplace(id, g);
    // Sums of bfloat16 come in float32 and stay there until they are read.
    if (!inserted) it->second = it->second + g;
  }

  std::optional<Symbol> cotangent(ValueId id) const {
    const auto it = cotangents_.find(id);
    if (it == cotangents_.end()) return std::nullopt;
    return cast(it->second, graph_.type(id).dtype);
  }

  void step(int32_t index) {
    // Copies, because adding nodes moves the graph's storage.
    const Node node = graph_.node(index);
    std::vector<Symbol> inputs, results;
    Cotangents dy;
    bool any = false;
    for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
      results.emplace_back(&graph_, ValueId{index, r});
      dy.push_back(cotangent({index, r}));
      any = any || dy.back().has_value();
    }
    if (!any || has_no_slope(node.op->name)) return;
    std::vector<char> needed_flags;
    bool any_needed = false;
    for (ValueId id : node.inputs) {
      inputs.emplace_back(&graph_, id);
      const bool need = is_floating(graph_.type(id).dtype) && depends(id);
      needed_flags.push_back(need);
      any_needed = any_needed || need;
    }
    if (!any_needed) return;
    const OriginScope scope(graph_, node.origin);
    Cotangents dx = input_cotangents(node, inputs, results, dy, needed_flags);
    for (size_t k = 0; k < dx.size(); ++k) {
      if (!dx[k] || !needed_flags[k]) continue;
      // What a rule computes of bfloat16 or float16 comes in float32, and is rounded like the value.
      if (is_for_storage(inputs[k].dtype())) dx[k] = cast(*dx[k], inputs[k].dtype());
      SINTER_CHECK(dx[k]->type() == inputs[k].type(),
                   fmt::format("{}: cotangent {} of input {} that is {}", place_of(node),
                               dx[k]->type().to_string(), k, inputs[k].type().to_string()));
      accumulate(inputs[k].id(), *dx[k]);
    }
  }

  Cotangents input_cotangents(const Node& node, std::span<const Symbol> inputs,
                              std::span<const Symbol> results, const Cotangents& dy,
                              const std::vector<char>& needed_flags) {
    const OpRecord& op = *node.op;
    const std::unique_ptr<bool[]> needed(new bool[inputs.size() + 1]);
    for (size_t i = 0; i < inputs.size(); ++i) needed[i] = needed_flags[i] != 0;
    if (op.gradient) {
      return op.gradient({inputs, results, dy, std::span<const bool>(needed.get(), inputs.size()),
                          node.attributes});
    }
    if (!op.no_gradient.empty()) {
      throw Error(fmt::format("{} has no gradient: {}", place_of(node), op.no_gradient));
    }
    if (op.is_elementwise()) return elementwise(node, inputs, results[0], *dy[0], needed_flags);
    if (op.decomposition) return through_decomposition(node, inputs, results, dy, needed_flags);
    throw Error(fmt::format("{} has no gradient", place_of(node)));
  }

  // One map for all inputs, from the record's own derivative or from the chain rule over the scalar
  // body.
  Cotangents elementwise(const Node& node, std::span<const Symbol> inputs, Symbol y, Symbol dy,
                         const std::vector<char>& needed) {
    const OpRecord& op = *node.op;
    std::vector<DType> dtypes;
    std::vector<int> wrt;
    for (size_t i = 0; i < inputs.size(); ++i) {
      dtypes.push_back(inputs[i].dtype());
      if (needed[i]) wrt.push_back(static_cast<int>(i));
    }
    Cotangents result(inputs.size());
    std::vector<Symbol> map_inputs(inputs.begin(), inputs.end());
    ScalarExpr body;
    if (op.derivative) {
      dtypes.push_back(y.dtype());
      dtypes.push_back(dy.dtype());
      ScalarBuilder builder(dtypes);
      const std::vector<Scalar> all = builder.arguments();
      const std::vector<Scalar> found =
          op.derivative(std::span(all.data(), inputs.size()), all[inputs.size()],
                        all[inputs.size() + 1], node.attributes);
      std::vector<Scalar> wanted;
      for (int i : wrt) {
        const Scalar& d = found[static_cast<size_t>(i)];
        wanted.push_back(
            d.is_number() ? builder.constant(inputs[static_cast<size_t>(i)].dtype(), d.constant())
                          : d);
      }
      body = builder.finish(wanted);
      map_inputs.push_back(y);
      map_inputs.push_back(dy);
    } else {
      ScalarBuilder builder(dtypes);
      std::vector<Scalar> arguments = builder.arguments();
      // What is the same number everywhere is known: the derivatives of x^0 are 0.
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (needed[i] || !is_floating(dtypes[i])) continue;
        if (const std::optional<Number> number = uniform_number(graph_, inputs[i].id()))
          arguments[i] = builder.constant(dtypes[i], *number);
      }
      const Scalar value = op.body(arguments, node.attributes);
      if (value.is_number()) return result;
      const std::array<Scalar, 1> results = {value};
      body = scalar_vjp(builder.finish(results), wrt);
      map_inputs.push_back(dy);
    }
    const std::vector<Symbol> found = ops::add_map(graph_, map_inputs, body);
    for (size_t k = 0; k < wrt.size(); ++k) result[static_cast<size_t>(wrt[k])] = found[k];
    return result;
  }

  // The composite is built anew from simpler ops; those are differentiated. Equal nodes are merged
  // by a pass later.
  Cotangents through_decomposition(const Node& node, std::span<const Symbol> inputs,
                                   std::span<const Symbol> results, const Cotangents& dy,
                                   const std::vector<char>& needed) {
    (void)results;
    const int32_t first = graph_.size();
    const std::vector<Symbol> outputs = node.op->decomposition(inputs, node.attributes);
    std::vector<Symbol> seeds, seeded;
    for (size_t r = 0; r < outputs.size(); ++r) {
      if (!dy[r] || !is_floating(outputs[r].dtype())) continue;
      seeded.push_back(outputs[r]);
      seeds.push_back(*dy[r]);
    }
    std::vector<Symbol> wanted;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (needed[i]) wanted.push_back(inputs[i]);
    }
    const Cotangents found = Backward(graph_, wanted).run(seeded, seeds, first);
    Cotangents result(inputs.size());
    size_t k = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (needed[i]) result[i] = found[k++];
    }
    // The same value given twice would be counted twice: its whole cotangent stands at its first
    // place.
    for (size_t i = 0; i < inputs.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (inputs[i].id() == inputs[j].id()) result[i] = std::nullopt;
      }
    }
    return result;
  }

  Graph& graph_;
  std::span<const Symbol> wrt_;
  int32_t first_ = 0;          // where the walk ends
  std::vector<char> depends_;  // nodes from there on
  std::map<ValueId, bool> is_wrt_;
  std::map<ValueId, Symbol> cotangents_;
};

}  // namespace

bool has_no_slope(std::string_view op) {
  for (const char* flat : {"stop_gradient", "sign", "floor", "ceil", "round"}) {
    if (op == flat) return true;
  }
  return false;
}

std::vector<Symbol> gradients(OpInput output, std::initializer_list<Symbol> wrt) {
  return gradients(output, std::span<const Symbol>(wrt.begin(), wrt.size()));
}

std::vector<Symbol> gradients(OpInput output, std::span<const Symbol> wrt) {
  const Symbol outputs[] = {output};
  return gradients(outputs, wrt, {});
}

std::vector<Symbol> gradients(std::span<const Symbol> outputs, std::span<const Symbol> wrt,
                              std::span<const Symbol> cotangents, UnconnectedGradients unconnected,
                              const OpLine& line) {
  line.enter();
  register_ops();
  if (outputs.empty()) throw Error("gradients needs at least one output");
  if (!cotangents.empty() && cotangents.size() != outputs.size()) {
    throw Error(
        fmt::format("gradients: {} but {}", counted(outputs.size(), "output"),
                    counted(cotangents.size(), "cotangent")));
  }
  const auto require_floating = [](const Symbol& s, const char* what) {
    if (!is_floating(s.dtype())) {
      throw Error(
          fmt::format("gradients: {} is {}; only floating values have a gradient (cast it first)",
                      what, s.type().to_string()));
    }
  };
  std::vector<Symbol> seeds(cotangents.begin(), cotangents.end());
  for (const Symbol& o : outputs) {
    require_floating(o, "an output");
    if (cotangents.empty()) seeds.push_back(ones_like(o));
  }
  for (const Symbol& w : wrt) require_floating(w, "a value to differentiate with respect to");
  Graph& graph = outputs[0].graph();
  for (size_t k = 0; k < cotangents.size(); ++k) {
    if (cotangents[k].type() != outputs[k].type()) {
      throw ShapeError(fmt::format("gradients: output {} is {}, its cotangent {}", k,
                                   outputs[k].type().to_string(),
                                   cotangents[k].type().to_string()));
    }
  }
  const Cotangents found = Backward(graph, wrt).run(outputs, seeds, 0);
  std::vector<Symbol> result;
  for (size_t k = 0; k < wrt.size(); ++k) {
    if (found[k])
      result.push_back(*found[k]);
    else
      result.push_back(unconnected == UnconnectedGradients::kZero ? zeros_like(wrt[k]) : Symbol());
  }
  return result;
}

}  // namespace sinter

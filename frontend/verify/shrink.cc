#include "frontend/verify/shrink.h"

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
#include "frontend/verify/rebuild.h"
#include "passes/pass.h"

namespace sinter::verification {
namespace {

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
      operands();
      prefixes();
      cuts();
      bypasses();
      twins();
      sizes();
      values();
      if (weight() == before) break;
    }
    options();
    guilt();
    return std::move(best_);
  }

 private:
  static bool is_given(const Node& n) {
    return n.is(KernelOp::kInput) || n.is(KernelOp::kVariable);
  }

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
    return best_.verdict.kind() == "crash" ? check_apart(c, k) : check(c, k);
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
    changed([](Configuration& k) { k.values_apart = false; });
    changed([](Configuration& k) { k.budget = -1; });
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

  // The one output or update that the verdict speaks of.
  void named() {
    const Graph& g = best_.c.graph;
    Change change;
    for (size_t o = 0; o < g.outputs().size(); ++o) {
      if (best_.verdict.what.find(fmt::format("output \"{}\"", g.outputs()[o].name)) ==
          std::string::npos)
        change.dropped_outputs.insert(o);
    }
    for (size_t u = 0; u < g.updates().size(); ++u) {
      if (best_.verdict.what.find(fmt::format("new %{}:", g.node(g.updates()[u].variable).name)) ==
          std::string::npos)
        change.dropped_updates.insert(u);
    }
    try_case(rebuilt(best_.c, change));
  }

  void outputs() {
    named();
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

  // Values become inputs that hold what they held: of all that come early in the graph at once, as
  // many as may.
  void prefixes() {
    for (size_t share = 2; share <= 32 && !late(); share *= 2) {
      for (bool again = true; again && !late();) {
        std::vector<int32_t> ops;
        for (int32_t i = 0; i < best_.c.graph.size(); ++i) {
          if (best_.c.graph.node(i).op->kind != KernelKind::kSource) ops.push_back(i);
        }
        if (ops.size() < share || ops.size() < 4) return;
        const int32_t end = ops[ops.size() - ops.size() / share];
        const std::map<ValueId, Tensor> values = held_values(best_.c);
        Change change;
        for (const auto& [id, tensor] : values) {
          if (id.node < end && best_.c.graph.node(id).op->kind != KernelKind::kSource)
            change.cut.emplace(id, tensor);
        }
        again = !change.cut.empty() && try_case(rebuilt(best_.c, change));
      }
    }
  }

  // And one by one.
  void cuts() {
    if (late()) return;
    std::map<ValueId, Tensor> values = held_values(best_.c);
    for (int32_t i = best_.c.graph.size(); i-- > 0 && !late();) {
      if (i >= best_.c.graph.size()) continue;
      const Node& n = best_.c.graph.node(i);
      if (is_given(n)) continue;
      Change change;
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
        const auto it = values.find({i, r});
        if (it != values.end()) change.cut.emplace(it->first, it->second);
      }
      if (change.cut.size() != n.types.size()) continue;
      if (try_case(rebuilt(best_.c, change))) values = held_values(best_.c);
    }
  }

  // An input or variable gives way to an earlier one of the same type.
  void twins() {
    for (int32_t i = best_.c.graph.size(); i-- > 0 && !late();) {
      if (i >= best_.c.graph.size() || !is_given(best_.c.graph.node(i))) continue;
      for (int32_t k = 0; k < i && !late(); ++k) {
        if (!is_given(best_.c.graph.node(k)) ||
            best_.c.graph.node(k).types != best_.c.graph.node(i).types)
          continue;
        Change change;
        change.replaced[{i, 0}] = {k, 0};
        if (try_case(rebuilt(best_.c, change))) break;
      }
    }
  }

  // What an output is made of is given out instead.
  void operands() {
    if (!best_.c.graph.updates().empty()) {
      Change change;
      change.updates_are_outputs = true;
      try_case(rebuilt(best_.c, change));
    }
    for (size_t o = 0; o < best_.c.graph.outputs().size(); ++o) {
      for (bool again = true; again && !late();) {
        again = false;
        const Node n = best_.c.graph.node(best_.c.graph.outputs()[o].value);
        for (const ValueId id : n.inputs) {
          Change change;
          change.given_instead[o] = id;
          again = again || try_case(rebuilt(best_.c, change));
          if (again) break;
        }
      }
    }
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

}  // namespace sinter::verification

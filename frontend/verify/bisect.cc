#include "frontend/verify/bisect.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "frontend/verify/apart.h"
#include "frontend/verify/case_file.h"
#include "passes/pass.h"
#include "runtime/assemble.h"
#include "runtime/backend.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter::verification {
namespace {

bool is_op(const Node& n) { return n.op->kind != KernelKind::kSource; }

std::string ops_of(const Graph& graph) {
  std::set<std::string> names;
  for (const Node& n : graph.nodes()) {
    if (is_op(n)) names.insert(n.op->name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// A case and the ways in which it goes wrong.
class Suspects {
 public:
  Suspects(const Case& c, const Configuration& k, const Verdict& v)
      : c_(c), k_(k), verdict_(v), crashes_(v.kind() == "crash") {}

  Culprit find() {
    if (k_.backend == "gradients") return {"gradient", ops_of(c_.graph), ""};
    if (k_.budget >= 0) return {"pass", "rematerialize", ""};  // it is right without a budget
    if (k_.backend == "reference") return of_kernels(lowered(), "reference");
    Configuration plain = k_;
    plain.backend = "passes";
    plain.route = "direct";
    plain.cpu = "";
    plain.strict = true;
    Configuration as_built = plain;
    as_built.passes = 0;
    as_built.disabled = {};
    if (fails(as_built)) return of_kernels(lower_for_fusion(c_, as_built), "reference");
    if (fails(plain)) return of_passes(plain);
    if (k_.backend == "passes") return {"unknown", "", "it comes and goes"};
    return of_kernels(lowered(), k_.backend);
  }

 private:
  // Is it the numbers that are wrong, or what becomes of wrong numbers?
  bool has_values() const { return verdict_.kind() == "value" || crashes_; }

  // In the same kind of way.
  bool fails(const Configuration& k) const {
    const Verdict v = crashes_ ? check_apart(c_, k) : check(c_, k);
    return !v.good() && v.kind() == verdict_.kind();
  }

  Graph lowered() const { return lower(c_.graph, options_of(c_, k_)); }

  Culprit of_passes(Configuration k) const {
    const Pipeline& pipeline = find_pipeline(k.pipeline);
    const auto count = static_cast<int>(pipeline.passes.size());
    for (k.passes = 1; k.passes < count && !fails(k);) ++k.passes;
    const std::string pass = pipeline.passes[static_cast<size_t>(k.passes - 1)]->name;
    std::vector<std::string> rules;
    std::vector<std::string> places;
    try {
      const Graph wrong = lower_for_fusion(c_, k, [&](std::string_view rule, const Node& at) {
        rules.emplace_back(rule);
        places.push_back(at.origin != nullptr ? at.origin->to_string() : "");
        return true;
      });
      if (has_values() && is_right(with_values_apart(wrong), "reference", -1))
        return {"memory plan", "", "after pass " + pass};
    } catch (const std::exception&) {
      // A pass that raises: there is no graph to look at.
    }
    for (k.rules = 0; k.rules <= static_cast<int>(rules.size()); ++k.rules) {
      if (!fails(k)) continue;
      if (k.rules == 0) break;  // without any
      const auto last = static_cast<size_t>(k.rules - 1);
      return {"rule", rules[last],
              fmt::format("of pass {}{}", pass, places[last].empty() ? "" : " at " + places[last])};
    }
    return {"pass", pass, ""};
  }

  // Is the graph right where the first `compiled` of its kernels are the backend's (-1: all) and
  // the others the reference backend's?
  bool is_right(const Graph& graph, const std::string& backend, int compiled) const {
    const BackendList list = list_backends();
    std::vector<int32_t> nodes;
    const auto choose = [&](const Graph& g, int32_t node) {
      const auto place = static_cast<int>(std::ranges::find(nodes, node) - nodes.begin());
      if (place == static_cast<int>(nodes.size())) nodes.push_back(node);
      BackendChoice choice{&reference_backend(), ""};
      if (compiled >= 0 && place >= compiled) return choice;
      if (backend != "auto") {
        Backend& asked = find_backend(backend);
        if (asked.why_not(g, node).empty()) return BackendChoice{&asked, ""};
      }
      for (Backend* b : list.by_preference) {
        if (b->why_not(g, node).empty()) return BackendChoice{b, ""};
      }
      return choice;
    };
    try {
      const auto run = [&] {
        Executable executable(assemble(graph, choose, options_of(c_, k_)));
        return check_executable(executable, c_, k_, expectation_of(c_, k_)).what;
      };
      return (crashes_ ? apart(run, 60) : run()).empty();
    } catch (const std::exception&) {
      return false;
    }
  }

  Culprit of_kernels(const Graph& lowered, const std::string& backend) const {
    const Graph whole = with_values_apart(lowered);
    if (has_values() && is_right(whole, backend, -1))
      return {"memory plan", "", "of the kernels of " + backend};
    const std::vector<bool> live = whole.live_nodes();
    std::vector<int32_t> nodes;
    for (int32_t i = 0; i < whole.size(); ++i) {
      if (live[static_cast<size_t>(i)] && is_op(whole.node(i)) &&
          !whole.node(i).is(KernelOp::kReshape))
        nodes.push_back(i);
    }
    for (size_t n = 0; n < nodes.size(); ++n) {
      if (backend != "reference" && is_right(whole, backend, static_cast<int>(n) + 1)) continue;
      if (backend == "reference" && n + 1 < nodes.size()) continue;
      const Node& node = whole.node(nodes[n]);
      return {"kernel", backend,
              fmt::format("{}{}", kernel_label(whole, nodes[n]),
                          node.origin == nullptr ? "" : " of " + node.origin->to_string())};
    }
    return {"unknown", "", "each kernel by itself is right"};
  }

  const Case& c_;
  const Configuration& k_;
  const Verdict& verdict_;
  const bool crashes_;  // each try is made in a process of its own
};

}  // namespace

int count_ops(const Graph& graph) {
  return static_cast<int>(std::ranges::count_if(graph.nodes(), is_op));
}

std::string Culprit::to_string() const {
  std::string text = kind == "gradient" ? "gradient of" : kind == "kernel" ? "kernel of" : kind;
  if (!name.empty()) text += " " + name;
  if (!detail.empty()) text += (kind == "kernel" ? ": " : " ") + detail;
  return text;
}

Culprit find_culprit(const Case& c, const Configuration& configuration, const Verdict& verdict) {
  return Suspects(c, configuration, verdict).find();
}

std::string Bisection::text() const {
  return to_text(shrunk.c, shrunk.configuration, shrunk.verdict.what + "\n" + culprit.to_string());
}

Bisection bisect(const Finding& finding, double seconds) {
  Bisection b;
  b.shrunk = shrink(finding.c, finding.configuration, finding.verdict, seconds);
  b.culprit = find_culprit(b.shrunk.c, b.shrunk.configuration, b.shrunk.verdict);
  b.ops = count_ops(b.shrunk.c.graph);
  return b;
}

}  // namespace sinter::verification

// The wrapper around every pass: disabled? - timer - run - verify (where asked for) - dump. And
// lookups by name.
#include "passes/pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "core/error.h"

namespace sinter {
namespace {

const Pass& find_pass(std::string_view name) {
  const std::vector<Pass>& passes = all_passes();
  const auto it =
      std::find_if(passes.begin(), passes.end(), [&](const Pass& p) { return p.name == name; });
  if (it != passes.end()) return *it;
  std::vector<std::string> known;
  for (const Pass& p : passes) known.push_back(p.name);
  raise_unknown_name("pass", name, std::move(known));
}

bool is_disabled(const Pass& pass, const PassContext& context) {
  const auto named = [&](std::string_view name) {
    return std::find(context.disabled.begin(), context.disabled.end(), name) !=
           context.disabled.end();
  };
  return !pass.required && (named("all") || named(pass.name));
}

// Does every node that computes something know its origin? A pass must not lose what the user
// wrote.
bool has_all_origins(const Graph& graph) {
  return std::all_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    return node.op->kind == KernelKind::kSource || node.origin != nullptr;
  });
}

// Inputs and variables in their order, outputs and updates: what callers hold on to.
bool has_same_interface(const Graph& a, const Graph& b) {
  const auto same_nodes = [&](const std::vector<int32_t>& x, const std::vector<int32_t>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), [&](int32_t i, int32_t k) {
      return a.node(i).name == b.node(k).name && a.node(i).types == b.node(k).types;
    });
  };
  const auto same_outputs = [&] {
    return std::equal(a.outputs().begin(), a.outputs().end(), b.outputs().begin(),
                      b.outputs().end(), [&](const Graph::Output& x, const Graph::Output& y) {
                        return x.name == y.name && a.type(x.value) == b.type(y.value);
                      });
  };
  return same_nodes(a.inputs(), b.inputs()) && same_nodes(a.variables(), b.variables()) &&
         same_outputs() && a.updates().size() == b.updates().size();
}

// To look through every graph takes longer than most passes do, so tests ask for it, and others
// verify what they load in the end.
bool verifies(const PassContext& context) {
  static const bool always = std::getenv("SINTER_VERIFY_PASSES") != nullptr;
  return always || context.verify;
}

void verify_result(const Pass& pass, const Graph& before, const Graph& after,
                   const PassContext& context) {
  verify(after, pass.name);
  if (pass.check) pass.check(after, context);
  SINTER_CHECK(has_same_interface(before, after),
               pass.name + " changed the interface of the graph");
  SINTER_CHECK(has_all_origins(after) || !has_all_origins(before), pass.name + " lost an origin");
}

Graph run_wrapped(const Pass& pass, const Graph& graph, const PassContext& context,
                  std::vector<PassStatistics>* statistics) {
  PassStatistics line{pass.name, graph.size(), graph.size(), 0, is_disabled(pass, context)};
  if (line.skipped) {
    if (statistics != nullptr) statistics->push_back(line);
    return graph;
  }
  const auto start = std::chrono::steady_clock::now();
  Graph result = pass.run(graph, context);
  const std::chrono::duration<double, std::micro> elapsed =
      std::chrono::steady_clock::now() - start;
  if (verifies(context)) verify_result(pass, graph, result, context);
  line.nodes_after = result.size();
  line.microseconds = elapsed.count();
  if (statistics != nullptr) statistics->push_back(line);
  if (context.on_pass) context.on_pass(pass.name, result);
  return result;
}

}  // namespace

void check_pass_names(const std::vector<std::string>& disabled) {
  for (const std::string& name : disabled) {
    if (name != "all") find_pass(name);
  }
}

Graph run_pass(std::string_view name, const Graph& graph, const PassContext& context) {
  check_pass_names(context.disabled);
  return run_wrapped(find_pass(name), graph, context, nullptr);
}

Graph run_pipeline(const Pipeline& pipeline, const Graph& graph, const PassContext& context,
                   std::vector<PassStatistics>* statistics) {
  check_pass_names(context.disabled);
  Graph current = graph;
  for (const Pass* pass : pipeline.passes) {
    current = run_wrapped(*pass, current, context, statistics);
  }
  return current;
}

void add_remark(const PassContext& context, std::string_view pass, const Node& node,
                std::string_view reason) {
  if (context.remarks == nullptr) return;
  const std::string where = node.origin ? node.origin->to_string() : "";
  std::string text =
      fmt::format("{}: not applied at {}: {}", pass, where.empty() ? node.op->name : where, reason);
  std::vector<std::string>& remarks = *context.remarks;
  if (std::find(remarks.begin(), remarks.end(), text) == remarks.end()) {
    remarks.push_back(std::move(text));
  }
}

Graph in_kernel_ops(const Graph& graph, std::string_view pipeline) {
  Graph plain = graph;
  if (pipeline == "inference")
    plain = run_pass("to_inference", run_pass("remove_dropout", graph, {}), {});
  return run_pass("decompose", plain, {});
}

}  // namespace sinter

#include "runtime/load_auto.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "core/prologue.h"
#include "core/text.h"
#include "runtime/code_cache.h"
#include "runtime/compile_options.h"
#include "runtime/cost_model.h"
#include "runtime/measure_kernel.h"

namespace sinter {
namespace {

struct Times {
  double general = 0, other = 0;  // microseconds
};

// All that the speed of the node's kernels depends on.
std::string key_of(const Backend& general, const Backend& other, const Graph& graph,
                   int32_t index) {
  const Node& node = graph.node(index);
  std::string key = fmt::format("tuned\n{}\n{}\n{}{}", general.version(), other.version(),
                                node.op->name, attributes_to_text(*node.op, node.attributes));
  for (ValueId input : node.inputs)
    key += fmt::format(" {}{}", graph.type(input).to_string(),
                       is_frozen(graph, input) ? " frozen" : "");
  return key;
}

double measure(Backend& backend, const CompileOptions& options, const Graph& graph, int32_t node) {
  return measure_microseconds(*backend.compile(graph, std::span(&node, 1), options)[0], graph,
                              node);
}

Times tuned_times(Backend& general, Backend& other, const CompileOptions& options,
                  const Graph& graph, int32_t node) {
  const CodeCache cache = options.cache ? CodeCache::standard() : CodeCache();
  const std::string key = key_of(general, other, graph, node);
  if (const std::optional<std::string> kept = cache.find(key)) {
    char* end = nullptr;
    const Times times{std::strtod(kept->c_str(), &end), std::strtod(end, nullptr)};
    if (times.general > 0 && times.other > 0) return times;
  }
  const Times times{measure(general, options, graph, node), measure(other, options, graph, node)};
  cache.put(key, fmt::format("{} {}", times.general, times.other));
  return times;
}

}  // namespace

BackendChoice choose_by_cost(Backend& general, Backend& other, const CompileOptions& options,
                             const Graph& graph, int32_t node) {
  const auto own = estimate_microseconds(general.name(), graph, node),
             theirs = estimate_microseconds(other.name(), graph, node);
  if (!own || !theirs)
    return {&general, fmt::format("auto: {} has no kernel of this kind", other.name())};
  // Asking the other backend opens its plugin and builds its kernel, so only where that may be of
  // use.
  const bool ask = options.tune || *theirs < *own;
  std::string why_not = ask ? other.missing() : "";
  if (ask && why_not.empty()) why_not = other.why_not(graph, node);
  if (!why_not.empty()) return {&general, fmt::format("auto: {}: {}", other.name(), why_not)};
  const Times times =
      options.tune ? tuned_times(general, other, options, graph, node) : Times{*own, *theirs};
  return {times.other < times.general ? &other : &general,
          fmt::format("auto: {:.2f} us, {} {:.2f} us, {}", times.general, other.name(), times.other,
                      options.tune ? "measured" : "estimated")};
}

}  // namespace sinter

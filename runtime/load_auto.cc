#include "runtime/load_auto.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "core/prologue.h"
#include "core/text.h"
#include "runtime/backend.h"
#include "runtime/code_cache.h"
#include "runtime/compile_options.h"
#include "runtime/measure_kernel.h"

namespace sinter {
namespace {

// All that the speed of the node's kernels depends on.
std::string key_of(std::span<const Backend* const> backends, const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  std::string key = "tuned";
  for (const Backend* b : backends) key += fmt::format("\n{} {}", b->name(), b->version());
  key += fmt::format("\n{}{}", node.op->name, attributes_to_text(*node.op, node.attributes));
  for (ValueId input : node.inputs)
    key += fmt::format(" {}{}", graph.type(input).to_string(),
                       is_frozen(graph, input) ? " frozen" : "");
  return key;
}

double measure(Backend& backend, const CompileOptions& options, const Graph& graph, int32_t node) {
  CompileOptions runs = options;  // whatever is planned without code
  runs.code = true;
  return measure_microseconds(*backend.compile(graph, std::span(&node, 1), runs)[0], graph, node);
}

// Of each backend, in microseconds.
std::vector<double> tuned_times(std::span<Backend* const> backends, const CompileOptions& options,
                                const Graph& graph, int32_t node) {
  const CodeCache cache = options.cache ? CodeCache::standard() : CodeCache();
  const std::string key = key_of(backends, graph, node);
  if (const std::optional<std::string> kept = cache.find(key)) {
    std::vector<double> times;
    const char* text = kept->c_str();
    for (size_t i = 0; i < backends.size(); ++i) {
      char* end = nullptr;
      times.push_back(std::strtod(text, &end));
      text = end;
    }
    if (std::ranges::all_of(times, [](double t) { return t > 0; })) return times;
  }
  std::vector<double> times;
  for (Backend* b : backends) times.push_back(measure(*b, options, graph, node));
  cache.put(key, fmt::format("{}", fmt::join(times, " ")));
  return times;
}

std::string reason_against(const Backend& backend, const Graph& graph, int32_t node) {
  std::string reason = backend.missing();
  return reason.empty() ? backend.why_not(graph, node) : reason;
}

}  // namespace

BackendChoice choose_by_cost(std::span<Backend* const> backends, const CompileOptions& options,
                             const Graph& graph, int32_t node) {
  std::string notes;  // why others do not run it
  const auto note = [&](const Backend& b, const std::string& reason) {
    notes += fmt::format("{}{}: {}", notes.empty() ? "" : "; ", b.name(), reason);
  };
  size_t first = 0;
  for (; first < backends.size(); ++first) {
    const std::string reason = reason_against(*backends[first], graph, node);
    if (reason.empty()) break;
    note(*backends[first], reason);
  }
  if (first == backends.size()) return {backends.back(), "auto: " + notes};
  Backend* general = backends[first];
  const std::optional<double> own = general->estimate(graph, node);
  std::vector<Backend*> able = {general};
  std::vector<double> times = {own.value_or(0)};
  for (Backend* b : backends.subspan(first + 1)) {
    const std::optional<double> theirs = b->estimate(graph, node);
    if (!own || !theirs) continue;
    // Asking may open a plugin and make the kernel, so only where that may be of use.
    if (options.tune || *theirs < *own) {
      if (const std::string reason = reason_against(*b, graph, node); !reason.empty()) {
        note(*b, reason);
        continue;
      }
    }
    able.push_back(b);
    times.push_back(*theirs);
  }
  if (able.size() == 1)
    return {general, "auto: " + (notes.empty() ? "no other backend says what it costs" : notes)};
  if (options.tune) times = tuned_times(able, options, graph, node);
  const size_t best = static_cast<size_t>(std::ranges::min_element(times) - times.begin());
  std::string text = fmt::format("auto: {:.2f} us", times[0]);
  for (size_t i = 1; i < able.size(); ++i)
    text += fmt::format(", {} {:.2f} us", able[i]->name(), times[i]);
  text += options.tune ? ", measured" : ", estimated";
  return {able[best], notes.empty() ? text : text + "; " + notes};
}

bool claimed_by_cost(std::span<Backend* const> backends, const Graph& graph, int32_t node) {
  const Backend& general = *backends[0];
  return std::ranges::any_of(backends, [&](const Backend* b) {  // the cheapest question first
    const std::optional<double> whole = b->estimate(graph, node);
    if (!whole) return false;
    const std::optional<double> apart = general.estimate(graph, node);
    return apart && *whole < *apart && b->claims(graph, node) &&
           reason_against(*b, graph, node).empty();
  });
}

}  // namespace sinter

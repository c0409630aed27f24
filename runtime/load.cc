// The list of backends, the choice between them, and executables of lowered graphs.
#include "runtime/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <mutex>

#include "core/error.h"
#include "core/float_environment.h"
#include "core/fork.h"
#include "core/independent_rows.h"
#include "core/line.h"
#include "runtime/compile_options.h"
#include "runtime/cost_model.h"
#include "runtime/load_auto.h"
#include "runtime/memory_need.h"
#include "runtime/micro_batches.h"
#include "runtime/thread_pool.h"
#include "runtime/widen_products.h"

namespace sinter {

namespace {

struct Registered {
  ForkMutex mutex;
  std::vector<Backend*> backends;
};
Registered& registered() {
  static Registered instance;
  return instance;
}

std::vector<Backend*> copy_of_registered() {
  const std::lock_guard lock(registered().mutex);
  return registered().backends;
}

std::vector<Backend*> of_the_tree() {
  std::vector<Backend*> result = {&reference_backend()};
#if SINTER_WITH_ONEDNN
  result.push_back(&onednn_backend());
#endif
#if SINTER_WITH_LLVM
  result.push_back(&llvm_backend());
#endif
  return result;
}

}  // namespace

BackendList list_backends() {
  BackendList list{of_the_tree(), copy_of_registered()};
  std::vector<Backend*>& order = list.by_preference;
  list.all.insert(list.all.end(), order.begin(), order.end());
#if SINTER_WITH_LLVM
  order.insert(order.begin(), &llvm_backend());
#endif
#if SINTER_WITH_ONEDNN
  order.push_back(&onednn_backend());
#endif
  order.push_back(&reference_backend());
  return list;
}

std::vector<Backend*> backends() { return list_backends().all; }

void register_backend(Backend& backend, SourceLocation where) {
  const std::lock_guard lock(registered().mutex);
  std::vector<Backend*> all = of_the_tree();
  all.insert(all.end(), registered().backends.begin(), registered().backends.end());
  const auto same = [&](const Backend* b) { return b->name() == backend.name(); };
  if (backend.name() == "auto" || std::ranges::any_of(all, same))
    throw Error(with_line(where, fmt::format("there is a backend '{}' already", backend.name())));
  registered().backends.push_back(&backend);
}

void unregister_backend(Backend& backend) {
  const std::lock_guard lock(registered().mutex);
  std::erase(registered().backends, &backend);
}

namespace {

std::vector<std::string> names_of(const std::vector<Backend*>& all) {
  std::vector<std::string> names = {"auto"};
  for (const Backend* b : all) names.emplace_back(b->name());
  return names;
}

}  // namespace

std::vector<std::string> backend_names() { return names_of(backends()); }

namespace {

Backend& find_in(const std::vector<Backend*>& all, std::string_view name) {
  for (Backend* b : all) {
    if (b->name() != name) continue;
    if (const std::string missing = b->missing(); !missing.empty()) throw Error(missing);
    return *b;
  }
  if (name == "llvm" || name == "onednn") {
    throw NameError(
        fmt::format("backend '{}' is not part of this build (configure with -DSINTER_WITH_{}=ON)",
                    name, name == "llvm" ? "LLVM" : "ONEDNN"));
  }
  raise_unknown_name("backend", name, names_of(all));
}

}  // namespace

Backend& find_backend(std::string_view name, SourceLocation where) {
  return at_line(where, [&]() -> Backend& { return find_in(backends(), name); });
}

Target target_of(std::string_view name, const BackendList& list) {
  if (name != "auto") {
    Backend& backend = find_in(list.all, name);
    Target target = backend.target();
    target.claims = [&backend](const Graph& graph, int32_t node) {
      return graph.node(node).op->kind == KernelKind::kComposite && backend.claims(graph, node) &&
             backend.why_not(graph, node).empty();
    };
    return target;
  }
  const std::vector<Backend*>& all = list.by_preference;
  // Whichever runs the most runs regions, too.
  Target target{.name = "auto",
                .fuses_elementwise = true,
                .fuses_epilogues = true,
                .contracts_bfloat16 = all[0]->target().contracts_bfloat16};
  target.claims = [all](const Graph& graph, int32_t node) {
    return graph.node(node).op->kind == KernelKind::kComposite && claimed_by_cost(all, graph, node);
  };
  return target;
}

namespace {

// The choice for each node: the backend of the asked name where it can, else the first that can,
// with the reason. "auto" compares what nodes cost. `options` and `list` must outlive it.
std::function<BackendChoice(const Graph&, int32_t)> choice_of(const CompileOptions& options,
                                                              const BackendList& list) {
  const std::vector<Backend*>& all = list.by_preference;
  if (options.backend == "auto") {
    return [&all, &options](const Graph& graph, int32_t node) {
      return choose_by_cost(all, options, graph, node);
    };
  }
  Backend& wanted = find_in(list.all, options.backend);
  return [&all, &wanted](const Graph& graph, int32_t node) -> BackendChoice {
    const std::string reason = wanted.why_not(graph, node);
    if (reason.empty()) return {&wanted, "asked for"};
    for (Backend* b : all) {
      if (b != &wanted && b->missing().empty() && b->why_not(graph, node).empty())
        return {b, fmt::format("{}: {}", wanted.name(), reason)};
    }
    return {&wanted, reason};
  };
}

}  // namespace

std::unique_ptr<Executable> load_executable(const Graph& lowered, const CompileOptions& options,
                                            SourceLocation where) {
  return at_line(where, [&] {
    BatchParts parts;
    if (has_symbolic_batch(lowered)) {
      parts.lowered_for = [&](int64_t rows) { return specialize(lowered, rows); };
      parts.rows_are_independent = [&] {
        return has_independent_rows(lowered, RowNumbers::kRefused);
      };
    }
    const Graph graph = parts.lowered_for ? parts.lowered_for(options.batch) : lowered;
    return std::make_unique<Executable>(load_program(graph, options, list_backends(), parts, true));
  });
}

namespace {

std::vector<std::string> names_of_variables(const Graph& graph) {
  std::vector<std::string> names;
  for (const int32_t i : graph.variables()) names.push_back(graph.node(i).name);
  return names;
}

}  // namespace

Program load_program(const Graph& lowered, const CompileOptions& options, const BackendList& list,
                     const BatchParts& parts, bool within_limit) {
  const DefaultFloatEnvironment environment;
  check_thread_setting();
  const auto choose = choice_of(options, list);  // raises first for a name that is not known
  const bool widens = !target_of(options.backend, list).contracts_bfloat16;
  const auto checked = [&](const Graph& made) {
    Graph graph = widens ? widen_products(made) : made;
    verify(graph, "loading");
    return graph;
  };
  Graph graph = checked(lowered);
  const int64_t rows = parts.lowered_for
                           ? rows_of_micro_batch(graph, options.batch, options.micro_batch_bytes)
                           : options.batch;
  if (rows < options.batch && parts.rows_are_independent()) {
    Graph part = checked(parts.lowered_for(rows));
    SINTER_CHECK(names_of_variables(part) == names_of_variables(graph), graph.name());
    const int64_t count = options.batch / rows;
    if (within_limit) check_memory_need(graph, part, std::min<int64_t>(threads(), count));
    CompileOptions of_part = options;
    of_part.batch = rows;
    const UncutKernels uncut;
    Program program = assemble(std::move(part), choose, of_part);
    return in_micro_batches(std::move(graph), std::move(program), rows, count);
  }
  if (within_limit) check_memory_need(graph);
  return assemble(std::move(graph), choose, options);
}

}  // namespace sinter

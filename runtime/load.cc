// The list of backends, the choice between them, and executables of lowered graphs.
#include "runtime/load.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/float_environment.h"
#include "core/line.h"
#include "runtime/compile_options.h"
#include "runtime/load_auto.h"
#include "runtime/memory_need.h"
#include "runtime/thread_pool.h"
#include "runtime/widen_products.h"

namespace sinter {

std::vector<Backend*> backends() {
  std::vector<Backend*> result = {&reference_backend()};
#if SINTER_WITH_ONEDNN
  result.push_back(&onednn_backend());
#endif
#if SINTER_WITH_LLVM
  result.push_back(&llvm_backend());
#endif
  return result;
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names = {"auto"};
  for (const Backend* b : backends()) names.emplace_back(b->name());
  return names;
}

Backend& find_backend(std::string_view name, SourceLocation where) {
  return at_line(where, [&]() -> Backend& {
    for (Backend* b : backends()) {
      if (b->name() != name) continue;
      if (const std::string missing = b->missing(); !missing.empty()) throw Error(missing);
      return *b;
    }
    if (name == "llvm" || name == "onednn") {
      throw NameError(
          fmt::format("backend '{}' is not part of this build (configure with -DSINTER_WITH_{}=ON)",
                      name, name == "llvm" ? "LLVM" : "ONEDNN"));
    }
    raise_unknown_name("backend", name, backend_names());
  });
}

bool contracts_bfloat16(std::string_view backend) {
  if (backend == "reference") return true;  // as slow as everything there
  return backend != "onednn" &&
         std::ranges::any_of(backends(), [](const Backend* b) { return b->contracts_bfloat16(); });
}

BackendChoice choose_backend(const CompileOptions& options, const Graph& graph, int32_t node) {
#if SINTER_WITH_LLVM && SINTER_WITH_ONEDNN
  if (options.backend == "auto")
    return choose_by_cost(llvm_backend(), onednn_backend(), options, graph, node);
#endif
#if SINTER_WITH_LLVM
  Backend& general = llvm_backend();
#else
  Backend& general = reference_backend();
#endif
  if (options.backend == "auto") return {&general, "auto: the best backend of this build"};
  Backend& wanted = find_backend(options.backend);
  if (&wanted == &general) return {&general, "asked for"};
  if (const std::string reason = wanted.why_not(graph, node); !reason.empty())
    return {&general, fmt::format("{}: {}", options.backend, reason)};
  return {&wanted, "asked for"};
}

std::unique_ptr<Executable> load_executable(const Graph& lowered, const CompileOptions& options,
                                            SourceLocation where) {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    check_thread_setting();
    if (options.backend != "auto") find_backend(options.backend);
    Graph graph = has_symbolic_batch(lowered) ? specialize(lowered, options.batch) : lowered;
    if (!contracts_bfloat16(options.backend)) graph = widen_products(graph);
    verify(graph, "loading");
    check_memory_need(graph);
    return std::make_unique<Executable>(assemble(
        std::move(graph),
        [&](const Graph& g, int32_t node) { return choose_backend(options, g, node); }, options));
  });
}

}  // namespace sinter

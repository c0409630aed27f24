// Running graphs that are lowered already (an exported inference file): needs core and the
// backends, no ops and no passes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"
#include "core/target.h"
#include "runtime/assemble.h"
#include "runtime/backend.h"
#include "runtime/executable.h"

namespace sinter {

struct CompileOptions;

/// The backends of one compilation: it does not see what comes and goes meanwhile.
struct BackendList {
  std::vector<Backend*> all;  // as backends() gives them
  /// In the order in which they are asked: what runs everything and fast, what somebody wanted to
  /// have, what runs some nodes, and the last resort.
  std::vector<Backend*> by_preference;
};
BackendList list_backends();

/// "reference", "onednn" and "llvm" where built in, and what was registered.
std::vector<Backend*> backends();
/// A backend of the user's: its name may be asked for from now on, and "auto" considers it: for
/// nodes that llvm does not run, and where it says that it costs less. It must outlive all that is
/// compiled; no other thread may compile while backends come and go. Raises Error for a name that
/// is taken.
void register_backend(Backend& backend, SourceLocation where = SourceLocation::current());
/// Executables that it runs stay as they are.
void unregister_backend(Backend& backend);
/// "auto" and the names of backends().
std::vector<std::string> backend_names();
/// Raises NameError, which says when a known backend was left out of this build, and Error where
/// its plugin is missing.
Backend& find_backend(std::string_view name, SourceLocation where = SourceLocation::current());

/// What passes may make of graphs for the backend of that name, "auto" too: composites that it
/// claims stay whole.
Target target_of(std::string_view backend, const BackendList& list = list_backends());

/// An executable of a lowered graph for `options.batch`. Products of bfloat16 are widened
/// (widen_products.h) where they would be slow. Raises NameError for an unknown backend, Error for
/// a negative batch and a graph that is not lowered, MemoryError.
std::unique_ptr<Executable> load_executable(const Graph& lowered, const CompileOptions& options,
                                            SourceLocation where = SourceLocation::current());
/// What is asked of a graph with a symbolic batch so that it may run a few rows at a time.
struct BatchParts {
  std::function<Graph(int64_t rows)> lowered_for;
  std::function<bool()> rows_are_independent;  // core/independent_rows.h, numbers refused
};

/// What such an executable runs, on the backends of the list that the graph was lowered with; none
/// of the memory of runs is allocated. `parts` is empty where the graph had no symbolic batch.
/// `within_limit`: a MemoryError where runs need more than there is; who calls names the line.
Program load_program(const Graph& lowered, const CompileOptions& options, const BackendList& list,
                     const BatchParts& parts, bool within_limit);

}  // namespace sinter

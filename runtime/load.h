// Running graphs that are lowered already (an exported inference file): needs core and the
// backends, no ops and no passes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"
#include "runtime/assemble.h"
#include "runtime/executable.h"

namespace sinter {

struct CompileOptions;

/// The backends of this build: "reference", and "onednn" and "llvm" where built in.
std::vector<Backend*> backends();
/// "auto" and the names of backends().
std::vector<std::string> backend_names();
/// Raises NameError, which says when a known backend was left out of this build, and Error where
/// its plugin is missing.
Backend& find_backend(std::string_view name, SourceLocation where = SourceLocation::current());

/// Are products of bfloat16 at least as fast as those of float32 under this name ("auto" too)?
bool contracts_bfloat16(std::string_view backend);

/// The backend for a node under the asked name: that backend where it can, else llvm (reference
/// where llvm is not built), with the reason. "auto" compares what the node costs (load_auto.h).
BackendChoice choose_backend(const CompileOptions& options, const Graph& graph, int32_t node);

/// An executable of a lowered graph for `options.batch`. Products of bfloat16 are widened
/// (widen_products.h) where they would be slow. Raises NameError for an unknown backend, Error for
/// a negative batch and a graph that is not lowered, MemoryError.
std::unique_ptr<Executable> load_executable(const Graph& lowered, const CompileOptions& options,
                                            SourceLocation where = SourceLocation::current());

}  // namespace sinter

// From a lowered graph to a program: a backend and a kernel for each node, then a place for each
// value. Knows core alone.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>

#include "core/graph.h"
#include "runtime/executable.h"

namespace sinter {

class Backend;
struct CompileOptions;

struct BackendChoice {
  Backend* backend = nullptr;
  std::string reason;
};

/// Kernels by `choose`, then the memory plan. Raises Error when the chosen backend cannot run a
/// node (with its reason).
Program assemble(Graph lowered, const std::function<BackendChoice(const Graph&, int32_t)>& choose,
                 const CompileOptions& options);

}  // namespace sinter

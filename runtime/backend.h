// A backend: which nodes it runs, what that costs, and the kernels. To write one: backends of users
// are registered with register_backend() (runtime/load.h);
// tests/unit/runtime/plugged_backend_test.cc has a whole one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/target.h"
#include "runtime/kernel.h"

namespace sinter {

struct CompileOptions;

/// Everything here may be called by several threads at once.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  /// What the code and the speed of its kernels depend on beside the graph: versions, the CPU. Part
  /// of cache keys.
  virtual std::string version() const { return ""; }
  /// "" when it can run something in this process, otherwise why not: its plugin was not found.
  virtual std::string missing() const { return ""; }
  /// What passes may make of a graph when this backend is asked for; what it does not run then goes
  /// to another one. By default nothing is fused, so that it sees single kernel ops.
  virtual Target target() const { return {.name = std::string(name())}; }

  /// "" when the backend can run node `node`, otherwise the reason why not ("float64 is not
  /// supported by oneDNN").
  virtual std::string why_not(const Graph& graph, int32_t node) const = 0;
  /// Does it want this composite whole, rather than what it is made of? Asked while lowering, of
  /// composites alone; why_not() must be "" then.
  virtual bool claims(const Graph& graph, int32_t node) const {
    (void)graph, (void)node;
    return false;
  }
  /// Microseconds of the node on one thread, as far as they are known without opening a plugin or
  /// making the kernel: what "auto" compares. For a composite: no more than what it is made of
  /// would take.
  virtual std::optional<double> estimate(const Graph& graph, int32_t node) const {
    (void)graph, (void)node;
    return std::nullopt;
  }

  /// Kernels for `nodes` of a static, lowered graph, in that order; why_not() of each is "". Inputs
  /// that no run changes (is_frozen in core/prologue.h) may be packed by prepare().
  virtual std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph,
                                                       std::span<const int32_t> nodes,
                                                       const CompileOptions& options) = 0;
};

/// Made once a process. Those of the folders llvm and onednn.
Backend& reference_backend();
Backend& llvm_backend();
Backend& onednn_backend();

}  // namespace sinter

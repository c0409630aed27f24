// Everything that needs oneDNN as a plugin (runtime/plugin.h), opened when a node may be given to
// it.
#pragma once

#include <memory>
#include <string>

#include "core/graph.h"
#include "core/op_record.h"
#include "runtime/kernel.h"

namespace sinter::onednn {

/// A kernel for one node; the reason why not, in `reason`, when there is none (null).
struct Attempt {
  std::unique_ptr<Kernel> kernel;
  std::string reason;
};

/// The plugin's symbol, `sinter_dnnl`.
struct Plugin {
  const char* version;  // plugin_version()
  /// oneDNN's own version.
  std::string (*library)();
  /// `ops` are those of the program: the plugin has a registry of its own, which holds kernel ops.
  Attempt (*make)(const Graph& graph, int32_t node, const Registry& ops);
};

/// The plugin, opened on first use. Raises Error when there is none.
const Plugin& plugin();

}  // namespace sinter::onednn

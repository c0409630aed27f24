// How a graph is to be compiled: what passes, the choice of backends and kernels all need to know.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"

namespace sinter {

struct CompileOptions {
  std::string backend = "auto";        // auto, reference, onednn, llvm
  std::string pipeline = "inference";  // inference, training
  int64_t batch = 1;                   // replaces the symbolic batch dimension
  std::string mixed_precision =
      "";  // "bfloat16": contractions multiply bfloat16 and add in float32
  /// No algorithm that rounds more than sums in short runs or leaves some terms out: convolutions
  /// stay within 2e-6 of results of variance 1, where Winograd's algorithm stays within 1e-5, and a
  /// weight that is not finite meets the padding as it meets other zeros.
  bool strict_precision = false;
  std::vector<std::string> disabled_passes = {};  // names, or "all" for every optional one
  bool cache = true;                              // compiled code on disk
  bool tune =
      false;  // auto: measure where two backends can run a node, and keep the result in the cache
  /// How many bytes of values a large batch may hold at once: it runs a few rows at a time where
  /// its rows are independent (runtime/micro_batches.h), by default as many as the second cache of
  /// a core holds. 0: all rows at once.
  int64_t micro_batch_bytes = 512 << 10;
  /// How many bytes a run of the pipeline "training" may need, variables, inputs and outputs too,
  /// on as many threads as there are: values that wait are computed again instead. 0: no budget.
  int64_t memory_budget = 0;
  bool code = true;                             // false: kernels are planned alone and cannot run
  std::vector<std::string>* remarks = nullptr;  // what rules almost matched, for the user
  /// Called after each pass with its name and the graph.
  std::function<void(std::string_view pass, const Graph&)> on_pass = {};
  /// What backends may ask for lines of layers that passes have joined; compile() sets it.
  const Graph* as_built = nullptr;
};

}  // namespace sinter

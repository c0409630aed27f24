// What a model needs of memory, by layer and kind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

enum class MemoryKind : uint8_t {
  kWeights,      // of layers, moving averages too
  kOptimizer,    // slots, the count of iterations, averages of weights
  kActivations,  // values that the loss, a metric or the prediction follows from
  kGradients,    // what training makes of them
  kWorkspace,    // what kernels need while they run, on all threads, and gaps between values
  kPrepared,     // what follows from weights alone: packed weights
  kData,         // a batch of inputs, labels and outputs
  kOther,        // constants, states of metrics and random numbers, queues of work
};
/// "weights", "optimizer" ...
std::string_view memory_kind_name(MemoryKind kind);

struct MemoryEntry {
  /// Of what several layers share: their names with '+' between them; empty where it is of none.
  std::string layer;
  MemoryKind kind = MemoryKind::kOther;
  int64_t bytes = 0;
};

/// What Model::memory_report() gives: a bound of what one program for `batch` rows holds while it
/// runs. Activations and gradients are those that are alive when most is; what a memory budget lets
/// a step compute again for the gradients are activations, too. What is not in it: the
/// process itself, the code of kernels, data beyond a batch, and programs for other numbers of
/// rows, which fit() has for a last batch of fewer rows and for validation.
struct MemoryReport {
  std::string model;
  int64_t batch = 0;
  bool training = false;
  int threads = 1;
  std::vector<MemoryEntry> entries;  // one for each layer and kind, layers in their order

  int64_t total() const;
  int64_t bytes(MemoryKind kind) const;
  int64_t bytes(std::string_view layer) const;
  int64_t bytes(std::string_view layer, MemoryKind kind) const;
  /// A table, a row for each layer and a column for each kind.
  std::string to_string() const;
};

}  // namespace sinter

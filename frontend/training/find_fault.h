// One step repeated op by op, to see where a value first was not finite.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/graph.h"
#include "core/tensor.h"
#include "frontend/numerics.h"
#include "runtime/compile_options.h"

namespace sinter {

/// All that a step depends on, before it is run.
struct RecordedStep {
  Graph graph{"step"};  // of the whole step, before passes
  int64_t rows = 0;
  std::vector<Tensor> inputs, variables;  // in the order of the graph's
  std::vector<int64_t> samples;           // of each row: which of the data it is
  int64_t epoch = 0, step = 0;            // counted from 1
  std::string backend = "auto", mixed_precision;
};

/// Nothing where, op by op, all that matters is finite.
std::optional<NumericsFault> find_fault(const RecordedStep& step);

/// Are all elements finite? True of what is no tensor of floats.
bool is_finite(const Tensor& t);
ValueStatistics statistics_of(const Tensor& t);

/// The file that replay_fault() reads. Raises FileError.
void save_replay(const std::string& path, const RecordedStep& step);
RecordedStep load_replay(const std::string& path);

}  // namespace sinter

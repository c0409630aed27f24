// Which op of a training step first made a value that is not finite.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/source_location.h"

namespace sinter {

/// What a tensor of floats holds.
struct ValueStatistics {
  std::string type;                   // "float32[32,10]"
  double min = 0, max = 0, mean = 0;  // of the finite elements; 0 where there is none
  int64_t nans = 0, infinities = 0;
  bool finite() const { return nans == 0 && infinities == 0; }
  /// "float32[32,10] min 0 max 5.1 mean 1.2, 0 NaN, 2 inf".
  std::string to_string() const;
};

/// The first op of a step that made a NaN or an infinity of finite values, on the way to the loss
/// or, where the loss is finite, to a number that is logged or a variable.
struct NumericsFault {
  /// "log", "divide", "gradient of sqrt"; "input" or "variable" for what held such a value before.
  std::string op;
  std::string layer;  // or loss, metric, optimizer, input, variable; may be empty
  std::string file;   // the user's source line, as errors give it; empty where none is known
  int line = 0;
  bool backward = false;        // among the gradients and updates
  int64_t epoch = 0, step = 0;  // counted from 1; steps of the epoch
  /// The first row of the data whose value it is, counted from 0: in a Dataset from where the walk
  /// began. Absent where the value is of the whole batch, as sums over it and gradients of weights.
  std::optional<int64_t> sample;
  double value = 0;                     // the first such element
  std::vector<ValueStatistics> inputs;  // of the op
  ValueStatistics output;
  std::string replay;  // the file that repeats it, or empty
  /// One line: "'log' of 'lambda' (net.cc:12) made -inf of ...".
  std::string to_string() const;
};

/// What fit(..., {.check_numerics = true}) raises.
class NumericsError : public Error {
 public:
  NumericsError(const std::string& text, NumericsFault fault)
      : Error(text), fault_(std::move(fault)) {}
  const NumericsFault& fault() const { return fault_; }

 private:
  NumericsFault fault_;
};

/// Repeats the step that `path` was written for and finds its fault again. Raises FileError for
/// another file, and Error where everything is finite this time.
NumericsFault replay_fault(const std::string& path,
                           SourceLocation where = SourceLocation::current());

}  // namespace sinter

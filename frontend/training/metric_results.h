// The variables of metrics with a state: made where a step's graph is written, shared by all steps
// of a model, and read for the number that is logged.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/graph.h"
#include "frontend/layer.h"
#include "frontend/metric_state.h"
#include "frontend/variable.h"
#include "runtime/executable.h"

namespace sinter {

struct MetricVariable {
  std::string name;  // in its metric
  VariablePtr variable;
  double initial = 0;
};

/// The state of one metric of a compiled model.
class MetricResult {
 public:
  explicit MetricResult(std::string logged_name) : name_(std::move(logged_name)) {}

  /// Writes one batch into the graph of a step; gives what the variables become. The first call
  /// makes the variables.
  std::vector<CallContext::Update> write(CallContext& context, const MetricImpl& metric,
                                         Symbol y_true, Symbol y_pred, Symbol weight);
  /// The number that the variables stand for now.
  double value();

  /// All variables as they are now, to come back to.
  std::vector<Tensor> save() const;
  void restore(const std::vector<Tensor>& values);
  /// All variables as they are when an epoch begins.
  void reset();

 private:
  std::string name_;
  std::vector<MetricVariable> variables_;
  std::shared_ptr<Executable> result_;  // from the variables to the number
};

/// By the names they are logged under: one model's, which all its steps share.
using MetricResults = std::map<std::string, std::shared_ptr<MetricResult>>;

}  // namespace sinter

// Gradients of a graph, held against differences of what they are the gradients of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/graph.h"
#include "core/symbol.h"
#include "frontend/verify/check.h"
#include "frontend/verify/random_values.h"
#include "runtime/executable.h"

namespace sinter::verification {

struct DerivativeCounts {
  int64_t graphs = 0, judged_first = 0, judged_second = 0;
  int64_t not_finite = 0;  // gradients at the edge of a domain: of sqrt at 0, times 0
  double worst = 0;        // of all errors as shares of what is allowed
};

/// A loss of some values of a float64 graph, the loss's derivative along a random direction by
/// gradients(), and that one's by gradients() once more; central differences of the loss and of the
/// first derivative along the same direction say whether they are right.
class DerivativeCheck {
 public:
  /// `values` and `wrt` are float64 values of the graph, whose outputs and updates are dropped.
  DerivativeCheck(Case c, const std::vector<ValueId>& values, const std::vector<ValueId>& wrt,
                  Random random);
  DerivativeCheck(const DerivativeCheck&) = delete;

  /// Is there anything to differentiate? Values that are rounded to float32 tell nothing, and what
  /// stop_gradient hides differences see.
  static bool can_be_judged(const Graph& graph);

  /// Inputs (those of the graph before) and variables to look at from now on.
  void set_data(const std::vector<Tensor>& inputs, std::vector<Tensor> variables);
  /// "" where derivatives and differences agree, or tell nothing: at kinks, at jumps, where numbers
  /// are too large.
  std::string fault(DerivativeCounts& counts);
  const Graph& graph() const { return c_.graph; }

 private:
  using Results = std::vector<double>;  // the loss, its first and its second derivative

  Symbol along_directions(Symbol y);
  std::vector<Tensor> moved(const std::vector<int32_t>& nodes, const std::vector<Tensor>& data,
                            double step) const;
  Results at(double step);
  bool values_are_moderate() const;

  Case c_;
  Random random_;
  int32_t forward_ = 0;  // nodes before the derivatives
  std::vector<Symbol> wrt_, directions_;
  std::unique_ptr<Executable> executable_;
};

/// Of the outputs of any graph, in float64, by its floating inputs and variables; "" where they are
/// right, or where nothing can be said. Else "gradient: the first derivative is ...". Raises what
/// building and running raise.
std::string gradient_fault(const Case& c, DerivativeCounts* counts = nullptr);

}  // namespace sinter::verification

// The layers between inputs and outputs, in the order Keras gives them: what a Model is made of,
// without compile or training.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/handle.h"
#include "frontend/layer.h"

namespace sinter {

class Network {
 public:
  Network();
  /// `inputs` are of Input(). Raises Error when an output does not depend on the inputs alone, two
  /// layers have one name, or more than 500 models stand one inside the other.
  Network(std::vector<KerasTensor> inputs, std::vector<KerasTensor> outputs);

  const std::vector<KerasTensor>& inputs() const;
  const std::vector<KerasTensor>& outputs() const;
  /// All calls, each after those it needs; those of input layers too.
  const std::vector<std::shared_ptr<const LayerCall>>& calls() const;
  /// By depth, deepest first; within a depth in the order a walk from the outputs meets them
  /// (keras.ops.function.map_graph).
  const List<Layer>& layers() const;
  /// The names of the layers that make them; a repeated name gets _1, _2 ...
  const std::vector<std::string>& input_names() const;
  const List<std::string>& output_names() const;

  /// Layer by layer, trainable ones first; shared ones once.
  std::vector<VariablePtr> variables() const;
  /// Those that training changes: not of layers that are not trainable.
  std::vector<VariablePtr> trainable_variables() const;

  /// How many models stand in it, one inside the other, where they are most.
  int depth() const;

  /// Writes all calls into the graph; gives the outputs.
  std::vector<Symbol> write(CallContext& context, std::span<const Symbol> inputs) const;

 private:
  void order_layers();

  struct Parts;
  Handle<Parts> parts_;  // which nothing changes once they are there
};

}  // namespace sinter

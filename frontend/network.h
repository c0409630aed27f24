// The layers between inputs and outputs, in the order Keras gives them: what a Model is made of,
// without compile or training.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/layer.h"

namespace sinter {

class Network {
 public:
  Network() = default;
  /// `inputs` are of Input(). Raises Error when an output does not depend on the inputs alone, two
  /// layers have one name, or more than 500 models stand one inside the other.
  Network(std::vector<KerasTensor> inputs, std::vector<KerasTensor> outputs);

  const std::vector<KerasTensor>& inputs() const { return inputs_; }
  const std::vector<KerasTensor>& outputs() const { return outputs_; }
  /// All calls, each after those it needs; those of input layers too.
  const std::vector<std::shared_ptr<const LayerCall>>& calls() const { return calls_; }
  /// By depth, deepest first; within a depth in the order a walk from the outputs meets them
  /// (keras.ops.function.map_graph).
  const std::vector<Layer>& layers() const { return layers_; }
  /// The names of the layers that make them; a repeated name gets _1, _2 ...
  const std::vector<std::string>& input_names() const { return input_names_; }
  const std::vector<std::string>& output_names() const { return output_names_; }

  /// Layer by layer, trainable ones first; shared ones once.
  std::vector<VariablePtr> variables() const;
  /// Those that training changes: not of layers that are not trainable.
  std::vector<VariablePtr> trainable_variables() const;

  /// How many models stand in it, one inside the other, where they are most.
  int depth() const { return depth_; }

  /// Writes all calls into the graph; gives the outputs.
  std::vector<Symbol> write(CallContext& context, std::span<const Symbol> inputs) const;

 private:
  void order_layers();

  std::vector<KerasTensor> inputs_, outputs_;
  std::vector<std::shared_ptr<const LayerCall>> calls_;
  std::vector<Layer> layers_;
  std::vector<std::string> input_names_, output_names_;
  int depth_ = 0;
};

}  // namespace sinter

// What a tensor of the functional API came from.
#pragma once

#include <memory>
#include <vector>

#include "frontend/keras_tensor.h"

namespace sinter {

class LayerImpl;

/// One call of a layer on tensors. A layer that is called several times is shared: its calls have
/// the same weights.
struct LayerCall {
  LayerCall() = default;
  LayerCall(const LayerCall&) = delete;
  ~LayerCall();  // of chains of any length

  std::shared_ptr<LayerImpl> layer;
  int index = 0;  // among the calls of this layer
  std::vector<KerasTensor> inputs;
  std::vector<ValueType> outputs;
  std::shared_ptr<const Origin> origin;  // layer name and the user's line
};

}  // namespace sinter

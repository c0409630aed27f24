// Models that begin in the middle of another one.
#pragma once

#include <vector>

#include "frontend/keras_tensor.h"

namespace sinter {

struct NetworkEnds {
  std::vector<KerasTensor> inputs, outputs;
};

/// The same with an Input() of its type in place of each input that a layer makes, as Keras's
/// Functional does; layers between them and the outputs are called once more and stay shared.
NetworkEnds cut_at(const std::vector<KerasTensor>& inputs, const std::vector<KerasTensor>& outputs);

}  // namespace sinter

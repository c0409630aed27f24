// Layers that join tensors: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate.
//
// Shapes broadcast as NumPy's do; as in Keras, a tensor of lower rank gets dimensions of 1 after
// the batch.
#pragma once

#include "frontend/layers/activation.h"

namespace sinter {

class Add : public Layer {
 public:
  explicit Add(LayerOptions options = {},
               std::source_location where = std::source_location::current());
};
/// Of exactly two: the first minus the second.
class Subtract : public Layer {
 public:
  explicit Subtract(LayerOptions options = {},
                    std::source_location where = std::source_location::current());
};
class Multiply : public Layer {
 public:
  explicit Multiply(LayerOptions options = {},
                    std::source_location where = std::source_location::current());
};
class Average : public Layer {
 public:
  explicit Average(LayerOptions options = {},
                   std::source_location where = std::source_location::current());
};
class Maximum : public Layer {
 public:
  explicit Maximum(LayerOptions options = {},
                   std::source_location where = std::source_location::current());
};
class Minimum : public Layer {
 public:
  explicit Minimum(LayerOptions options = {},
                   std::source_location where = std::source_location::current());
};
class Concatenate : public Layer {
 public:
  explicit Concatenate(int axis = -1, LayerOptions options = {},
                       std::source_location where = std::source_location::current());
};

}  // namespace sinter

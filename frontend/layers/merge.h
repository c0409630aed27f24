// Layers that join tensors: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate.
//
// Shapes broadcast as NumPy's do; as in Keras, a tensor of lower rank gets dimensions of 1 after
// the batch.
#pragma once

#include "frontend/layers/activation.h"
#include "frontend/number_arguments.h"

namespace sinter {

class Add : public Layer {
 public:
  explicit Add(LayerOptions options = {}, SourceLocation where = SourceLocation::current());
};
/// Of exactly two: the first minus the second.
class Subtract : public Layer {
 public:
  explicit Subtract(LayerOptions options = {}, SourceLocation where = SourceLocation::current());
};
class Multiply : public Layer {
 public:
  explicit Multiply(LayerOptions options = {}, SourceLocation where = SourceLocation::current());
};
class Average : public Layer {
 public:
  explicit Average(LayerOptions options = {}, SourceLocation where = SourceLocation::current());
};
class Maximum : public Layer {
 public:
  explicit Maximum(LayerOptions options = {}, SourceLocation where = SourceLocation::current());
};
class Minimum : public Layer {
 public:
  explicit Minimum(LayerOptions options = {}, SourceLocation where = SourceLocation::current());
};
class Concatenate : public Layer {
 public:
  explicit Concatenate(WholeNumber axis = -1, LayerOptions options = {},
                       SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

// Layers that change the shape of a sample: Flatten, Reshape.
#pragma once

#include "frontend/layers/activation.h"

namespace sinter {

/// [batch, d1, d2, ...] -> [batch, d1 * d2 * ...], row-major; [batch] -> [batch, 1].
class Flatten : public Layer {
 public:
  explicit Flatten(LayerOptions options = {}, SourceLocation where = SourceLocation::current());
};

/// To `target_shape`, the shape of a sample; one entry may be -1: what is left over.
class Reshape : public Layer {
 public:
  explicit Reshape(std::vector<int64_t> target_shape, LayerOptions options = {},
                   SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

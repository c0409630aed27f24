// Layers that change the shape of a sample: Flatten, Reshape, Permute, RepeatVector.
#pragma once

#include "frontend/layers/activation.h"
#include "frontend/number_arguments.h"

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

/// The dimensions of a sample in another order, counted from 1: Permute({2, 1}) makes [batch, b, a]
/// of [batch, a, b]. Raises Error unless `dims` holds each of 1 .. n once, ShapeError unless
/// samples have n dimensions.
class Permute : public Layer {
 public:
  explicit Permute(std::vector<int64_t> dims, LayerOptions options = {},
                   SourceLocation where = SourceLocation::current());
};

/// [batch, features] -> [batch, n, features]: each sample n times. Raises Error unless n is
/// positive, ShapeError for inputs of another rank.
class RepeatVector : public Layer {
 public:
  explicit RepeatVector(WholeNumber n, LayerOptions options = {},
                        SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

// Normalization: features of mean 0 and variance 1, by statistics of data seen before training.
#pragma once

#include <optional>

#include "core/axes.h"
#include "core/tensor.h"
#include "frontend/layer.h"

namespace sinter {

struct NormalizationOptions {
  Axes axis = -1;  // which keep statistics of their own; {}: one mean and variance for all
  std::optional<Tensor> mean = std::nullopt;      // both or none: those of adapt() otherwise
  std::optional<Tensor> variance = std::nullopt;  // scalars, or what broadcasts to the axes
  bool invert = false;
  std::string name = "";
};

/// (x - mean) / max(sqrt(variance), 1e-7), or with `invert` back: mean + x max(sqrt(variance),
/// 1e-7); alike in training and inference, and x of any dtype. Weights, none of them trainable:
/// mean and variance, the dimensions of x at `axis`, of zeros and ones until adapt() sets them, and
/// count as Keras has it, 0; none where mean and variance are given. Raises Error when one of those
/// is given alone, ShapeError when they do not fit, or for an axis that is the batch.
class Normalization : public Layer {
 public:
  explicit Normalization(NormalizationOptions options = {},
                         SourceLocation where = SourceLocation::current());
  /// Sets mean and variance to those of the data, rows of samples, over all axes but `axis`. Builds
  /// the layer for them if it is not. Raises Error when they are given already or there are no
  /// rows or NaN or infinities among them, ShapeError for data of another shape than the layer was
  /// built for.
  void adapt(const Tensor& data, SourceLocation where = SourceLocation::current()) const;
};

}  // namespace sinter

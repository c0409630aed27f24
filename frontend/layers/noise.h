// Noise in training: GaussianNoise, GaussianDropout (Srivastava and others 2014), AlphaDropout
// (Klambauer and others 2017). In inference they give x as it is. The numbers depend on the model's
// random state, the layer's name and its seed.
#pragma once

#include <optional>

#include "frontend/layer.h"
#include "frontend/layers/dropout.h"
#include "frontend/number_arguments.h"

namespace sinter {

struct NoiseOptions {
  std::optional<int64_t> seed = std::nullopt;
  std::string name = "";
};

/// x + stddev n, with n normal of mean 0 and deviation 1. Raises Error for a deviation outside of
/// [0, 1].
class GaussianNoise : public Layer {
 public:
  explicit GaussianNoise(RealNumber stddev, NoiseOptions options = {},
                         SourceLocation where = SourceLocation::current());
};

/// x (1 + sqrt(rate / (1 - rate)) n): the mean and the deviation that Dropout has. Raises Error for
/// a rate outside of [0, 1).
class GaussianDropout : public Layer {
 public:
  explicit GaussianDropout(RealNumber rate, NoiseOptions options = {},
                           SourceLocation where = SourceLocation::current());
};

/// Dropout for networks of selu: what is dropped takes selu's lowest value -1.758, and the result
/// is scaled and shifted so that mean 0 and variance 1 stay. Raises Error for a rate outside of [0,
/// 1).
class AlphaDropout : public Layer {
 public:
  explicit AlphaDropout(RealNumber rate, DropoutOptions options = {},
                        SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

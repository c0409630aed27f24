// Dropout (Srivastava and others, JMLR 2014), in the inverted form: kept values are scaled up in
// training.
#pragma once

#include <optional>

#include "frontend/layer.h"
#include "frontend/number_arguments.h"

namespace sinter {

struct DropoutOptions {
  std::vector<int64_t> noise_shape =
      {};  // with the batch as -1; 1 shares the mask along a dimension
  std::optional<int64_t> seed = std::nullopt;
  std::string name = "";
};

/// In training a value is 0 with probability `rate` (+- 2^-17), else x / (1 - rate); otherwise x.
/// Masks depend on the model's random state, the layer's name and its seed.
class Dropout : public Layer {
 public:
  explicit Dropout(RealNumber rate, DropoutOptions options = {},
                   SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

// GroupNormalization (Wu, He 2018).
#pragma once

#include "frontend/layer.h"
#include "frontend/number_arguments.h"

namespace sinter {

struct GroupNormalizationOptions {
  int axis = -1;  // the channels
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = "";
};

/// Splits the channels into `groups` of neighbours and normalizes each group of each sample by its
/// mean and biased variance over all other axes: y = gamma (x - mean) / sqrt(variance + epsilon) +
/// beta, in training and inference alike. With 1 group all of a sample, with -1 (as many as
/// channels) each channel by itself: instance normalization. Weights gamma and beta (both
/// optional): [channels]. Raises Error for 0 groups, and ShapeError when the channels do not divide
/// into them.
class GroupNormalization : public Layer {
 public:
  explicit GroupNormalization(WholeNumber groups = 32, GroupNormalizationOptions options = {},
                              SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

// Normalization of each sample by its own elements (ops/layer_norm.cc).
#pragma once

#include "ops/ops.h"

namespace sinter {

struct LayerNormResult {
  Symbol y, mean, variance;  // of each sample: the shape of x with 1 at the axes
};
/// Composite `layer_norm` (Ba, Kiros, Hinton 2016): y = gamma * (x - mean) / sqrt(variance +
/// epsilon) + beta, with the mean and the biased variance over `axes`. gamma and beta, of one
/// shape, have the rank of x and broadcast to it. Raises ShapeError when they do not, or without
/// axes.
LayerNormResult layer_norm(OpInput x, OpInput gamma, OpInput beta, Axes axes, double epsilon);
struct RmsNormResult {
  Symbol y, mean_square;  // the mean of squares has the shape of x with 1 at the axes
};
/// Composite `rms_norm` (Zhang, Sennrich 2019): y = gamma * x / sqrt(mean(square(x)) + epsilon)
/// over `axes`; gamma as in layer_norm.
RmsNormResult rms_norm(OpInput x, OpInput gamma, Axes axes, double epsilon);

}  // namespace sinter

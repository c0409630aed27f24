// The confusion matrix for calls of other names.
#pragma once

#include <string>

#include "frontend/data/confusion_matrix.h"

namespace sinter {

/// As confusion_matrix(); errors begin with `call`.
Tensor confusion_counts(const std::string& call, const Tensor& y_true, const Tensor& y_pred,
                        const ConfusionMatrixOptions& options);

}  // namespace sinter

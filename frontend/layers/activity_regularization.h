// ActivityRegularization: a penalty on what a layer gives.
#pragma once

#include "frontend/layer.h"

namespace sinter {

struct ActivityRegularizationOptions {
  double l1 = 0.0;
  double l2 = 0.0;
  std::string name = "";
};

/// Gives x as it is, and adds (l1 sum |x| + l2 sum x^2) / batch size to the loss.
class ActivityRegularization : public Layer {
 public:
  explicit ActivityRegularization(ActivityRegularizationOptions options = {},
                                  SourceLocation where = SourceLocation::current());
};

}  // namespace sinter

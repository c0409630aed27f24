// ActivityRegularization over what every layer has: an activity regularizer.
#include "frontend/layers/activity_regularization.h"

#include "frontend/layers/registry.h"
#include "frontend/layers/simple_layer.h"
#include "ops/ops.h"

namespace sinter {
namespace {

std::shared_ptr<LayerImpl> penalized(const ActivityRegularizationOptions& o, SourceLocation where) {
  auto layer = simple_layer("ActivityRegularization", o.name, where, {{"l1", o.l1}, {"l2", o.l2}},
                            [](Symbol x) { return x; });
  layer->set_activity_regularizer(L1L2({.l1 = o.l1, .l2 = o.l2}, where));
  return layer;
}

}  // namespace

ActivityRegularization::ActivityRegularization(ActivityRegularizationOptions options,
                                               SourceLocation where)
    : Layer(penalized(options, where)) {}

void register_activity_regularization() {
  register_layer("ActivityRegularization", [](const Config& c, SourceLocation where) -> Layer {
    return ActivityRegularization(
        {.l1 = c.get_float("l1", 0), .l2 = c.get_float("l2", 0), .name = c.get_string("name", "")},
        where);
  });
}

}  // namespace sinter

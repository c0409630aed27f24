// ActivityRegularization.
#include "frontend/layers/activity_regularization.h"

#include "frontend/layers/inputs.h"
#include "frontend/layers/registry.h"
#include "ops/ops.h"

namespace sinter {
namespace {

// Not by the activity regularizer that every layer may have: files would hold that beside l1 and
// l2, and Keras's constructor takes no such setting here.
class ActivityRegularizationImpl : public LayerImpl {
 public:
  ActivityRegularizationImpl(ActivityRegularizationOptions options, SourceLocation where)
      : LayerImpl("ActivityRegularization", options.name, where),
        options_(std::move(options)),
        penalty_(L1L2({.l1 = options_.l1, .l2 = options_.l2}, where)) {}

  Config config() const override {
    Config c = base_config();
    return c.merge({{"l1", options_.l1}, {"l2", options_.l2}});
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = only_input(title(), inputs);
    context.add_loss(divide(penalty_(x), size(x, 0, x.dtype())));
    return {x};
  }

 private:
  ActivityRegularizationOptions options_;
  Regularizer penalty_;
};

}  // namespace

ActivityRegularization::ActivityRegularization(ActivityRegularizationOptions options,
                                               SourceLocation where)
    : Layer(std::make_shared<ActivityRegularizationImpl>(std::move(options), where)) {}

void register_activity_regularization() {
  register_layer("ActivityRegularization", [](const Config& c, SourceLocation where) -> Layer {
    return ActivityRegularization(
        {.l1 = c.get_float("l1", 0), .l2 = c.get_float("l2", 0), .name = c.get_string("name", "")},
        where);
  });
}

}  // namespace sinter

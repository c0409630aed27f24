// The maxout layer: dense to units * pieces, then the maximum of each group.
#include "frontend/layers/maxout.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/sizes.h"
#include "frontend/layers/registry.h"
#include "ops/ops.h"

namespace sinter {
namespace {

class MaxoutImpl : public LayerImpl {
 public:
  MaxoutImpl(int64_t units, int64_t pieces, MaxoutOptions options, SourceLocation where)
      : LayerImpl("sinter>Maxout", options.name, where),
        units_(units),
        pieces_(pieces),
        options_(std::move(options)) {
    if (units <= 0 || pieces <= 0) {
      throw Error(fmt::format("{}: units and pieces must be positive, found {} and {}", title(),
                              units, pieces));
    }
  }

  Config config() const override {
    Config c = base_config();
    return c.merge({{"units", units_},
                    {"pieces", pieces_},
                    {"use_bias", options_.use_bias},
                    {"kernel_initializer", options_.kernel_initializer.to_config()},
                    {"bias_initializer", options_.bias_initializer.to_config()},
                    {"kernel_regularizer", options_.kernel_regularizer.to_config()},
                    {"bias_regularizer", options_.bias_regularizer.to_config()}});
  }

  void build(std::span<const ValueType> inputs) override {
    if (inputs.size() != 1 || inputs[0].shape.rank() < 2) {
      throw ShapeError(fmt::format("{}: takes one input [batch, ..., features]", title()));
    }
    const int64_t wide = checked_product(units_, pieces_);
    kernel_ = add_weight("kernel", {inputs[0].shape.dim(-1), wide}, options_.kernel_initializer,
                         true, options_.kernel_regularizer);
    if (options_.use_bias)
      bias_ =
          add_weight("bias", {wide}, options_.bias_initializer, true, options_.bias_regularizer);
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol bias = options_.use_bias ? context.variable(bias_) : Symbol();
    return {maxout(dense(inputs[0], context.variable(kernel_), bias), pieces_)};
  }

 private:
  int64_t units_, pieces_;
  MaxoutOptions options_;
  VariablePtr kernel_, bias_;
};

}  // namespace

Maxout::Maxout(WholeNumber units, WholeNumber pieces, MaxoutOptions options, SourceLocation where)
    : Layer(std::make_shared<MaxoutImpl>(units, pieces, std::move(options), where)) {}

void register_maxout() {
  register_layer("sinter>Maxout", [](const Config& c, SourceLocation where) -> Layer {
    return Maxout(c.get_int("units", 0), c.get_int("pieces", 2),
                  {.use_bias = c.get_bool("use_bias", true),
                   .kernel_initializer = initializer_or(c, "kernel_initializer", "glorot_uniform"),
                   .bias_initializer = initializer_or(c, "bias_initializer", "zeros"),
                   .kernel_regularizer = Regularizer::from_config(c.get("kernel_regularizer")),
                   .bias_regularizer = Regularizer::from_config(c.get("bias_regularizer")),
                   .name = c.get_string("name", "")},
                  where);
  });
}

}  // namespace sinter

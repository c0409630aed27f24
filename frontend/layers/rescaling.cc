// Rescaling.
#include "frontend/layers/rescaling.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "frontend/layers/inputs.h"
#include "frontend/layers/registry.h"
#include "ops/ops.h"

namespace sinter {
namespace {

class RescalingImpl : public LayerImpl {
 public:
  RescalingImpl(RealNumbers scale, RescalingOptions options, SourceLocation where)
      : LayerImpl("Rescaling", options.name, where),
        scale_(std::move(scale)),
        offset_(std::move(options.offset)) {
    // In Python 1 / 255 is no whole number.
    if (std::ranges::all_of(scale_.list(), [](double scale) { return scale == 0; }))
      throw Error(fmt::format(
          "{}: scale must not be 0, which leaves nothing of the input; 1 / 255 of whole numbers is "
          "0 in C++: write 1 / 255.0",
          title()));
  }

  Config config() const override {
    Config c = base_config();
    return c.merge({{"scale", numbers_value(scale_)}, {"offset", numbers_value(offset_)}});
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = cast(only_input(title(), inputs), dtype());
    return {add(multiply(x, operand(context, x, scale_, "scale")),
                operand(context, x, offset_, "offset"))};
  }

 private:
  Operand operand(CallContext& context, Symbol x, const RealNumbers& numbers,
                  const char* key) const {
    if (numbers.is_one()) return numbers.list()[0];
    const auto count = static_cast<int64_t>(numbers.list().size());
    if (x.rank() == 0 || x.shape().dim(-1) != count) {
      throw ShapeError(fmt::format("{}: {} has {} numbers, the input {} another number of channels",
                                   title(), key, count, x.shape().to_string()));
    }
    return constant(context.graph(), Tensor::from<double>({count}, numbers.list()).cast(dtype()));
  }

  RealNumbers scale_, offset_;
};

}  // namespace

Rescaling::Rescaling(RealNumbers scale, RescalingOptions options, SourceLocation where)
    : Layer(std::make_shared<RescalingImpl>(std::move(scale), std::move(options), where)) {}

void register_rescaling() {
  register_layer("Rescaling", [](const Config& c, SourceLocation where) -> Layer {
    return Rescaling(numbers_in(c, "scale", 1.0),
                     {.offset = numbers_in(c, "offset", 0.0), .name = c.get_string("name", "")},
                     where);
  });
}

}  // namespace sinter

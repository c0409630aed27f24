// The dropout layer.
#include "frontend/layers/dropout.h"

#include <fmt/format.h>

#include "core/error.h"
#include "frontend/layers/registry.h"
#include "ops/ops.h"

namespace sinter {
namespace {

class DropoutImpl : public LayerImpl {
 public:
  DropoutImpl(double rate, DropoutOptions options, SourceLocation where)
      : LayerImpl("Dropout", options.name, where), rate_(rate), options_(std::move(options)) {
    if (!(rate >= 0 && rate < 1))
      throw Error(fmt::format("{}: rate must lie in [0, 1), found {}", title(), rate));
  }

  Config config() const override {
    Config c = base_config();
    ConfigValue noise;
    if (!options_.noise_shape.empty()) {
      ConfigList list;
      for (int64_t d : options_.noise_shape)
        list.push_back(d == kBatch ? ConfigValue(nullptr) : ConfigValue(d));
      noise = std::move(list);
    }
    return c.merge({{"rate", rate_},
                    {"seed", options_.seed ? ConfigValue(*options_.seed) : ConfigValue(nullptr)},
                    {"noise_shape", noise}});
  }

  std::shared_ptr<LayerImpl> clone() const override {
    auto options = options_;
    options.name = name();
    return std::make_shared<DropoutImpl>(rate_, std::move(options), SourceLocation::current());
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    if (inputs.size() != 1)
      throw ShapeError(fmt::format("{}: takes one input, given {}", title(), inputs.size()));
    if (rate_ == 0 || context.inference()) return {inputs[0]};
    const int64_t stream = context.next_stream(name()) ^ (options_.seed.value_or(0) & 0x7fffffff);
    return {dropout(inputs[0], context.random_state(), rate_, stream, Shape(options_.noise_shape))};
  }

 private:
  double rate_;
  DropoutOptions options_;
};

}  // namespace

Dropout::Dropout(RealNumber rate, DropoutOptions options, SourceLocation where)
    : Layer(std::make_shared<DropoutImpl>(rate, std::move(options), where)) {}

void register_dropout_layers() {
  register_layer("Dropout", [](const Config& c, SourceLocation where) -> Layer {
    DropoutOptions o{.noise_shape = c.get_ints("noise_shape", {}),
                     .name = c.get_string("name", "")};
    if (c.get("seed").as<int64_t>() != nullptr) o.seed = c.get_int("seed", 0);
    return Dropout(c.get_float("rate", 0.5), o, where);
  });
}

}  // namespace sinter

// The implementation behind layers that are only a function.
#include "frontend/layers/simple_layer.h"

#include <fmt/format.h>

#include "core/counted.h"
#include "core/error.h"
#include "frontend/layers/inputs.h"
#include "ops/ops.h"

namespace sinter {
namespace {

class FunctionLayer : public LayerImpl {
 public:
  using Function = std::function<Symbol(std::span<const Symbol>)>;
  FunctionLayer(std::string class_name, const std::string& name, SourceLocation where, Config own,
                int min_inputs, int max_inputs, Function function, const std::string& mistake = "")
      : LayerImpl(std::move(class_name), name, where),
        own_(std::move(own)),
        min_inputs_(min_inputs),
        max_inputs_(max_inputs),
        function_(std::move(function)) {
    if (!mistake.empty()) throw Error(title() + ": " + mistake);
  }

  Config config() const override {
    Config c = base_config();
    return c.merge(own_);
  }

  std::shared_ptr<LayerImpl> clone() const override {
    return std::make_shared<FunctionLayer>(class_name(), name(), SourceLocation::current(), own_,
                                           min_inputs_, max_inputs_, function_);
  }

  std::vector<Symbol> call(CallContext&, std::span<const Symbol> inputs) override {
    const int count = static_cast<int>(inputs.size());
    if (count < min_inputs_ || count > max_inputs_) {
      throw ShapeError(fmt::format("{}: takes {}{}, given {}", title(),
                                   max_inputs_ > min_inputs_ ? "at least " : "",
                                   counted(min_inputs_, "input"), count));
    }
    return {function_(inputs)};
  }

 private:
  Config own_;
  int min_inputs_, max_inputs_;
  Function function_;
};

class RandomLayer : public LayerImpl {
 public:
  RandomLayer(std::string class_name, const std::string& name, SourceLocation where, Config own,
              std::optional<int64_t> seed, RandomLayerFunctions functions,
              const std::string& mistake = "")
      : LayerImpl(std::move(class_name), name, where),
        own_(std::move(own)),
        seed_(seed),
        functions_(std::move(functions)) {
    if (!mistake.empty()) throw Error(title() + ": " + mistake);
  }

  Config config() const override {
    Config c = base_config();
    return c.merge(own_);
  }

  std::shared_ptr<LayerImpl> clone() const override {
    return std::make_shared<RandomLayer>(class_name(), name(), SourceLocation::current(), own_,
                                         seed_, functions_);
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = cast(only_input(title(), inputs), dtype());
    if (!context.training()) return {functions_.otherwise ? functions_.otherwise(x) : x};
    return {functions_.draw(x, context.random_state(), stream_of_call(context, name(), seed_))};
  }

 private:
  Config own_;
  std::optional<int64_t> seed_;
  RandomLayerFunctions functions_;
};

}  // namespace

std::shared_ptr<LayerImpl> simple_layer(std::string class_name, const std::string& name,
                                        SourceLocation where, Config own,
                                        std::function<Symbol(Symbol)> function,
                                        const std::string& mistake) {
  return std::make_shared<FunctionLayer>(
      std::move(class_name), name, where, std::move(own), 1, 1,
      [function = std::move(function)](std::span<const Symbol> xs) { return function(xs[0]); },
      mistake);
}

std::shared_ptr<LayerImpl> random_layer(std::string class_name, const std::string& name,
                                        SourceLocation where, Config own,
                                        std::optional<int64_t> seed, RandomLayerFunctions functions,
                                        const std::string& mistake) {
  return std::make_shared<RandomLayer>(std::move(class_name), name, where, std::move(own), seed,
                                       std::move(functions), mistake);
}

int64_t stream_of_call(CallContext& context, const std::string& layer_name,
                       const std::optional<int64_t>& seed) {
  return context.next_stream(layer_name) ^ (seed.value_or(0) & 0x7fffffff);
}

ConfigValue noise_shape_value(const std::vector<int64_t>& noise_shape) {
  if (noise_shape.empty()) return nullptr;
  ConfigList list;
  for (const int64_t d : noise_shape)
    list.push_back(d == kBatch ? ConfigValue(nullptr) : ConfigValue(d));
  return list;
}

ConfigValue seed_value(const std::optional<int64_t>& seed) {
  return seed ? ConfigValue(*seed) : ConfigValue(nullptr);
}

std::optional<int64_t> seed_in(const Config& config) {
  if (config.get("seed").is_null()) return std::nullopt;
  return config.get_int("seed", 0);
}

std::shared_ptr<LayerImpl> joining_layer(std::string class_name, const std::string& name,
                                         SourceLocation where, Config own, int min_inputs,
                                         int max_inputs,
                                         std::function<Symbol(std::span<const Symbol>)> function) {
  return std::make_shared<FunctionLayer>(std::move(class_name), name, where, std::move(own),
                                         min_inputs, max_inputs, std::move(function));
}

}  // namespace sinter

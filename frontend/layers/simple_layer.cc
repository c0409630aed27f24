// The implementation behind layers that are only a function.
#include "frontend/layers/simple_layer.h"

#include <fmt/format.h>

#include "core/error.h"

namespace sinter {
namespace {

class FunctionLayer : public LayerImpl {
 public:
  using Function = std::function<Symbol(std::span<const Symbol>)>;
  FunctionLayer(std::string class_name, const std::string& name, SourceLocation where, Config own,
                int min_inputs, int max_inputs, Function function)
      : LayerImpl(std::move(class_name), name, where),
        own_(std::move(own)),
        min_inputs_(min_inputs),
        max_inputs_(max_inputs),
        function_(std::move(function)) {}

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
      throw ShapeError(fmt::format("{}: takes {}{} input{}, given {}", title(),
                                   max_inputs_ > min_inputs_ ? "at least " : "", min_inputs_,
                                   min_inputs_ == 1 ? "" : "s", count));
    }
    return {function_(inputs)};
  }

 private:
  Config own_;
  int min_inputs_, max_inputs_;
  Function function_;
};

}  // namespace

std::shared_ptr<LayerImpl> simple_layer(std::string class_name, const std::string& name,
                                        SourceLocation where, Config own,
                                        std::function<Symbol(Symbol)> function) {
  return std::make_shared<FunctionLayer>(
      std::move(class_name), name, where, std::move(own), 1, 1,
      [function = std::move(function)](std::span<const Symbol> xs) { return function(xs[0]); });
}

std::shared_ptr<LayerImpl> joining_layer(std::string class_name, const std::string& name,
                                         SourceLocation where, Config own, int min_inputs,
                                         int max_inputs,
                                         std::function<Symbol(std::span<const Symbol>)> function) {
  return std::make_shared<FunctionLayer>(std::move(class_name), name, where, std::move(own),
                                         min_inputs, max_inputs, std::move(function));
}

}  // namespace sinter

// Input: where data enters a model.
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>

#include "frontend/layer.h"

namespace sinter {

struct InputOptions {
  std::optional<DType> dtype = std::nullopt;  // default: floatx()
  std::string name = "";                      // default: input_layer, input_layer_1 ...
};

/// A tensor [batch, shape...]. Raises ShapeError for dimensions that are not positive.
KerasTensor Input(Shape shape, InputOptions options = {},
                  SourceLocation where = SourceLocation::current());

/// Vectors: Input(784) is Input({784}).
template <std::integral T>
requires(!std::is_same_v<T, bool>) KerasTensor
    Input(T size, InputOptions options = {}, SourceLocation where = SourceLocation::current()) {
  return Input(Shape{static_cast<int64_t>(size)}, std::move(options), where);
}

/// The layer behind Input().
class InputLayerImpl : public LayerImpl {
 public:
  InputLayerImpl(Shape shape, InputOptions options, SourceLocation where);
  const ValueType& type() const { return type_; }
  Config config() const override;
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override;

 private:
  ValueType type_;  // with the batch dimension
};

}  // namespace sinter

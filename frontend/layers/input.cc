// The input layer and its settings.
#include "frontend/layers/input.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/sizes.h"
#include "frontend/layer_call.h"
#include "frontend/layers/registry.h"
#include "frontend/session.h"

namespace sinter {

InputLayerImpl::InputLayerImpl(Shape shape, InputOptions options, SourceLocation where)
    : LayerImpl("InputLayer", options.name, where) {
  std::vector<int64_t> dims = {kBatch};
  for (int64_t d : shape) {
    if (d <= 0) {
      throw ShapeError(fmt::format(
          "Input {}: shape {} holds {}; give the shape of one sample, without the batch",
          origin()->to_string(), shape.to_string(), d));
    }
    dims.push_back(d);
  }
  type_ = {options.dtype.value_or(floatx()), Shape(std::move(dims))};
  try {
    check_type(type_);
  } catch (const ShapeError& error) {
    throw ShapeError(fmt::format("Input {}: {}", origin()->to_string(), error.what()));
  }
  set_dtype(type_.dtype);
}

Config InputLayerImpl::config() const {
  ConfigList shape = {nullptr};
  for (int i = 1; i < type_.shape.rank(); ++i) shape.emplace_back(type_.shape[i]);
  return {{"batch_shape", shape}, {"dtype", std::string(dtype_name(type_.dtype))},
          {"sparse", false},      {"ragged", false},
          {"name", name()},       {"optional", false}};
}

std::vector<Symbol> InputLayerImpl::call(CallContext&, std::span<const Symbol>) {
  raise_internal("an input layer is never called", name());
}

KerasTensor Input(Shape shape, InputOptions options, SourceLocation where) {
  auto layer = std::make_shared<InputLayerImpl>(std::move(shape), std::move(options), where);
  auto call = std::make_shared<LayerCall>();
  call->layer = layer;
  call->index = layer->next_call_index();
  call->outputs = {layer->type()};
  call->origin = layer->origin();
  layer->remember(call);
  return KerasTensor(call, 0);
}

}  // namespace sinter

// Tensors of the functional API and the calls that made them.
#include "frontend/keras_tensor.h"

#include <fmt/format.h>

#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "core/release.h"
#include "frontend/layer.h"
#include "frontend/layer_call.h"

namespace sinter {

KerasTensor only_one(const std::vector<KerasTensor>& tensors, const char* kind,
                     const std::string& name, const char* what) {
  if (tensors.size() == 1) return tensors[0];
  throw Error(
      fmt::format("{} '{}' has {}: use {}s()", kind, name, counted(tensors.size(), what), what));
}

const ValueType& KerasTensor::type() const { return call_->outputs[static_cast<size_t>(index_)]; }
const Shape& KerasTensor::shape() const { return type().shape; }
DType KerasTensor::dtype() const { return type().dtype; }

LayerCall::~LayerCall() {
  std::vector<std::shared_ptr<const void>> held = {std::move(layer)};
  for (const KerasTensor& x : inputs) held.push_back(x.call());
  inputs.clear();
  release_in_turn(std::move(held));
}

KerasTensor::KerasTensor(std::shared_ptr<const LayerCall> call, int index)
    : call_(std::move(call)), index_(index) {
  if (index < 0 || static_cast<size_t>(index) >= call_->outputs.size())
    throw Error(fmt::format("a tensor of result {} of a call that has {}", index,
                            counted(call_->outputs.size(), "result")));
}
std::shared_ptr<const LayerCall> KerasTensor::call() const { return call_.shared(); }

KerasTensors::KerasTensors(const KerasTensors&) = default;
KerasTensors::KerasTensors(KerasTensors&&) noexcept = default;
KerasTensors& KerasTensors::operator=(const KerasTensors&) = default;
KerasTensors& KerasTensors::operator=(KerasTensors&&) noexcept = default;
KerasTensors::~KerasTensors() = default;
KerasTensors::KerasTensors(KerasTensor tensor) { tensors_.change().push_back(std::move(tensor)); }
KerasTensors::KerasTensors(std::vector<KerasTensor> tensors) {
  tensors_.change() = std::move(tensors);
}
KerasTensors::KerasTensors(std::initializer_list<KerasTensor> tensors) {
  tensors_.change() = tensors;
}
const std::vector<KerasTensor>& KerasTensors::list() const { return *tensors_; }

}  // namespace sinter

// A symbolic tensor of the functional API: its type and the layer call that made it. No graph yet:
// a Model builds one from calls.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/handle.h"
#include "core/symbol.h"

namespace sinter {

class LayerImpl;
struct LayerCall;

class KerasTensor {
 public:
  KerasTensor(std::shared_ptr<const LayerCall> call, int index);

  /// "[batch,784]".
  const Shape& shape() const;
  DType dtype() const;
  const ValueType& type() const;
  /// Result `index()` of `call()`.
  std::shared_ptr<const LayerCall> call() const;
  int index() const { return index_; }
  bool operator==(const KerasTensor& other) const = default;

 private:
  Handle<const LayerCall> call_;
  int index_ = 0;
};

/// One call of a layer on tensors. A layer that is called several times is shared: its calls have
/// the same weights.
struct LayerCall {
  LayerCall() = default;
  LayerCall(const LayerCall&) = delete;
  ~LayerCall();  // of chains of any length

  std::shared_ptr<LayerImpl> layer;
  int index = 0;  // among the calls of this layer
  std::vector<KerasTensor> inputs;
  std::vector<ValueType> outputs;
  std::shared_ptr<const Origin> origin;  // layer name and the user's line
};

/// One tensor or several, wherever Keras takes either.
class KerasTensors {
 public:
  KerasTensors(KerasTensor tensor);                // NOLINT
  KerasTensors(std::vector<KerasTensor> tensors);  // NOLINT
  KerasTensors(std::initializer_list<KerasTensor> tensors);
  const std::vector<KerasTensor>& list() const { return tensors_; }

 private:
  std::vector<KerasTensor> tensors_;
};

}  // namespace sinter

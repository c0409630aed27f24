// A symbolic tensor of the functional API: its type and the layer call that made it. No graph yet:
// a Model builds one from calls.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/handle.h"
#include "core/hidden.h"
#include "core/symbol.h"

namespace sinter {

struct LayerCall;

class KerasTensor {
 public:
  KerasTensor(std::shared_ptr<const LayerCall> call, int index);

  /// "[batch,784]".
  const Shape& shape() const;
  DType dtype() const;
  const ValueType& type() const;
  /// Result `index()` of `call()` (frontend/layer_call.h).
  std::shared_ptr<const LayerCall> call() const;
  int index() const { return index_; }
  bool operator==(const KerasTensor& other) const = default;

 private:
  Handle<const LayerCall> call_;
  int index_ = 0;
};

/// One tensor or several, wherever Keras takes either.
class KerasTensors {
 public:
  KerasTensors(const KerasTensors&);
  KerasTensors(KerasTensors&&) noexcept;
  KerasTensors& operator=(const KerasTensors&);
  KerasTensors& operator=(KerasTensors&&) noexcept;
  ~KerasTensors();
  KerasTensors(KerasTensor tensor);                // NOLINT
  KerasTensors(std::vector<KerasTensor> tensors);  // NOLINT
  KerasTensors(std::initializer_list<KerasTensor> tensors);
  const std::vector<KerasTensor>& list() const;

 private:
  Hidden<std::vector<KerasTensor>> tensors_;
};

}  // namespace sinter

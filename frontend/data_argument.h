// Data arguments of fit(), evaluate() and predict(): one tensor, or one for each input or output.
#pragma once

#include <initializer_list>
#include <vector>

#include "core/tensor.h"

namespace sinter {

class Data {
 public:
  Data() = default;
  Data(Tensor tensor);                // NOLINT
  Data(std::vector<Tensor> tensors);  // NOLINT
  Data(std::initializer_list<Tensor> tensors);
  const std::vector<Tensor>& list() const { return tensors_; }
  bool empty() const { return tensors_.empty(); }

 private:
  std::vector<Tensor> tensors_;
};

}  // namespace sinter

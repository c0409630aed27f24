// State that outlives a step: weights, moving averages, optimizer slots, the random counter. Owned
// by layers, optimizers and models; executables are bound to its buffer and update it in place.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "frontend/constraints.h"
#include "frontend/regularizers.h"

namespace sinter {

class WeightsLock;

struct Variable {
  Variable(std::string variable_name, std::string variable_path, Tensor initial, bool is_trainable)
      : name(std::move(variable_name)),
        path(std::move(variable_path)),
        value(std::move(initial)),
        trainable(is_trainable) {}

  /// Copies `source` into the buffer. Raises ShapeError naming the variable when dtype or shape
  /// differ.
  void assign(const Tensor& source);
  /// Tells executables that hold packed copies of this variable that it has changed.
  void touch() { changes.fetch_add(1, std::memory_order_relaxed); }

  std::string name;  // "kernel"
  std::string path;  // "dense/kernel"
  Tensor value;      // row-major; write to it through assign() only
  bool trainable;
  Regularizer regularizer;
  Constraint constraint;
  std::atomic<uint64_t> changes{0};
  std::shared_ptr<WeightsLock> lock;  // once somebody has asked for it (frontend/weights_lock.h)
};
using VariablePtr = std::shared_ptr<Variable>;

}  // namespace sinter

// State that outlives a step: weights, moving averages, optimizer slots, the random counter. Owned
// by layers, optimizers and models; executables are bound to its buffer and update it in place.
#pragma once

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
  /// In memory of its own: a copy of `initial` when somebody else holds that, too.
  Variable(std::string variable_name, std::string variable_path, Tensor initial, bool is_trainable);
  Variable(const Variable&) = delete;

  /// Copies `source` into the buffer, after the step, save or copy that another thread is in the
  /// middle of. Raises ShapeError naming the variable when shapes differ.
  void assign(const Tensor& source, SourceLocation where = SourceLocation::current());
  /// The same for who holds the lock of the variable.
  void put(const Tensor& source);
  /// Tells executables that hold packed copies of this variable that it has changed.
  void touch();
  /// How often it was touched.
  uint64_t changes() const;

  std::string name;  // "kernel"
  std::string path;  // "dense/kernel"
  Tensor value;      // row-major; write to it through assign() only
  bool trainable;
  Regularizer regularizer;
  Constraint constraint;
  std::shared_ptr<WeightsLock> lock;  // once somebody has asked for it (frontend/weights_lock.h)

 private:
  alignas(8) mutable uint64_t changes_ = 0;  // atomic
};
using VariablePtr = std::shared_ptr<Variable>;

/// The variable itself; an Error for an empty pointer, without a line.
Variable& checked_variable(const VariablePtr& variable);

/// What the state of random numbers is called in graphs and files; no weight is.
inline constexpr const char* kRandomState = "random_state";
/// {seed, step}, int64, both 0: not trained.
VariablePtr make_random_state();

}  // namespace sinter

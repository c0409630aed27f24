// Assignment with a check of the type.
#include "frontend/variable.h"

#include <fmt/format.h>

#include <atomic>

#include "core/error.h"
#include "frontend/origin.h"
#include "frontend/weights_lock.h"

namespace sinter {

Variable::Variable(std::string variable_name, std::string variable_path, Tensor initial,
                   bool is_trainable)
    : name(std::move(variable_name)),
      path(std::move(variable_path)),
      value(initial.is_shared() ? initial.clone() : std::move(initial)),
      trainable(is_trainable) {}

Variable& checked_variable(const VariablePtr& variable) {
  if (variable == nullptr) {
    throw Error(
        "an empty variable was used: add_weight() in build() makes it (a layer inside another is "
        "called with the context, layer(context, x), which builds it first)");
  }
  return *variable;
}

void Variable::touch() {
  std::atomic_ref<uint64_t>(changes_).fetch_add(1, std::memory_order_relaxed);
}

uint64_t Variable::changes() const {
  return std::atomic_ref<uint64_t>(changes_).load(std::memory_order_relaxed);
}

void Variable::assign(const Tensor& source, SourceLocation where) {
  at_line(where, [&] {
    const VariableGuard guard(*this);
    put(source);
  });
}

void Variable::put(const Tensor& source) {
  if (source.shape() != value.shape()) {
    throw ShapeError(fmt::format("weight '{}' has shape {}, the new value {}", path,
                                 value.shape().to_string(), source.shape().to_string()));
  }
  value.copy_from(source.cast(value.dtype()));
  touch();
}

VariablePtr make_random_state() {
  return std::make_shared<Variable>(kRandomState, kRandomState, Tensor(DType::kInt64, {2}), false);
}

}  // namespace sinter

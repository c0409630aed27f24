// What classes hold whose copies are the same object (layers, models, losses ...).
#pragma once

#include <memory>
#include <utility>

namespace sinter {

[[noreturn]] void raise_empty_handle();

/// A shared pointer without a moved-from state: moving copies, so what was moved from is still the
/// same object. Going through an empty one raises Error.
template <typename T>
class Handle {
 public:
  Handle() = default;
  Handle(std::shared_ptr<T> object) : object_(std::move(object)) {}  // NOLINT
  Handle(const Handle&) = default;
  Handle& operator=(const Handle&) = default;

  T* operator->() const { return &**this; }
  T& operator*() const {
    if (object_ == nullptr) raise_empty_handle();
    return *static_cast<T*>(const_cast<void*>(object_.get()));
  }
  std::shared_ptr<T> shared() const {
    return std::static_pointer_cast<T>(std::const_pointer_cast<void>(object_));
  }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(std::nullptr_t) const { return object_ == nullptr; }
  bool operator==(const Handle&) const = default;

 private:
  std::shared_ptr<const void> object_;  // of no type: programs include one kind, not one each
};

}  // namespace sinter

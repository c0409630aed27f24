// Members that a header need not show: programs that include it compile none of their types.
#pragma once

#include <utility>

namespace sinter {

/// A T that is copied, moved and destroyed with its owner, whose source alone knows what T is: the
/// owner's special members stand there. Before it is written to it is T(), at no cost.
template <typename T>
class Hidden {
 public:
  Hidden() = default;
  Hidden(const Hidden& other) : held_(other.held_ == nullptr ? nullptr : new T(*other.held_)) {}
  /// What was moved from is T().
  Hidden(Hidden&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  Hidden& operator=(Hidden other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~Hidden() { delete held_; }

  const T& operator*() const {
    static const T* const none = new T();  // never destroyed: others may still read it at the end
    return held_ == nullptr ? *none : *held_;
  }
  const T* operator->() const { return &**this; }
  /// The same, to be written to.
  T& change() {
    if (held_ == nullptr) held_ = new T();
    return *held_;
  }

 private:
  T* held_ = nullptr;
};

}  // namespace sinter

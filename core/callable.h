// Something that can be called: std::function without the cost of <functional>.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace sinter {

[[noreturn]] void raise_empty_callable();

template <typename Signature>
class Callable;

/// Copies have copies of what is called. Empty by default, from nullptr and from an empty function;
/// calling an empty one raises Error.
template <typename Result, typename... Arguments>
class Callable<Result(Arguments...)> {
 public:
  Callable() = default;
  Callable(std::nullptr_t) {}  // NOLINT
  template <typename F>
  requires(!std::is_same_v<F, Callable> && std::is_invocable_r_v<Result, F&, Arguments...>)
      Callable(F function) {  // NOLINT
    if constexpr (requires { function == nullptr; }) {
      if (function == nullptr) return;
    }
    held_ = new Holder<F>(std::move(function));
  }
  Callable(const Callable& other) : held_(other.held_ ? other.held_->copy() : nullptr) {}
  Callable(Callable&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  Callable& operator=(Callable other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~Callable() { delete held_; }

  explicit operator bool() const { return held_ != nullptr; }
  bool operator==(std::nullptr_t) const { return held_ == nullptr; }
  Result operator()(Arguments... arguments) const {
    if (held_ == nullptr) raise_empty_callable();
    return held_->call(std::forward<Arguments>(arguments)...);
  }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual Held* copy() const = 0;
    virtual Result call(Arguments... arguments) = 0;
  };
  template <typename F>
  struct Holder final : Held {
    explicit Holder(F f) : function(std::move(f)) {}
    Held* copy() const override { return new Holder(function); }
    Result call(Arguments... arguments) override {
      return static_cast<Result>(function(std::forward<Arguments>(arguments)...));
    }
    F function;
  };

  Held* held_ = nullptr;
};

}  // namespace sinter

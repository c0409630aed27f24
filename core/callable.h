// Something that can be called: std::function without the cost of <functional>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace sinter {

[[noreturn]] void raise_empty_callable();

/// Whether two functions are one, as far as can be told.
enum class Sameness { kSame, kDifferent, kUnknown };

namespace detail {

/// What a Callable holds, whatever its arguments.
class HeldFunction {
 public:
  virtual ~HeldFunction();
  virtual HeldFunction* copy() const = 0;
  Sameness compare(const HeldFunction& other) const;

 protected:
  HeldFunction();
  HeldFunction(const HeldFunction&) = default;
  virtual const void* kind() const = 0;  // one for each type
  virtual Sameness compare_with(const HeldFunction& same_kind) const = 0;

 private:
  uint64_t made_;  // a number of the first of all copies
};

template <typename F>
Sameness compare_functions(const F& a, const F& b) {
  if constexpr (std::is_empty_v<F>) {
    return Sameness::kSame;
  } else if constexpr (requires { Sameness(a.compare(b)); }) {
    return a.compare(b);
  } else if constexpr (requires { static_cast<bool>(a == b); }) {
    return a == b ? Sameness::kSame : Sameness::kDifferent;
  } else if constexpr (std::is_trivially_copyable_v<F>) {
    if (__builtin_memcmp(&a, &b, sizeof(F)) == 0) return Sameness::kSame;
    // Bytes between members may be anything.
    return std::has_unique_object_representations_v<F> ? Sameness::kDifferent : Sameness::kUnknown;
  } else {
    return Sameness::kUnknown;
  }
}

}  // namespace detail

/// A Callable without its signature.
class CallableBase {
 public:
  CallableBase() = default;
  CallableBase(const CallableBase& other);
  CallableBase(CallableBase&& other) noexcept : held_(other.held_) { other.held_ = nullptr; }
  CallableBase& operator=(CallableBase other) noexcept;
  ~CallableBase() { delete held_; }

  explicit operator bool() const { return held_ != nullptr; }
  bool operator==(std::nullptr_t) const { return held_ == nullptr; }
  /// Copies of a Callable are the same; so are two of one function, of one lambda without captures
  /// or with equal ones, and of objects that are equal. Different are two functions or types, and
  /// captures that cannot be equal. Of others nobody knows: two copies of one std::function, say.
  Sameness compare(const CallableBase& other) const;

 protected:
  detail::HeldFunction* held_ = nullptr;
};

template <typename Signature>
class Callable;

/// A pointer to a function, whatever it takes: as what tables find those of the library.
using AnyFunction = void (*)();
template <typename Result, typename... Arguments>
AnyFunction any_function(Result (*function)(Arguments...)) {
  return reinterpret_cast<AnyFunction>(function);
}

/// What arguments behind the symbols are where a function is given without them: Keras's defaults.
template <typename T>
inline constexpr T kDefaultArgument = T();
template <>
inline constexpr int kDefaultArgument<int> = -1;  // the last axis

/// `function` with its last arguments, of types `Further`, at their defaults.
template <typename... Further, typename Function>
auto with_defaults(Function* function) {
  if constexpr (sizeof...(Further) == 0)
    return function;
  else
    return [function](auto... first) { return function(first..., kDefaultArgument<Further>...); };
}

/// Copies have copies of what is called. Empty by default, from nullptr and from an empty function;
/// calling an empty one raises Error.
template <typename Result, typename... Arguments>
class Callable<Result(Arguments...)> : public CallableBase {
 public:
  Callable() = default;
  Callable(std::nullptr_t) {}  // NOLINT
  template <typename F>
  requires(!std::is_same_v<F, Callable> && std::is_invocable_r_v<Result, F&, Arguments...>)
      Callable(F function) {  // NOLINT
    // A lambda without captures becomes a pointer, too, which is never null.
    if constexpr (!std::is_empty_v<F> && requires { function == nullptr; }) {
      if (function == nullptr) return;
    }
    held_ = new Holder<F>(std::move(function));
  }

  Result operator()(Arguments... arguments) const {
    if (held_ == nullptr) raise_empty_callable();
    return static_cast<Held*>(held_)->call(std::forward<Arguments>(arguments)...);
  }

 private:
  struct Held : detail::HeldFunction {
    virtual Result call(Arguments... arguments) = 0;
  };
  template <typename F>
  struct Holder final : Held {
    explicit Holder(F f) : function(std::move(f)) {}
    detail::HeldFunction* copy() const override { return new Holder(*this); }
    Result call(Arguments... arguments) override {
      return static_cast<Result>(function(std::forward<Arguments>(arguments)...));
    }
    const void* kind() const override { return &kKind; }
    Sameness compare_with(const detail::HeldFunction& other) const override {
      return detail::compare_functions(function, static_cast<const Holder&>(other).function);
    }
    static constexpr char kKind = 0;  // its address
    F function;
  };
};

}  // namespace sinter

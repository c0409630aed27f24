// Something that can be called: std::function without the cost of <functional>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace sinter {

[[noreturn]] void raise_empty_callable();
/// A number that is different at each call.
uint64_t next_callable();

/// Whether two functions are one, as far as can be told.
enum class Sameness { kSame, kDifferent, kUnknown };

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
  /// Copies of a Callable are the same; so are two of one function, of one lambda without captures
  /// or with equal ones, and of objects that are equal. Different are two functions or types, and
  /// captures that cannot be equal. Of others nobody knows: two copies of one std::function, say.
  Sameness compare(const Callable& other) const {
    if (held_ == nullptr || other.held_ == nullptr)
      return held_ == other.held_ ? Sameness::kSame : Sameness::kDifferent;
    return held_->compare(*other.held_);
  }

 private:
  struct Held {
    explicit Held(uint64_t number) : made(number) {}
    virtual ~Held() = default;
    virtual Held* copy() const = 0;
    virtual Result call(Arguments... arguments) = 0;
    virtual const void* kind() const = 0;
    virtual Sameness compare(const Held& other) const = 0;
    uint64_t made;  // of the first of all copies
  };
  template <typename F>
  struct Holder final : Held {
    explicit Holder(F f, uint64_t number = next_callable())
        : Held(number), function(std::move(f)) {}
    Held* copy() const override { return new Holder(function, this->made); }
    Result call(Arguments... arguments) override {
      return static_cast<Result>(function(std::forward<Arguments>(arguments)...));
    }
    const void* kind() const override { return &kKind; }
    Sameness compare(const Held& other) const override {
      if (this->made == other.made) return Sameness::kSame;
      if (kind() != other.kind()) return Sameness::kDifferent;
      [[maybe_unused]] const F& that = static_cast<const Holder&>(other).function;
      if constexpr (std::is_empty_v<F>) {
        return Sameness::kSame;
      } else if constexpr (requires { Sameness(function.compare(that)); }) {
        return function.compare(that);
      } else if constexpr (requires { static_cast<bool>(function == that); }) {
        return function == that ? Sameness::kSame : Sameness::kDifferent;
      } else if constexpr (std::is_trivially_copyable_v<F>) {
        if (__builtin_memcmp(&function, &that, sizeof(F)) == 0) return Sameness::kSame;
        // Bytes between members may be anything.
        return std::has_unique_object_representations_v<F> ? Sameness::kDifferent
                                                           : Sameness::kUnknown;
      } else {
        return Sameness::kUnknown;
      }
    }
    static constexpr char kKind = 0;  // its address
    F function;
  };

  Held* held_ = nullptr;
};

}  // namespace sinter

// What callables of all signatures share.
#include "core/callable.h"

#include <atomic>
#include <utility>

#include "core/error.h"

namespace sinter {
namespace detail {
namespace {

uint64_t next_number() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

}  // namespace

HeldFunction::HeldFunction() : made_(next_number()) {}
HeldFunction::~HeldFunction() = default;

Sameness HeldFunction::compare(const HeldFunction& other) const {
  if (made_ == other.made_) return Sameness::kSame;
  return kind() == other.kind() ? compare_with(other) : Sameness::kDifferent;
}

}  // namespace detail

CallableBase::CallableBase(const CallableBase& other)
    : held_(other.held_ == nullptr ? nullptr : other.held_->copy()) {}

CallableBase& CallableBase::operator=(CallableBase other) noexcept {
  std::swap(held_, other.held_);
  return *this;
}

Sameness CallableBase::compare(const CallableBase& other) const {
  if (held_ == nullptr || other.held_ == nullptr)
    return held_ == other.held_ ? Sameness::kSame : Sameness::kDifferent;
  return held_->compare(*other.held_);
}

void raise_empty_callable() { throw Error("an empty function was called"); }

}  // namespace sinter

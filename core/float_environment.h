// How floating-point numbers are rounded is a setting of the thread, and users' code may have
// changed it.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace sinter {

/// While one lives, its thread computes as programs do when they start: rounds to nearest, keeps
/// subnormals, raises no signals. Then what was set before holds again.
class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

#if defined(__SSE2__)
  // All computing is done with SSE and AVX, never by the x87 unit, which has settings of its own.
  DefaultFloatEnvironment() : saved_(_mm_getcsr()) {
    if (is_changed()) _mm_setcsr(kDefault);
  }
  ~DefaultFloatEnvironment() {
    if (is_changed()) _mm_setcsr(saved_);
  }

 private:
  static constexpr unsigned kDefault = 0x1f80, kFlags = 0x3f;  // flags: what has happened so far
  bool is_changed() const { return (saved_ & ~kFlags) != kDefault; }
  unsigned saved_;
#else
  DefaultFloatEnvironment() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatEnvironment() { std::fesetenv(&saved_); }

 private:
  std::fenv_t saved_;
#endif
};

}  // namespace sinter

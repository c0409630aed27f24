// Sizes from which kernels are made in another way: values beyond the caches, sums deeper than a
// register can take, work worth a second thread.
#pragma once

#include <type_traits>

namespace sinter {

/// `usual`; in a build with SINTER_SMALL_LIMITS `small`, so that the small values of random graphs
/// (tests/fuzz) come to all code there is. Such a build is right, not fast.
template <typename T>
constexpr T limit([[maybe_unused]] T usual, [[maybe_unused]] std::type_identity_t<T> small) {
#ifdef SINTER_SMALL_LIMITS
  return small;
#else
  return usual;
#endif
}

}  // namespace sinter

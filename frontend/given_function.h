// Functions of the user's own: an empty one is refused where it is given, not where it is called.
#pragma once

#include <type_traits>
#include <utility>

#include "core/source_location.h"

namespace sinter {

/// Raises Error "an empty function was given as <what>", with the line in front.
[[noreturn]] void raise_empty_function(const char* what, SourceLocation where);

/// `function` itself: a Callable or a pointer, given as `what`. Raises Error when it is empty.
template <typename Function>
Function given(Function function, const char* what, SourceLocation where) {
  if (function == nullptr) raise_empty_function(what, where);
  return function;
}

/// A To of a From, with the line where To takes one.
template <typename To, typename From>
To made_at(From from, SourceLocation where) {
  if constexpr (!std::is_base_of_v<To, From> && std::is_constructible_v<To, From, SourceLocation>)
    return To(std::move(from), where);
  else
    return To(std::move(from));
}

}  // namespace sinter

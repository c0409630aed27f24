// The concept "one of these types".
#pragma once

#include <type_traits>

namespace sinter {

template <typename T, typename... Others>
concept OneOf = (std::is_same_v<T, Others> || ...);

}  // namespace sinter

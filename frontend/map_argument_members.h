// The members of MapArgument, for the one source of each kind of them.
#pragma once

#include "frontend/map_argument.h"

namespace sinter {

template <typename K, typename V, typename L>
MapArgument<K, V, L>::MapArgument() = default;
template <typename K, typename V, typename L>
MapArgument<K, V, L>::MapArgument(const MapArgument&) = default;
template <typename K, typename V, typename L>
MapArgument<K, V, L>::MapArgument(MapArgument&&) noexcept = default;
template <typename K, typename V, typename L>
MapArgument<K, V, L>& MapArgument<K, V, L>::operator=(const MapArgument&) = default;
template <typename K, typename V, typename L>
MapArgument<K, V, L>& MapArgument<K, V, L>::operator=(MapArgument&&) noexcept = default;
template <typename K, typename V, typename L>
MapArgument<K, V, L>::~MapArgument() = default;
template <typename K, typename V, typename L>
MapArgument<K, V, L>::MapArgument(Map values) {
  values_.change() = std::move(values);
}
template <typename K, typename V, typename L>
MapArgument<K, V, L>::MapArgument(std::initializer_list<std::pair<const K, V>> values) {
  values_.change() = values;
}
template <typename K, typename V, typename L>
MapArgument<K, V, L>::operator const std::map<K, V, L>&() const {
  return *values_;
}
template <typename K, typename V, typename L>
bool MapArgument<K, V, L>::empty() const {
  return values_->empty();
}

}  // namespace sinter

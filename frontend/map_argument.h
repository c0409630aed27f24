// Values by keys as an argument: a std::map that headers need not compile.
#pragma once

#include <initializer_list>
#include <map>
#include <utility>

#include "core/hidden.h"

namespace sinter {

/// `{{0, 1.0}, {1, 5.0}}`, or a std::map. What its members do stands in map_argument_members.h, for
/// the source that makes them.
template <typename Key, typename Value, typename Less = std::less<Key>>
class MapArgument {
 public:
  using Map = std::map<Key, Value, Less>;

  MapArgument();
  MapArgument(const MapArgument&);
  MapArgument(MapArgument&&) noexcept;
  MapArgument& operator=(const MapArgument&);
  MapArgument& operator=(MapArgument&&) noexcept;
  ~MapArgument();
  MapArgument(Map values);  // NOLINT
  MapArgument(std::initializer_list<std::pair<const Key, Value>> values);
  operator const Map&() const;  // NOLINT
  bool empty() const;

 private:
  Hidden<Map> values_;
};

}  // namespace sinter

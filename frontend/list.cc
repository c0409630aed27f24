// Places in lists.
#include "frontend/list.h"

#include <fmt/format.h>

#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"

namespace sinter {

size_t place_in_list(const ListIndex& index, size_t size) {
  const auto count = static_cast<int64_t>(size);
  const int64_t place = index.index < 0 ? index.index + count : index.index;
  if (place >= 0 && place < count) return static_cast<size_t>(place);
  throw Error(with_line(
      index.where,
      fmt::format(
          "there is no element {} in a list of {}{}", index.index, counted(size, "element"),
          size == 0 ? "" : fmt::format(": 0 to {}, or -1 to -{} from the end", size - 1, size))));
}

}  // namespace sinter

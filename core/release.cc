// What waits to be let go, in each thread.
#include "core/release.h"

#include <iterator>
#include <utility>

namespace sinter {
namespace {

using Objects = std::vector<std::shared_ptr<const void>>;

thread_local Objects* waiting = nullptr;

}  // namespace

void release_in_turn(Objects&& objects) noexcept {
  if (waiting != nullptr) {
    try {
      waiting->insert(waiting->end(), std::make_move_iterator(objects.begin()),
                      std::make_move_iterator(objects.end()));
    } catch (...) {
      objects.clear();  // without memory for the list: within
    }
    return;
  }
  Objects own = std::move(objects);
  waiting = &own;
  while (!own.empty()) {
    const std::shared_ptr<const void> next = std::move(own.back());
    own.pop_back();
  }
  waiting = nullptr;
}

}  // namespace sinter

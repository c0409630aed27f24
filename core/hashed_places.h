// Finding places in a list by the hash of what stands there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/hash.h"

namespace sinter {

/// A hash table of places: what stands there is kept, and compared, by the owner.
class HashedPlaces {
 public:
  /// The place that was inserted with this hash and for which `equal(place)` holds, or -1.
  template <typename Equal>
  int32_t find(size_t hash, const Equal& equal) const {
    if (slots_.empty()) return -1;
    for (size_t i = first(hash);; i = (i + 1) & mask()) {
      const Slot& slot = slots_[i];
      if (slot.place < 0) return -1;
      if (slot.hash == hash && equal(slot.place)) return slot.place;
    }
  }
  void insert(size_t hash, int32_t place) {
    if (2 * (used_ + 1) > slots_.size()) grow();
    put({hash, place});
    ++used_;
  }
  void clear() {
    slots_.clear();
    used_ = 0;
  }

 private:
  struct Slot {
    size_t hash = 0;
    int32_t place = -1;
  };
  size_t mask() const { return slots_.size() - 1; }
  // Where the search starts. Spread: hashes that follow one another (node indices) would make long
  // runs of used slots, and the next ones go through them whole.
  size_t first(size_t hash) const { return hash_word(0, hash) & mask(); }
  void put(Slot slot) {
    size_t i = first(slot.hash);
    while (slots_[i].place >= 0) i = (i + 1) & mask();
    slots_[i] = slot;
  }
  void grow() {
    const std::vector<Slot> old = std::move(slots_);
    slots_.assign(old.empty() ? 16 : 2 * old.size(), {});
    for (const Slot& slot : old) {
      if (slot.place >= 0) put(slot);
    }
  }

  std::vector<Slot> slots_;  // a power of two of them, at most half of them used
  size_t used_ = 0;
};

}  // namespace sinter

// A step over 15 MiB of weights and optimizer state is 4 % faster on huge pages: prefetchers stop
// at the end of a page, and a core keeps the addresses of 12 MiB of plain pages at most.
#include "core/tensor_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <new>
#include <vector>

#include "core/fork.h"

namespace sinter {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr size_t kPage = 4096, kHugePage = size_t{1} << 21;
constexpr size_t kFromPages = size_t{1} << 16;  // from here on not from the heap
constexpr size_t kShared = 2 * kHugePage;       // below it huge pages are shared
constexpr size_t kOnPlainPages = kHugePage;     // so much of tensors that could share
constexpr size_t kRegion = 8 * kHugePage;
// A weight and its optimizer's state are walked together: were they a whole number of pages apart,
// the same rows of all would lie in the same sets of the first-level cache (1 to 2 % of a step).
constexpr size_t kStagger = 13 * 64;

std::atomic<int64_t> heap_bytes = 0, page_bytes = 0;  // that tensors hold

// Counted as long as it lives.
class Counted {
 public:
  Counted(std::atomic<int64_t>& total, size_t bytes)
      : total_(total), bytes_(static_cast<int64_t>(bytes)) {
    total_.fetch_add(bytes_, std::memory_order_relaxed);
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { total_.fetch_sub(bytes_, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t>& total_;
  int64_t bytes_;
};

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// Zero pages, none of them present yet.
class Mapping {
 public:
  explicit Mapping(size_t bytes) : bytes_(bytes) {
    base_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED) throw std::bad_alloc();
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { ::munmap(base_, bytes_); }

  std::byte* base() const { return static_cast<std::byte*>(base_); }

  // The part that begins at a huge page.
  std::byte* huge(size_t bytes) const {
    void* memory = base_;
    size_t space = bytes_;
    std::align(kHugePage, bytes, memory, space);
    ::madvise(memory, bytes, MADV_HUGEPAGE);  // a system without such pages gives plain ones
    return static_cast<std::byte*>(memory);
  }

 private:
  void* base_;
  size_t bytes_;
};

// Those of one tensor.
struct OwnPages {
  OwnPages(size_t mapped, size_t bytes) : mapping(mapped), counted(page_bytes, bytes) {}
  Mapping mapping;
  Counted counted;
};

// Asking for all pages at once costs half of what it costs to touch them one by one.
void populate(std::byte* memory, size_t bytes) {
  const size_t before = reinterpret_cast<uintptr_t>(memory) % kPage;  // on the same page
  ::madvise(memory - before, bytes + before, MADV_POPULATE_WRITE);
}

// Some huge pages, given out piece by piece: the first free piece that is large enough.
class Region {
 public:
  Region() : mapping_(kRegion + kHugePage), begin_(mapping_.huge(kRegion)) { free_[0] = kRegion; }

  // Null when there is no such piece.
  std::byte* take(size_t bytes) {
    const auto piece =
        std::ranges::find_if(free_, [&](const auto& f) { return f.second >= bytes; });
    if (piece == free_.end()) return nullptr;
    const auto [offset, size] = *piece;
    free_.erase(piece);
    if (size > bytes) free_[offset + bytes] = size - bytes;
    std::byte* memory = begin_ + offset;
    const size_t used = std::min(fresh_ - offset, bytes);
    std::memset(memory, 0, used);
    populate(memory + used, bytes - used);
    fresh_ = std::max(fresh_, offset + bytes);
    return memory;
  }

  bool holds(const std::byte* memory) const {
    return memory >= begin_ && memory < begin_ + kRegion;
  }

  void give_back(const std::byte* memory, size_t bytes) {
    const auto piece = free_.emplace(static_cast<size_t>(memory - begin_), bytes).first;
    const auto joins = [](auto a, auto b) { return a->first + a->second == b->first; };
    if (const auto next = std::next(piece); next != free_.end() && joins(piece, next)) {
      piece->second += next->second;
      free_.erase(next);
    }
    if (piece == free_.begin()) return;
    if (const auto before = std::prev(piece); joins(before, piece)) {
      before->second += piece->second;
      free_.erase(piece);
    }
  }

  bool empty() const { return free_.size() == 1 && free_.begin()->second == kRegion; }

 private:
  Mapping mapping_;
  std::byte* begin_;
  std::map<size_t, size_t> free_;  // bytes by offset; no two touch
  size_t fresh_ = 0;               // from this offset on nobody had the memory: it is zero
};

class SharedPages {
 public:
  std::shared_ptr<void> allocate(size_t bytes) {
    if (plain_ + bytes <= kOnPlainPages) {
      auto pages = std::make_shared<PlainPages>(plain_, bytes);
      std::byte* memory = pages->begin();
      return {std::move(pages), memory};
    }
    const size_t whole = round_up(bytes, kPage) + kStagger;
    page_bytes.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
    return {take(whole), [this, whole, bytes](void* p) {
              page_bytes.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
              release(static_cast<std::byte*>(p), whole);
            }};
  }

 private:
  class PlainPages {
   public:
    PlainPages(std::atomic<size_t>& held, size_t bytes)
        : mapping_(bytes), counted_(page_bytes, bytes), held_(held), bytes_(bytes) {
      populate(mapping_.base(), bytes);
      held_ += bytes;
    }
    PlainPages(const PlainPages&) = delete;
    PlainPages& operator=(const PlainPages&) = delete;
    ~PlainPages() { held_ -= bytes_; }
    std::byte* begin() const { return mapping_.base(); }

   private:
    Mapping mapping_;
    Counted counted_;
    std::atomic<size_t>& held_;
    size_t bytes_;
  };

  std::byte* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    for (const auto& region : regions_) {
      if (std::byte* memory = region->take(bytes)) return memory;
    }
    return regions_.emplace_back(std::make_unique<Region>())->take(bytes);
  }

  // The last region stays: one that comes and goes with a single tensor would be mapped each time.
  void release(const std::byte* memory, size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto region =
        std::ranges::find_if(regions_, [&](const auto& r) { return r->holds(memory); });
    (*region)->give_back(memory, bytes);
    if ((*region)->empty() && regions_.size() > 1) regions_.erase(region);
  }

  std::atomic<size_t> plain_ = 0;  // bytes on plain pages
  ForkMutex mutex_;                // over the regions
  std::vector<std::unique_ptr<Region>> regions_;
};

// Never destroyed: a tensor may be freed when the program ends, after everything else.
SharedPages& shared_pages() {
  static SharedPages* const pages = new SharedPages;
  return *pages;
}

}  // namespace

std::shared_ptr<void> allocate_tensor_memory(size_t bytes) {
  if (bytes < kFromPages) {
    // A few bytes of slack keep the pointer valid for zero-sized tensors.
    void* memory = ::operator new(bytes + 64, kAlignment);
    std::memset(memory, 0, bytes);
    heap_bytes.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
    return {memory, [bytes](void* p) {
              heap_bytes.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
              ::operator delete(p, kAlignment);
            }};
  }
  if (bytes < kShared) return shared_pages().allocate(bytes);
  auto pages = std::make_shared<OwnPages>(bytes + kHugePage, bytes);
  std::byte* memory = pages->mapping.huge(bytes);
  populate(memory, bytes);
  return {std::move(pages), memory};
}

std::shared_ptr<void> reserve_tensor_memory(size_t bytes) {
  if (bytes < kFromPages) return allocate_tensor_memory(bytes);
  auto pages = std::make_shared<OwnPages>(bytes, bytes);
  void* memory = pages->mapping.base();
  return {std::move(pages), memory};
}

TensorMemory tensor_memory() {
  return {heap_bytes.load(std::memory_order_relaxed), page_bytes.load(std::memory_order_relaxed)};
}

}  // namespace sinter

#include "tests/unit/runtime/allocations.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
std::atomic<int64_t> count{0}, bytes{0};

void* noted(void* p) {
  if (p == nullptr) throw std::bad_alloc();
  count.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(static_cast<int64_t>(::malloc_usable_size(p)), std::memory_order_relaxed);
  return p;
}
void free_noted(void* p) {
  bytes.fetch_sub(static_cast<int64_t>(::malloc_usable_size(p)), std::memory_order_relaxed);
  std::free(p);
}
}  // namespace

void* operator new(std::size_t n) { return noted(std::malloc(n == 0 ? 1 : n)); }
void* operator new(std::size_t n, std::align_val_t alignment) {
  const auto a = static_cast<std::size_t>(alignment);
  return noted(std::aligned_alloc(a, (n + a) / a * a));
}
void operator delete(void* p) noexcept { free_noted(p); }
void operator delete(void* p, std::size_t) noexcept { free_noted(p); }
void operator delete(void* p, std::align_val_t) noexcept { free_noted(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { free_noted(p); }

int64_t sinter::allocation_count() { return count.load(std::memory_order_relaxed); }
int64_t sinter::allocated_bytes() { return bytes.load(std::memory_order_relaxed); }

#else

int64_t sinter::allocation_count() { return -1; }
int64_t sinter::allocated_bytes() { return -1; }

#endif

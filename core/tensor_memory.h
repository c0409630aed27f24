// Where the elements of tensors lie: on the heap, on pages of their own, or on huge pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sinter {

/// `bytes` zero bytes, aligned to a cache line. Thread-safe.
///
/// By size: below 64 KiB from the heap. From 4 MiB on their own huge pages (2 MiB each, where the
/// system offers them). In between on plain pages while such tensors hold less than 2 MiB in all,
/// so that a program which loads a small model asks for no more than it needs; what a training
/// step walks through beyond that, weights and the optimizer's state, lies close together on huge
/// pages that the tensors share. Raises std::bad_alloc.
std::shared_ptr<void> allocate_tensor_memory(size_t bytes);

/// The same for elements that are likely never touched: pages come when they are.
std::shared_ptr<void> reserve_tensor_memory(size_t bytes);

/// Bytes of elements that live tensors have in this process.
struct TensorMemory {
  int64_t on_heap = 0, on_pages = 0;
  int64_t total() const { return on_heap + on_pages; }
};
TensorMemory tensor_memory();

}  // namespace sinter

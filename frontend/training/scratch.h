// Memory that calls use for a moment: asking the system for it anew costs more than most of them.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "core/fork.h"
#include "core/tensor.h"

namespace sinter {

class ScratchPool {
 public:
  /// A block of the pool, until the end of the scope.
  class Block {
   public:
    Block(ScratchPool& pool, Tensor memory) : pool_(pool), memory_(std::move(memory)) {}
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() { pool_.give_back(std::move(memory_)); }
    std::byte* begin() const { return static_cast<std::byte*>(memory_.raw()); }

   private:
    ScratchPool& pool_;
    mutable Tensor memory_;
  };

  /// At least `bytes`, aligned as a tensor is, with any content. Raises MemoryError.
  Block take(int64_t bytes) { return Block(*this, found(bytes)); }

 private:
  static constexpr size_t kMostKept = 8;  // as many calls at once find one each

  Tensor found(int64_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        Tensor last = std::move(free_.back());
        free_.pop_back();
        if (last.bytes() >= bytes) return last;
      }
    }
    return Tensor::placeholder(DType::kUint8, {bytes});
  }

  void give_back(Tensor memory) {
    const std::lock_guard lock(mutex_);
    if (free_.size() < kMostKept) free_.push_back(std::move(memory));
  }

  ForkMutex mutex_;
  std::vector<Tensor> free_;
};

}  // namespace sinter

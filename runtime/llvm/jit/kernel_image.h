// A compiled kernel as position-independent bytes, and how such bytes become callable functions. No
// LLVM: a program whose kernels are all in the cache loads them by this file alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter::codegen {

/// The parts of an image. `code` holds instructions and constants; every reference inside of it is
/// relative and resolved already.
struct KernelImage {
  /// Offsets in `code` are multiples of this, counted from a place aligned to it.
  static constexpr size_t kAlignment = 64;

  /// A slot of eight bytes in `code` that takes the address of a function of this process.
  struct Import {
    uint32_t function = 0;  // as import_number() counts
    uint32_t slot = 0;      // offset in `code`
  };

  /// Where a section of `object` lies in `code`.
  struct Section {
    uint32_t number = 0, offset = 0;
  };

  std::vector<uint32_t> functions;  // offset of each function in `code`
  std::vector<Import> imports;
  std::string code;
  // For a debugger (jit/kernel_debug.h); empty otherwise, and in the cache on disk always.
  std::vector<Section> sections;
  std::string object;

  std::string to_bytes() const;
  /// Nothing when the bytes are no image: every count, size and offset is checked.
  static std::optional<KernelImage> parse(std::string_view bytes);
};

/// The number of a function that kernels may call (of libm, memcpy and its like), by name.
std::optional<uint32_t> import_number(std::string_view name);

/// Functions of an image in memory that may be executed, for as long as this object lives.
class LoadedKernel {
 public:
  size_t functions() const { return functions_.size(); }
  void* function(size_t index) const { return functions_[index]; }

 private:
  friend std::vector<std::shared_ptr<const LoadedKernel>> load_kernels(
      std::span<const KernelImage> images);
  class Memory;
  std::shared_ptr<const Memory> memory_;
  std::vector<void*> functions_;
};

/// Places images side by side in one mapping. Raises Error when the system gives no memory that may
/// be executed.
std::vector<std::shared_ptr<const LoadedKernel>> load_kernels(std::span<const KernelImage> images);

}  // namespace sinter::codegen

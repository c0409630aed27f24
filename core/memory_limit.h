// How much memory Sinter may ask for: what asks for more raises MemoryError, which says what needs
// how much, before the system ends the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace sinter {

/// More memory than the limit of this process, or than the system gives.
class MemoryError : public Error {
 public:
  using Error::Error;
};

/// Bytes: what the environment variable SINTER_MEMORY_LIMIT says ("6000000000", "512M", "1.5G": K,
/// M, G and T are powers of 1024), else the memory of the machine or that of its control group,
/// whichever is less. Raises Error when the variable does not say an amount.
int64_t memory_limit();

/// Bytes of "6000000000", "512M", "1.5G" (K, M, G and T are powers of 1024). Raises Error, which
/// says what `what` is, for any other text.
int64_t memory_amount(std::string_view text, std::string_view what);

/// "9.0 GiB", "12 bytes".
std::string memory_text(int64_t bytes);

/// Raises MemoryError when `bytes` are more than the limit: "what needs 9.0 GiB ...".
void check_memory(int64_t bytes, std::string_view what);

}  // namespace sinter

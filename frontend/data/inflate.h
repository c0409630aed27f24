// Unpacks zlib and gzip data: the one door to zlib.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sinter::datasets {

/// Nothing when the data is damaged, cut short, or unpacks to more than about `limit` bytes (a bomb
/// stops there).
std::optional<std::string> inflate(std::string_view packed, size_t limit);

}  // namespace sinter::datasets

// Texts that errors quote.
#pragma once

#include <string>
#include <string_view>

namespace sinter {

/// `text`, without its middle when it is longer than `longest` bytes (at least 100): what was left
/// out is counted. UTF-8 is cut between characters.
std::string shortened(std::string_view text, size_t longest = 2000);

}  // namespace sinter

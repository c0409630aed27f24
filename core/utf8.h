// UTF-8, which names have to be: JSON has no other text.
#pragma once

#include <string_view>

namespace sinter {

/// Whether `text` is UTF-8 as of Unicode 15, table 3-7: no overlong forms, no surrogates, nothing
/// beyond U+10FFFF.
bool is_utf8(std::string_view text);

/// Raises Error "`what`: the name '\xff\xfe' is not UTF-8, ..." unless `name` is. Files would hold
/// another name.
void check_name(std::string_view what, std::string_view name);

}  // namespace sinter

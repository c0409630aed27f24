// UTF-8, which names have to be: JSON has no other text.
#pragma once

#include <cstddef>
#include <string_view>

namespace sinter {

/// Whether `text` is UTF-8 as of Unicode 15, table 3-7: no overlong forms, no surrogates, nothing
/// beyond U+10FFFF.
bool is_utf8(std::string_view text);

/// How many columns of a terminal `text` takes: two for a wide letter (of East Asia), none for one
/// that combines with the one before, one for a byte that is no UTF-8.
size_t columns_of(std::string_view text);
/// As many whole letters from the beginning of `text` as `columns` have room for.
std::string_view first_columns(std::string_view text, size_t columns);

/// Raises Error "`what`: the name '\xff\xfe' is not UTF-8, ..." unless `name` is. Files would hold
/// another name.
void check_name(std::string_view what, std::string_view name);

}  // namespace sinter

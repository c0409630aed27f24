// Warnings: something was left out or done in another way than asked, and the program goes on.
#pragma once

#include <string>
#include <string_view>

namespace sinter {

/// Writes "sinter: <text>" to standard error, once in a process for each `kind`.
void warn_once(std::string_view kind, const std::string& text);

}  // namespace sinter

#include "frontend/origin.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/error.h"
#include "frontend/given_function.h"

namespace sinter {

std::shared_ptr<const Origin> origin_at(const std::string& layer, SourceLocation where) {
  return std::make_shared<const Origin>(
      Origin{layer, std::filesystem::path(where.file_name()).filename().string(),
             static_cast<int32_t>(where.line())});
}

void raise_unknown_name(std::string_view kind, std::string_view name,
                        std::vector<std::string> known, SourceLocation where) {
  try {
    raise_unknown_name(kind, name, std::move(known));
  } catch (const Error&) {
    rethrow_with_line(where);
  }
}

void raise_empty_function(const char* what, SourceLocation where) {
  throw Error(with_line(where, fmt::format("an empty function was given as {}", what)));
}

}  // namespace sinter

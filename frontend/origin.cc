#include "frontend/origin.h"

#include <fmt/format.h>

#include <filesystem>

namespace sinter {

std::shared_ptr<const Origin> origin_at(const std::string& layer, SourceLocation where) {
  return std::make_shared<const Origin>(
      Origin{layer, std::filesystem::path(where.file_name()).filename().string(),
             static_cast<int32_t>(where.line())});
}

std::string line_of(SourceLocation where) {
  if (where.line() == 0) return "";
  const Origin origin = *origin_at("", where);
  return fmt::format("{}:{}", origin.file, origin.line);
}

}  // namespace sinter

#include "frontend/origin.h"

#include <fmt/format.h>

#include <filesystem>
#include <typeinfo>

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

std::string with_line(SourceLocation where, const std::string& text) {
  const std::string line = line_of(where);
  const bool named = text.starts_with(line + ":") || text.find("(" + line + ")") < text.size();
  return line.empty() || named ? text : fmt::format("{}: {}", line, text);
}

void rethrow_with_line(SourceLocation where) {
  try {
    throw;
  } catch (const Error& error) {
    const std::string text = with_line(where, error.what());
    const std::type_info& type = typeid(error);
    if (type == typeid(NameError)) throw NameError(text);
    if (type == typeid(ShapeError)) throw ShapeError(text);
    if (type == typeid(ParseError)) throw ParseError(text);
    if (type == typeid(FileError)) throw FileError(text);
    if (type == typeid(Error)) throw Error(text);
    throw;
  }
}

void raise_unknown_name(std::string_view kind, std::string_view name,
                        std::vector<std::string> known, SourceLocation where) {
  try {
    raise_unknown_name(kind, name, std::move(known));
  } catch (const Error&) {
    rethrow_with_line(where);
  }
}

}  // namespace sinter

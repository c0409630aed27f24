#include "core/line.h"

#include <fmt/format.h>

#include <filesystem>
#include <typeinfo>

#include "core/memory_limit.h"

namespace sinter {

std::string line_of(SourceLocation where) {
  if (where.line() == 0) return "";
  return fmt::format("{}:{}", std::filesystem::path(where.file_name()).filename().string(),
                     where.line());
}

std::string with_line(SourceLocation where, const std::string& text) {
  const std::string line = line_of(where);
  const bool named = text.starts_with(line + ":") || text.find("(" + line + ")") < text.size();
  return line.empty() || named ? text : fmt::format("{}: {}", line, text);
}

std::string named_with_line(std::string_view name, SourceLocation where) {
  const std::string line = line_of(where);
  return line.empty() ? std::string(name) : fmt::format("{} ({})", name, line);
}

void rethrow_as(const Error& error, const std::string& text) {
  const std::type_info& type = typeid(error);
  if (type == typeid(NameError)) throw NameError(text);
  if (type == typeid(ShapeError)) throw ShapeError(text);
  if (type == typeid(ParseError)) throw ParseError(text);
  if (type == typeid(FileError)) throw FileError(text);
  if (type == typeid(MemoryError)) throw MemoryError(text);
  if (type == typeid(Error)) throw Error(text);
  throw;
}

void rethrow_with_line(SourceLocation where) {
  try {
    throw;
  } catch (const Error& error) {
    rethrow_as(error, with_line(where, error.what()));
  }
}

}  // namespace sinter

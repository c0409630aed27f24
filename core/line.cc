#include "core/line.h"

#include <fmt/format.h>

#include <filesystem>
#include <typeinfo>

#include "core/memory_limit.h"

namespace sinter {
namespace {

bool begins_with(const std::string& text, const std::string& line) {
  return text.starts_with(line + ":");
}
bool names(const std::string& text, const std::string& line) {
  return text.find("(" + line + ")") < text.size();
}

constexpr const char* kInTheCall = "in the call of ";

}  // namespace

std::string line_of(SourceLocation where) {
  if (where.line() == 0) return "";
  return fmt::format("{}:{}", std::filesystem::path(where.file_name()).filename().string(),
                     where.line());
}

std::string with_line(SourceLocation where, const std::string& text) {
  const std::string line = line_of(where);
  return line.empty() || begins_with(text, line) || names(text, line)
             ? text
             : fmt::format("{}: {}", line, text);
}

std::string named_with_line(std::string_view name, SourceLocation where) {
  const std::string line = line_of(where);
  return line.empty() ? std::string(name) : fmt::format("{} ({})", name, line);
}

void rethrow_as(const Error& error, const std::string& text) {
  const std::type_info& type = typeid(error);
  const SourceLocation op = error.op_line();
  if (type == typeid(NameError)) throw NameError(text, op);
  if (type == typeid(ShapeError)) throw ShapeError(text, op);
  if (type == typeid(ParseError)) throw ParseError(text, op);
  if (type == typeid(FileError)) throw FileError(text, op);
  if (type == typeid(MemoryError)) throw MemoryError(text, op);
  if (type == typeid(Error)) throw Error(text, op);
  throw;
}

void rethrow_with_line(SourceLocation where) {
  try {
    throw;
  } catch (const Error& error) {
    std::string text = error.what();
    const std::string op = line_of(error.op_line()), call = line_of(where);
    const bool told = !op.empty() && begins_with(text, op);
    if (told) text = text.substr(op.size() + 2);
    if (text.starts_with(kInTheCall)) throw;
    if (!told && (op.empty() || op == call || names(text, op)))
      rethrow_as(error, with_line(where, text));
    const bool one = call.empty() || op == call || begins_with(text, call) || names(text, call);
    rethrow_as(error, fmt::format("{}: {}{}", op,
                                  one ? "" : fmt::format("{}{}: ", kInTheCall, call), text));
  }
}

}  // namespace sinter

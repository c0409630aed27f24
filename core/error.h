// Errors. A mistake of the user raises Error (or a subclass); a bug of Sinter raises InternalError.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/source_location.h"

namespace sinter {

/// A mistake that the user of Sinter can mend. The text says what was asked, what was found, where,
/// and what would be right.
class Error : public std::runtime_error {
 public:
  /// A text of more than 4000 bytes quotes something long and loses its middle; what() would end at
  /// a NUL byte, which is shown as \0.
  explicit Error(const std::string& text);
  /// The same for the op of another error.
  Error(const std::string& text, SourceLocation op_line);
  /// The line of the user's call of an op during which it was raised (core/op_line.h), or empty.
  SourceLocation op_line() const { return op_line_; }

 private:
  SourceLocation op_line_;
};

/// Shapes, ranks or dtypes that do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A name that nothing is registered under (an activation, loss, op, layer, backend, pass ...).
class NameError : public Error {
 public:
  using Error::Error;
};

/// A file that cannot be read, written or understood.
class FileError : public Error {
 public:
  using Error::Error;
};

/// A text or JSON document that does not parse; the message holds line and column where known.
class ParseError : public Error {
 public:
  using Error::Error;
};

/// A broken promise inside Sinter: please report it.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void raise_internal(const char* condition, const std::string& detail,
                                 const char* file = __builtin_FILE(), int line = __builtin_LINE());

/// The known name nearest to `name` by edit distance, or "" when none is near enough to be a
/// plausible misspelling.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

/// "unknown activation 'rellu'; did you mean 'relu'? Known: elu, relu, ..." as a NameError.
[[noreturn]] void raise_unknown_name(std::string_view kind, std::string_view name,
                                     std::vector<std::string> known);

}  // namespace sinter

/// Checks what only a bug in Sinter can break.
#define SINTER_CHECK(condition, ...)                                                    \
  do {                                                                                  \
    if (!(condition)) ::sinter::raise_internal(#condition, ::std::string(__VA_ARGS__)); \
  } while (false)

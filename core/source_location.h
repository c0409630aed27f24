// The line of a call. Of its own, because clang has no std::source_location before version 16, and
// a program that clang compiles links a library that g++ did.
#pragma once

// Calls within the library's own sources have no line to tell: errors name lines of the user.
#ifdef SINTER_WITHIN_LIBRARY
#define SINTER_CALLING_FILE ""
#define SINTER_CALLING_LINE 0
#else
#define SINTER_CALLING_FILE __builtin_FILE()
#define SINTER_CALLING_LINE __builtin_LINE()
#endif

namespace sinter {

/// As std::source_location, which converts to it: `SourceLocation where =
/// SourceLocation::current()` as the last parameter is the line of the caller.
class SourceLocation {
 public:
  constexpr SourceLocation() = default;
  template <typename Standard>
  requires requires(const Standard& s) { s.file_name(), s.line(), s.function_name(); }
  constexpr SourceLocation(const Standard& where)  // NOLINT
      : file_(where.file_name()), line_(static_cast<int>(where.line())) {}
  static constexpr SourceLocation current(const char* file = SINTER_CALLING_FILE,
                                          int line = SINTER_CALLING_LINE) {
    SourceLocation where;
    where.file_ = file;
    where.line_ = line;
    return where;
  }
  constexpr const char* file_name() const { return file_; }
  constexpr int line() const { return line_; }

 private:
  const char* file_ = "";
  int line_ = 0;
};

#undef SINTER_CALLING_FILE
#undef SINTER_CALLING_LINE

}  // namespace sinter

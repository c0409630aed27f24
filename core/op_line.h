// The lines of the ops that the user's code is calling just now: what an error in one of them
// names.
#pragma once

#include "core/source_location.h"

namespace sinter {

/// A line of the user's, in force from enter() to the end of the statement it was made in. Ops take
/// one as a default argument, `const OpLine& line = SourceLocation::current()`, and enter it; so do
/// the constructors of OpInput and Operand, once their symbol is there: of several calls in one
/// statement the one that runs has the line that was entered last. An empty location says nothing.
/// In a coroutine a statement may end in another thread than the one where it began, even after
/// that: it is in force in the first.
class OpLine {
 public:
  OpLine(SourceLocation where) : where_(where) {}  // NOLINT
  OpLine(const OpLine&) = delete;
  OpLine& operator=(const OpLine&) = delete;
  ~OpLine() {
    if (entry_ != nullptr) leave();
  }
  void enter() const {
    if (where_.line() != 0 && entry_ == nullptr) begin();
  }
  /// The line entered last in this thread, or an empty one. Lines of headers that call what they
  /// are given, the standard library's and Callable's, are passed over.
  static SourceLocation innermost();

 private:
  struct Entry;
  void begin() const;
  void leave() const;

  SourceLocation where_;
  mutable Entry* entry_ = nullptr;
};

}  // namespace sinter

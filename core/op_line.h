// The lines of the ops that the user's code is calling just now: what an error in one of them
// names.
#pragma once

#include "core/source_location.h"

namespace sinter {

/// A line of the user's, in force from enter() to the end of the statement it was made in. Ops take
/// one as a default argument, `const OpLine& line = SourceLocation::current()`, and enter it; so do
/// the constructors of OpInput and Operand, once their symbol is there: of several calls in one
/// statement the one that runs has the line that was entered last. An empty location says nothing.
class OpLine {
 public:
  OpLine(SourceLocation where) : where_(where) {}  // NOLINT
  OpLine(const OpLine&) = delete;
  OpLine& operator=(const OpLine&) = delete;
  ~OpLine() {
    if (entered_) leave();
  }
  void enter() const {
    if (where_.line() != 0 && !entered_) begin();
  }
  /// The line entered last in this thread, or an empty one. Lines of headers that call what they
  /// are given, the standard library's and Callable's, are passed over.
  static SourceLocation innermost();

 private:
  void begin() const;
  void leave() const;

  SourceLocation where_;
  mutable bool entered_ = false;
  mutable const OpLine* before_ = nullptr;
};

}  // namespace sinter

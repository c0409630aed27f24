// Lines in force, a list in each thread: temporaries of one statement end in another order than
// they were entered.
#include "core/op_line.h"

#include <string_view>

namespace sinter {
namespace {

thread_local const OpLine* last = nullptr;

// A pointer to an op becomes a call of the op there: std::function, std::invoke, Callable.
bool is_of_caller_of_anything(std::string_view file) {
  return file.starts_with("/usr/include/") || file.starts_with("/usr/local/include/") ||
         file.find("/include/c++/") != std::string_view::npos || file.ends_with("core/callable.h");
}

}  // namespace

void OpLine::begin() const {
  entered_ = true;
  before_ = last;
  last = this;
}

void OpLine::leave() const {
  if (last == this) {
    last = before_;
    return;
  }
  const OpLine* after = last;
  while (after != nullptr && after->before_ != this) after = after->before_;
  if (after != nullptr) after->before_ = before_;
}

SourceLocation OpLine::innermost() {
  for (const OpLine* line = last; line != nullptr; line = line->before_) {
    if (!is_of_caller_of_anything(line->where_.file_name())) return line->where_;
  }
  return {};
}

}  // namespace sinter

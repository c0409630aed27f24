// The text of an error that is expected.
#pragma once

#include <string>

#include "core/error.h"

namespace sinter::testing {

/// What `action` says when it raises an E, "no error" when it raises nothing; other exceptions go
/// on.
template <typename E = Error, typename F>
std::string error_of(const F& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace sinter::testing

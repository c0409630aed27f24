// The line of the user in front of errors and warnings.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"
#include "core/source_location.h"

namespace sinter {

/// "train.cc:23", or "" when nothing is known.
std::string line_of(SourceLocation where);
/// "train.cc:23: text", or the text alone when nothing is known or it names that line already.
std::string with_line(SourceLocation where, const std::string& text);
/// "EarlyStopping (train.cc:23)", or the name alone: how texts about an object name it that was
/// made in another line than the one that failed.
std::string named_with_line(std::string_view name, SourceLocation where);

/// Within the catch block of `error`: the same class with another text. Errors of classes of their
/// own go on as they are.
[[noreturn]] void rethrow_as(const Error& error, const std::string& text);
/// Within a catch block: the Error at hand with the line in front, of the same class. One that was
/// raised in an op that the user's code called begins with the line of that op: "model.cc:12: in
/// the call of train.cc:23: matmul ...". Other exceptions go on as they are.
[[noreturn]] void rethrow_with_line(SourceLocation where);

/// What `make` gives; an Error that it raises begins with the line of the user. Every function of
/// the public headers that can raise one takes `where` and does its work in here; what it calls for
/// its own ends gets its `where`, or nothing, which is no line within the library.
template <typename F>
decltype(auto) at_line(SourceLocation where, const F& make) {
  try {
    return make();
  } catch (const Error&) {
    rethrow_with_line(where);
  }
}

}  // namespace sinter

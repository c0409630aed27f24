// Where the user wrote something, for errors, warnings and the nodes of graphs.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/source_location.h"
#include "core/symbol.h"

namespace sinter {

/// Of what `layer` names: the file without its folders, and the line.
std::shared_ptr<const Origin> origin_at(const std::string& layer, SourceLocation where);
/// "train.cc:23", or "" when nothing is known.
std::string line_of(SourceLocation where);
/// "train.cc:23: text", or the text alone when nothing is known or it names that line already.
std::string with_line(SourceLocation where, const std::string& text);

/// As without `where`, with the line in front.
[[noreturn]] void raise_unknown_name(std::string_view kind, std::string_view name,
                                     std::vector<std::string> known, SourceLocation where);

/// Within a catch block: the Error at hand with the line in front, of the same class. Other
/// exceptions go on as they are.
[[noreturn]] void rethrow_with_line(SourceLocation where);

/// What `make` gives; an Error that it raises begins with the line of the user.
template <typename F>
auto at_line(SourceLocation where, const F& make) {
  try {
    return make();
  } catch (const Error&) {
    rethrow_with_line(where);
  }
}

}  // namespace sinter

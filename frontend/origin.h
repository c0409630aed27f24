// Where the user wrote something, for errors, warnings and the nodes of graphs.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/line.h"
#include "core/symbol.h"

namespace sinter {

/// Of what `layer` names: the file without its folders, and the line.
std::shared_ptr<const Origin> origin_at(const std::string& layer, SourceLocation where);

/// As without `where`, with the line in front.
[[noreturn]] void raise_unknown_name(std::string_view kind, std::string_view name,
                                     std::vector<std::string> known, SourceLocation where);

}  // namespace sinter

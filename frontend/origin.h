// Where the user wrote something, for errors, warnings and the nodes of graphs.
#pragma once

#include <memory>
#include <string>

#include "core/source_location.h"
#include "core/symbol.h"

namespace sinter {

/// Of what `layer` names: the file without its folders, and the line.
std::shared_ptr<const Origin> origin_at(const std::string& layer, SourceLocation where);
/// "train.cc:23", or "" when nothing is known.
std::string line_of(SourceLocation where);

}  // namespace sinter

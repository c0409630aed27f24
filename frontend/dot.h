// Pictures of graphs: Graphviz text to SVG or PNG by the program `dot`.
#pragma once

#include <string>

#include "core/source_location.h"

namespace sinter {

/// Draws `dot_text` into `path`, which ends in .svg or .png. Raises Error when `dot` is not
/// installed or refuses the text, FileError when the file cannot be written.
void render_dot(const std::string& dot_text, const std::string& path,
                SourceLocation where = SourceLocation::current());

/// The SVG document, and the PNG file, themselves.
std::string dot_to_svg(const std::string& dot_text,
                       SourceLocation where = SourceLocation::current());
std::string dot_to_png(const std::string& dot_text,
                       SourceLocation where = SourceLocation::current());

}  // namespace sinter

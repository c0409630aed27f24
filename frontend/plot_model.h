// plot_model: a model as a picture.
#pragma once

#include <string>

#include "core/source_location.h"

namespace sinter {

class Model;

/// Draws the layers of a model, with types and weights, into `path`, which ends in .svg or .png, as
/// Keras's function of that name. What a step of training or a pass makes of it: `sinter dump`.
/// Raises Error for a model that has not been built and when the program `dot` (graphviz) is not
/// installed, and FileError.
void plot_model(const Model& model, const std::string& path,
                SourceLocation where = SourceLocation::current());

}  // namespace sinter

// clone_model: a model of the same layers with new weights.
#pragma once

#include "core/source_location.h"
#include "frontend/model.h"

namespace sinter {

/// The same architecture and names, with weights of its own, drawn anew; not compiled. Layers of
/// models inside are new, too; a layer that is called twice stays one layer. Raises NameError for a
/// layer of your own that is neither registered (register_layer) nor overrides LayerImpl::clone().
Model clone_model(const Model& model, SourceLocation where = SourceLocation::current());

}  // namespace sinter

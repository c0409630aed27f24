// A model's layers and their wiring in Keras's JSON: writes Keras 3's form, reads Keras 2's and
// 3's.
#pragma once

#include <string>
#include <vector>

#include "core/source_location.h"
#include "frontend/config.h"
#include "frontend/layer.h"
#include "frontend/model.h"

namespace sinter {

/// What a model is made of, and all that its JSON says about it.
struct Architecture {
  std::string name;
  bool sequential = false;
  bool trainable = true;
  std::vector<KerasTensor> inputs;
  std::vector<KerasTensor> outputs;
  std::vector<Layer> layers;  // input layers included, in the order of the file
};

Architecture architecture_of(const Model& model);
Model model_of(const Architecture& architecture);

/// Raises Error, which names both, where two layers have one weight: each is made of its own
/// settings, where a file is loaded or a model cloned, and would have a weight of its own.
void refuse_two_owners(const Architecture& architecture);

/// Keras 3's form: {"module", "class_name", "config": {"name", "layers", "input_layers",
/// "output_layers"}, ...}. Raises Error where two functions or layer classes of the user's own have
/// one name (frontend/own_names.h), and where refuse_two_owners() does.
Config architecture_to_config(const Architecture& architecture);

/// Builds the layers and calls them. Unknown settings are ignored unless misspelt. Raises Error
/// that names the layer: ParseError where the JSON is not a model's, NameError for unknown classes,
/// ShapeError where shapes do not fit. `where` becomes the line of all layers.
Architecture architecture_from_config(const ConfigValue& json,
                                      SourceLocation where = SourceLocation::current());

}  // namespace sinter

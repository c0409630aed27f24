// Models as files: whole (.sinter), weights alone (.weights.sinter), architecture alone (Keras's
// JSON), and lowered for running only.
#pragma once

#include <string>

#include "core/source_location.h"
#include "frontend/custom_objects.h"
#include "frontend/map_argument.h"
#include "frontend/model.h"

namespace sinter {

struct LoadOptions {
  /// Losses, metrics, activations, initializers, regularizers, constraints, schedules, functions of
  /// Lambda layers and layers of your own, by the names that the file uses. They hold for this load
  /// alone: what is loaded keeps them, other files do not find them. For those of the whole process
  /// there are register_layer(), register_loss() and their kin.
  MapArgument<std::string, CustomObject, std::less<>> custom_objects = {};
  /// False leaves the model as it was before compile(): no optimizer, no custom losses needed; no
  /// mixed precision either.
  bool compile = true;
  /// False compiles a file's model for predictions alone: with its mixed precision, backend and
  /// disabled passes, without optimizer, losses and metrics, so that none of yours is needed.
  bool training = true;
};

/// Architecture, weights and forward graph; with `include_optimizer` (the default) also the
/// arguments of compile() and the state of training, after which fit() goes on exactly as if it had
/// not stopped. Replaces `path` atomically. The file is of one moment: while another thread trains
/// the model, between two of its steps; the next step waits until the file is written. Raises Error
/// where check_own_names() does.
void save_model(const Model& model, const std::string& path, const SaveOptions& options = {},
                SourceLocation where = SourceLocation::current());
/// Raises FileError for names that save_model refuses, as "model.keras".
void check_model_path(const std::string& path, SourceLocation where = SourceLocation::current());
/// A file knows functions and layer classes of your own by name. Raises Error, with both places,
/// where one name would stand for two in it: two different functions that were given without a
/// name, two that differ under one name, two classes of layers.
void check_own_names(const Model& model, SourceLocation where = SourceLocation::current());
/// Raises FileError for a file that cannot be read or is damaged, NameError for what needs
/// custom_objects. Weights stay in the mapped file until they change.
Model load_model(const std::string& path, const LoadOptions& options = {},
                 SourceLocation where = SourceLocation::current());

/// The weights in the order of get_weights(). The name must end in .weights.sinter.
void save_weights(const Model& model, const std::string& path,
                  SourceLocation where = SourceLocation::current());
/// From .weights.sinter or a whole .sinter file; matched by order. Raises ShapeError when count or
/// shapes differ: nothing has changed then.
void load_weights(const Model& model, const std::string& path,
                  SourceLocation where = SourceLocation::current());

/// Keras 3's JSON of the architecture, with "compile_config" when the model is compiled. Raises
/// Error where check_own_names() does.
std::string to_json(const Model& model, int indent = -1,
                    SourceLocation where = SourceLocation::current());
/// From the JSON of Keras 2 or 3. Weights are initial ones. The model is compiled, as in Keras,
/// where "compile_config" names a loss and options.compile is not false.
Model model_from_json(const std::string& json, const LoadOptions& options = {},
                      SourceLocation where = SourceLocation::current());

/// The forward graph after the inference pipeline, with its weights: core and runtime alone can run
/// it (core/model_file.h, runtime/load.h). The batch stays symbolic. A model that is compiled with
/// mixed precision gives a graph with products of bfloat16; the weights are float32 all the same.
void export_inference(const Model& model, const std::string& path,
                      SourceLocation where = SourceLocation::current());

}  // namespace sinter

// The arguments of compile() and fit() in Keras's JSON: "compile_config" of models, and the files
// that `sinter train --compile --fit` takes.
#pragma once

#include <span>

#include "frontend/config.h"
#include "frontend/model.h"

namespace sinter {

/// Where the JSON of a model has what Keras's compile() does not know.
inline constexpr const char* kOwnCompileConfig = "sinter_compile_config";

/// {"optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"}, with what Keras adds and,
/// where they are set, "backend", "mixed_precision" and "disabled_passes". Those of `weights`, a
/// model's, that do not decay are told by their places. Raises Error where two functions of the
/// user's own have one name.
Config compile_arguments_to_config(const CompileArguments& arguments,
                                   std::span<const VariablePtr> weights = {});
/// Keras's compile() refuses arguments of ours and an optimizer with settings of ours: takes them
/// out of what compile_arguments_to_config() gives, and gives them, to stand beside it.
Config take_own_settings(Config& compile);
/// The inverse, of what stands beside "compile_config".
Config with_own_settings(const ConfigValue& compile, const ConfigValue& own);
/// The inverse of compile_arguments_to_config(); takes compile.json and "compile_config". Raises
/// NameError, or Error naming the key.
CompileArguments compile_arguments_from_config(const ConfigValue& json);
/// Places among the weights of the model that do not decay; Error for what is no place of `count`.
std::vector<int64_t> undecayed_places(const ConfigValue& json, size_t count);
/// How a model runs, as far as predictions need it: backend, mixed_precision and disabled_passes,
/// without an optimizer, losses and metrics, which may need objects of the user's own.
CompileArguments prediction_arguments_from_config(const ConfigValue& json);
/// epochs, batch_size, validation_split, shuffle, class_weight, callbacks, initial_epoch,
/// validation_freq, ... : everything but data.
FitOptions fit_options_from_config(const ConfigValue& json);
/// {"class_name": "EarlyStopping", "config": {...}} and its kin. Raises NameError.
CallbackItem callback_from_config(const ConfigValue& value);

}  // namespace sinter

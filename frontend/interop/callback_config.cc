// Callbacks by Keras's class name and settings, for fit.json.
#include <optional>

#include "core/error.h"
#include "frontend/asked_settings.h"
#include "frontend/callbacks/callbacks.h"
#include "frontend/interop/keras_compile.h"

namespace sinter {
namespace {

std::optional<double> optional_float(const Config& c, const char* key) {
  if (c.get(key).is_null()) return std::nullopt;
  return c.get_float(key, 0);
}

CallbackItem early_stopping(const Config& c) {
  return EarlyStopping({.monitor = c.get_string("monitor", "val_loss"),
                        .min_delta = c.get_float("min_delta", 0),
                        .patience = c.get_int32("patience", 0),
                        .verbose = c.get_int32("verbose", 0),
                        .mode = c.get_string("mode", "auto"),
                        .baseline = optional_float(c, "baseline"),
                        .restore_best_weights = c.get_bool("restore_best_weights", false),
                        .start_from_epoch = c.get_int32("start_from_epoch", 0)});
}

CallbackItem reduce_lr_on_plateau(const Config& c) {
  return ReduceLROnPlateau({.monitor = c.get_string("monitor", "val_loss"),
                            .factor = c.get_float("factor", 0.1),
                            .patience = c.get_int32("patience", 10),
                            .verbose = c.get_int32("verbose", 0),
                            .mode = c.get_string("mode", "auto"),
                            .min_delta = c.get_float("min_delta", 1e-4),
                            .cooldown = c.get_int32("cooldown", 0),
                            .min_lr = c.get_float("min_lr", 0.0)});
}

CallbackItem model_checkpoint(const Config& c) {
  ModelCheckpointOptions options{
      .monitor = c.get_string("monitor", "val_loss"),
      .verbose = c.get_int32("verbose", 0),
      .save_best_only = c.get_bool("save_best_only", false),
      .save_weights_only = c.get_bool("save_weights_only", false),
      .mode = c.get_string("mode", "auto"),
      .initial_value_threshold = optional_float(c, "initial_value_threshold")};
  if (const int64_t* batches = c.get("save_freq").as<int64_t>()) options.save_freq = *batches;
  return ModelCheckpoint(c.get_string("filepath", ""), options);
}

CallbackItem csv_logger(const Config& c) {
  const std::string separator = c.get_string("separator", ",");
  return CSVLogger(
      c.get_string("filename", ""),
      {.separator = separator.empty() ? ',' : separator[0], .append = c.get_bool("append", false)});
}

CallbackItem callback_of(const std::string& name, const Config& c) {
  if (name == "EarlyStopping") return early_stopping(c);
  if (name == "ReduceLROnPlateau") return reduce_lr_on_plateau(c);
  if (name == "ModelCheckpoint") return model_checkpoint(c);
  if (name == "CSVLogger") return csv_logger(c);
  if (name == "TerminateOnNaN") return TerminateOnNaN();
  raise_unknown_name(
      "callback", name,
      {"EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint", "CSVLogger", "TerminateOnNaN"});
}

}  // namespace

CallbackItem callback_from_config(const ConfigValue& value) {
  const ConfigObject* object = value.as<ConfigObject>();
  if (object == nullptr)
    throw Error("a callback is {\"class_name\": ..., \"config\": {...}}, found " +
                std::string(value.type_name()));
  return made_of(object->class_name, object->config,
                 [&] { return callback_of(object->class_name, object->config); });
}

}  // namespace sinter

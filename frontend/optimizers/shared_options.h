// The options that all optimizers share, within those of one of them: for who writes an optimizer.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "core/line.h"
#include "frontend/optimizers/optimizer.h"

namespace sinter {

/// The options that all optimizers share, out of those of one of them.
template <typename T>
OptimizerOptions shared_options(const T& o) {
  return {o.weight_decay,
          o.clipnorm,
          o.clipvalue,
          o.global_clipnorm,
          o.use_ema,
          o.ema_momentum,
          o.ema_overwrite_frequency,
          o.loss_scale_factor,
          o.gradient_accumulation_steps,
          o.name};
}

/// An optimizer of class Impl, made of `arguments`; errors name the line. Raises Error for a
/// setting that is NaN.
template <typename Impl, typename... Arguments>
std::shared_ptr<OptimizerImpl> optimizer_at(SourceLocation where, Arguments&&... arguments) {
  return at_line(where, [&] {
    auto made = std::make_shared<Impl>(std::forward<Arguments>(arguments)...);
    made->check_own_settings();
    return made;
  });
}

/// Fills the shared options of `options` from Keras's settings.
template <typename T>
T& read_shared_options(T& options, const Config& c) {
  const auto optional = [&](const char* key) -> std::optional<double> {
    if (c.get(key).is_null()) return std::nullopt;
    return c.get_float(key, 0);
  };
  options.weight_decay = optional("weight_decay");
  options.clipnorm = optional("clipnorm");
  options.clipvalue = optional("clipvalue");
  options.global_clipnorm = optional("global_clipnorm");
  options.use_ema = c.get_bool("use_ema", false);
  options.ema_momentum = c.get_float("ema_momentum", 0.99);
  if (!c.get("ema_overwrite_frequency").is_null())
    options.ema_overwrite_frequency = c.get_int("ema_overwrite_frequency", 1);
  options.loss_scale_factor = optional("loss_scale_factor");
  if (!c.get("gradient_accumulation_steps").is_null())
    options.gradient_accumulation_steps = c.get_int("gradient_accumulation_steps", 2);
  options.name = c.get_string("name", "");
  return options;
}

}  // namespace sinter

// Keras's losses by class and settings.
#pragma once

#include <string>
#include <vector>

#include "frontend/config.h"
#include "frontend/losses.h"

namespace sinter {

/// What labels of a loss are, beside values like those of the prediction.
enum class Labels {
  kValues,
  kClasses,        // integers
  kOneHot,         // rows of 0 and 1
  kProbabilities,  // each in 0..1
};

struct LossOfKeras {
  std::string class_name;
  std::vector<std::string> names;  // the first is the default name of objects
  Config defaults;                 // settings besides name and reduction
  Loss::Function (*make)(const Config&);
  Labels labels = Labels::kValues;
};
const std::vector<LossOfKeras>& losses_of_keras();

/// The name of one of Sinter's functions that are losses; null for one of the user's own.
const char* name_of_loss(AnyFunction function);

// The cross entropies of settings, which are metrics too.
Loss::Function binary_crossentropy_of(const Config& settings);
Loss::Function categorical_crossentropy_of(const Config& settings);
Loss::Function sparse_categorical_crossentropy_of(const Config& settings);

}  // namespace sinter

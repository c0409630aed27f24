// Keras's losses by class and settings.
#pragma once

#include <string>
#include <vector>

#include "frontend/config.h"
#include "frontend/losses.h"

namespace sinter {

struct LossOfKeras {
  std::string class_name;
  std::vector<std::string> names;  // the first is the default name of objects
  Config defaults;                 // settings besides name and reduction
  Loss::Function (*make)(const Config&);
  bool classes = false;        // labels are integer classes
  bool one_hot = false;        // labels are rows of 0 and 1
  bool probabilities = false;  // each label is in 0..1
};
const std::vector<LossOfKeras>& losses_of_keras();

}  // namespace sinter

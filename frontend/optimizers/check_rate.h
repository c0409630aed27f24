// What is no learning rate.
#pragma once

#include <string>

#include "frontend/optimizers/learning_rate.h"

namespace sinter {

/// Raises Error for a rate that is negative, NaN, infinite (in float32, as which it is kept), or a 0
/// of whole numbers.
void check_rate(const std::string& owner, const char* name, RealNumber rate);
/// The same of a rate that is no schedule.
void check_rate(const std::string& owner, const LearningRate& rate);

}  // namespace sinter

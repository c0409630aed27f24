// What the readers of image sets share: from images and labels to one side of a data set.
#pragma once

#include <string>
#include <vector>

#include "frontend/data/datasets.h"

namespace sinter::datasets {

/// `labels` is int32 [n] in 0..classes-1.
Split make_split(Tensor x, Tensor labels, std::vector<std::string> class_names);

/// "0" to "9".
std::vector<std::string> digit_names();

}  // namespace sinter::datasets

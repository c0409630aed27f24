// Which kernels of a program may run at the same time: found from the memory they touch.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/executable.h"

namespace sinter {

/// The phases of all steps but those of the prologue, in stages: what stands in one stage touches
/// no memory that another step of it writes, so its pieces may run in any order. Every step is as
/// early as the steps before it allow; one of several phases takes as many stages, one after the
/// other.
std::vector<std::vector<StepPhase>> plan_stages(const Program& program);

}  // namespace sinter

// Compiled kernels by the text of their plan: from this process, the cache on disk, or the code
// generator, whichever has them first.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/fork.h"
#include "runtime/llvm/jit/kernel_image.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

class KernelStore {
 public:
  static KernelStore& instance();

  /// The code of each plan. Plans of equal text share it, within and between executables: the step
  /// variants of a fit compile only what their batch size changes.
  std::vector<std::shared_ptr<const LoadedKernel>> get(
      std::span<const std::unique_ptr<KernelPlan>> plans, bool use_cache);

 private:
  using Code = std::shared_ptr<const LoadedKernel>;

  ForkMutex mutex_;
  std::map<std::string, std::weak_ptr<const LoadedKernel>, std::less<>> loaded_;  // by text
};

}  // namespace sinter::codegen

// The code of a kernel for people: what it was planned as, and what that became.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sinter {

/// Lines are counted from 1; 0 stands for none.
struct KernelListing {
  std::string plan;                  // the loop program, or the plan of a product
  std::string ir;                    // LLVM IR
  std::string assembly;              // without directives
  std::vector<int32_t> plan_lines;   // of each line of `ir`
  std::vector<int32_t> loop_depths;  // of each line of `ir`: how many loops it stands in
  std::vector<int32_t> ir_lines;     // of each line of `assembly`
};

/// A kernel that is generated code.
class ListedKernel {
 public:
  virtual ~ListedKernel() = default;
  /// The plan of the kernel alone, which tells kernels of one code.
  virtual std::string plan_text() const = 0;
  /// Generates the code anew. Raises Error when the code generator's plugin is missing.
  virtual KernelListing listing() const = 0;
};

}  // namespace sinter

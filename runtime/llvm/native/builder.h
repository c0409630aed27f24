// From programs whose kernels are plans (native/planning_backend.h) to what is exported: constants,
// and the calls of each function.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/executable.h"
#include "runtime/llvm/native/module.h"

namespace sinter::codegen {

/// Where exported code finds a variable.
struct NativeVariable {
  Tensor value;  // what it holds now
  /// In the memory of the first argument, so many bytes from its start; negative: a constant.
  int64_t offset = -1;
};

class NativeBuilder {
 public:
  /// `workers`: how many threads may work on a function at once.
  NativeBuilder(std::string name, int workers) : workers_(workers) { module_.name = std::move(name); }

  /// All functions that are added until the next call are for this CPU.
  void begin_variant(const Cpu& cpu);
  /// `program` as a function. Its arguments: the memory of variables, where `has_state`, inputs and
  /// outputs in the order of the graph, the workspace. `variables` in the order of
  /// program.graph.variables(); `input_offsets` in that of its inputs: one that is not negative is
  /// in the memory of variables, too, and no argument. The program must outlive the module.
  void add_function(const std::string& name, const Program& program, bool has_state,
                    std::span<const NativeVariable> variables,
                    std::span<const int64_t> input_offsets);
  /// The number of a constant of the module; equal ones have one.
  size_t constant(const Tensor& value);
  NativeModule& module() { return module_; }

 private:
  size_t kernel(const KernelPlan& plan);

  NativeModule module_;
  int workers_;
  std::map<std::string, size_t> kernels_;  // of the variant, by key
  std::multimap<uint64_t, size_t> constants_;  // by hash
};

}  // namespace sinter::codegen

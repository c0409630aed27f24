// Kernels for a debugger: which lines of the user's program they compute, and how gdb learns of
// them (its JIT interface). No LLVM.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// The folder that the environment's SINTER_DEBUG_KERNELS names, which takes the loop programs of
/// kernels for a debugger to show; empty when kernels are made as usual. Asked once a process.
const std::string& debug_folder();

/// Letters, digits and underscores, as C names things: gdb would take other names apart.
std::string as_name(std::string_view text);

/// What a debugger is to know of the kernel of a node: a name, and the lines that made what it
/// computes, of all layers that are fused in it.
/// Passes that join nodes keep the names of their layers, but one line: the others are those of the
/// layers in `as_built`, the graph before passes, where it is known.
KernelDebug debug_of_node(const Graph& graph, int32_t node, const Graph* as_built);

/// An object file with the names and lines of code that is in memory already, known to gdb as long
/// as this lives.
class DebuggedObject {
 public:
  /// Where sections lie, by number.
  struct Section {
    uint32_t number = 0;
    uint64_t address = 0;
  };
  /// `object` is what the code generator wrote.
  DebuggedObject(std::string object, const std::vector<Section>& sections);
  ~DebuggedObject();
  DebuggedObject(const DebuggedObject&) = delete;

 private:
  struct Entry;
  std::string object_;
  std::unique_ptr<Entry> entry_;
};

}  // namespace sinter::codegen

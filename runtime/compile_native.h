// Graphs as native code that needs nothing of Sinter: an object file (or its text) and what its C
// header says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"
#include "core/source_location.h"
#include "runtime/compile_options.h"

namespace sinter {

/// A variable of an exported function.
struct NativeStorage {
  Tensor value;  // what it holds now
  /// Where it is in the memory of the caller's state, in bytes; negative: the code holds its value,
  /// and no function may change it.
  int64_t offset = -1;
};

/// `int function(void* state, uint64_t seed)`, which fills a state.
struct NativeState {
  std::string function;
  std::vector<NativeStorage> variables;  // all that have an offset
  int64_t random_state = -1;             // the offset of {seed, step}, or negative
  int64_t bytes = 0;                     // for `size_t <name>_state_size(void)`
};

/// A graph that becomes a C function.
struct NativeEntry {
  std::string function;  // its name in C
  Graph graph;
  CompileOptions options;  // the backend is llvm, whatever it says
  /// The storage of a variable, by its name in the graph.
  std::function<NativeStorage(std::string_view variable)> storage;
};

struct NativeOptions {
  std::string name;  // what the names in C begin with
  /// "" for this machine, or a triple for another ("aarch64-linux-gnu").
  std::string target = "";
  /// For which CPUs: "native" (of another target: what all of its machines have), "x86-64",
  /// "x86-64-v3", "x86-64-v4", or one that LLVM knows, with features ("generic-rv64,+v"). Several:
  /// the loader of the system chooses between the versions of each function; the last is for every
  /// CPU.
  std::vector<std::string> cpus = {"native"};
  /// More than 1: functions take a `parallel_for` and its pool behind the workspace, and so many
  /// threads may work on a call.
  int workers = 1;
  enum class Output : uint8_t { kObject, kAssembly, kIr, kC } output = Output::kObject;
  /// Functions `const char* function(void)` and `size_t function(void)`.
  std::vector<std::pair<std::string, std::string>> texts = {};
  /// Then each function takes a state as its first argument.
  std::optional<NativeState> state = std::nullopt;
};

struct NativeCode {
  /// As `output` says. In C all functions are static and called `<name>_code`, and pointers are
  /// `unsigned char *`: those of the header are for the caller to write.
  std::string code;
  /// Bytes of the workspace that each of the entries needs, in their order; of the largest version.
  std::vector<int64_t> workspace_bytes;
};

/// `entries` as code. Functions take the state (where there is one), inputs and outputs in the
/// order of the graph, and the workspace, 64-byte aligned; they return 0, 1 for a null pointer, 2
/// for a workspace or state that is not aligned. There is `size_t <name>_workspace_size(void)` for
/// the largest of them. Raises Error where the llvm backend or its code generator is missing, or
/// where the target's pointers do not reach all memory; NameError for an unknown target or CPU.
NativeCode compile_native(std::span<const NativeEntry> entries, const NativeOptions& options,
                          SourceLocation where = SourceLocation::current());

}  // namespace sinter

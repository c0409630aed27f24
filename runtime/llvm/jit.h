// Machine code at run time: IR to object code (LLVM's code generator, no middle-end passes), object
// code to callable functions (ORC, JITLink).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/llvm/cpu.h"

namespace sinter::codegen {

class Emitter;

/// Object code of each module that an entry of `fills` emits; modules are compiled at the same
/// time, each on a thread of its own.
std::vector<std::string> compile_objects(const Cpu& cpu,
                                         std::span<const std::function<void(Emitter&)>> fills);
/// The same module as text, for people and tests.
std::string module_text(const Cpu& cpu, const std::function<void(Emitter&)>& fill);

/// Object code linked into this process for as long as the object lives.
class LoadedCode {
 public:
  /// Raises InternalError when the bytes are no object code that links.
  explicit LoadedCode(std::span<const std::string> objects);
  ~LoadedCode();
  LoadedCode(const LoadedCode&) = delete;
  /// The address of a function; InternalError when there is none of that name.
  void* find(const std::string& symbol) const;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace sinter::codegen

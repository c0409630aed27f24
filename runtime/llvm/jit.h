// Machine code at run time: IR to object code (LLVM's code generator, no middle-end passes), object code to callable functions (ORC, JITLink).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/llvm/cpu.h"

namespace sinter::codegen {

class Emitter;

/// Object code of a module that `fill` emits.
std::string compile_object(const Cpu& cpu, const std::function<void(Emitter&)>& fill);
/// The same module as text, for people and tests.
std::string module_text(const Cpu& cpu, const std::function<void(Emitter&)>& fill);

/// Object code linked into this process for as long as the object lives.
class LoadedCode {
 public:
  /// Raises InternalError when the bytes are no object code that links.
  explicit LoadedCode(std::string_view object);
  ~LoadedCode();
  LoadedCode(const LoadedCode&) = delete;
  /// The address of a function; InternalError when there is none of that name.
  void* find(const std::string& symbol) const;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace sinter::codegen

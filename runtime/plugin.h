// Plugins: what needs a large library is in a shared library of its own, which is opened when it is
// wanted (libLLVM alone costs 16 ms and 50 MiB, libdnnl 1 ms).
#pragma once

#include <string>

namespace sinter {

/// lib<name>.so. Its one symbol is <name>: a structure whose first member, and in every build its
/// first, is `const char* version`, so that a plugin of another build is recognised before anything
/// else of it is used.
struct PluginName {
  std::string name;      // "sinter_codegen"
  std::string variable;  // names the file, where set: "SINTER_CODEGEN"
  std::string wanted;    // of the message: "a kernel must be compiled, but Sinter's code generator"
};

/// The symbol, of this version. Raises Error when there is none, with the places where it was
/// looked for: the file that the variable names and no other, when that is set; the folder of the
/// program, lib and ../lib from there, the folder that Sinter was installed to, and where the
/// system looks for libraries. A plugin stays open for ever.
const void* open_plugin(const PluginName& plugin, const char* version);

}  // namespace sinter

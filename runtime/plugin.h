// Plugins: what needs a large library is in a shared library of its own, which is opened when it is
// wanted (LLVM, which is part of its plugin, and libdnnl are 30 to 40 MB each).
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
  /// It calls a shared library whose names other libraries of this process may have too (oneDNN is
  /// in PyTorch): both look for their names in what the plugin was linked with first.
  bool binds_own_names = false;
};

/// The symbol, of this version. Raises Error when there is none, with the places where it was
/// looked for and why what is there was not taken. A plugin stays open for ever.
///
/// Loading a file runs its code, so one rule says which files are loaded:
/// - The file that the variable names and no other, when that is set: an absolute path. Programs
///   that run with more rights than their caller has (set-uid) do not look at it.
/// - Else, in this order, in the folder of the program and of the library that Sinter is linked
///   into, lib and ../lib from there, the folder that Sinter was installed to, and the folders
///   where the system looks for the libraries of this program (LD_LIBRARY_PATH, run path, its own).
///   Of the last only absolute ones: never the current folder. The file must be one that only those
///   could have put there who could change the program too: file and folder belong to root, to this
///   process's user or to the owner of the program, and nobody else may write to them.
const void* open_plugin(const PluginName& plugin, const char* version);

}  // namespace sinter

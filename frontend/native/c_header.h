// The C header of exported code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/graph.h"

namespace sinter {

/// A pointer that an exported function takes.
struct NativeParameter {
  std::string name;  // in C
  ValueType type;
  bool is_written = false;
  std::string comment = "";  // beside shape and dtype
};

struct NativeFunctionText {
  std::string name, comment;
  std::vector<NativeParameter> parameters;
  bool has_state = false, writes_state = false;
};

struct NativeHeader {
  std::string name;   // what names in C begin with
  std::string file;   // the header's, without an ending
  std::string model;  // the model's own name
  std::string cpus;   // "x86-64-v3"
  int64_t workspace_bytes = 0;
  int64_t state_bytes = 0;  // 0: nothing trains
  int64_t threads = 1;      // that may work on a call
  std::vector<NativeFunctionText> functions;
  std::string state_offsets = "";  // macros: what lies where
};

/// "net_predict(const float* x, float* y, void* workspace)"
std::string c_signature(const NativeHeader& header, const NativeFunctionText& function);
/// As a file.
std::string c_header(const NativeHeader& header);
/// Its wrapper for C++20: a class that owns workspace and state, and takes spans.
std::string cxx_header(const NativeHeader& header);
/// The same as a module of JavaScript, for code that is WebAssembly.
std::string js_module(const NativeHeader& header);
/// The functions of the header behind `code` in C (runtime/compile_native.h).
std::string c_file(const NativeHeader& header, const std::string& code);
/// All functions that it declares.
std::vector<std::string> function_names(const NativeHeader& header);

/// "float", "uint16_t": how elements are stored.
std::string c_type(DType dtype);

/// "x", "input_1": a name for C made of a layer's, unlike the `taken` ones.
std::string c_parameter(const std::string& name, std::vector<std::string>& taken);
/// What parameters of `function` of the code called `name` may not be called: what else stands
/// beside them in the files, and macros of headers and compilers.
std::vector<std::string> taken_names(const std::string& name, const std::string& function);
/// Is it a name that functions in C may begin with?
bool is_c_name(const std::string& name);
/// Is `<file>.h` one of C's own headers?
bool is_c_header(const std::string& file);

}  // namespace sinter

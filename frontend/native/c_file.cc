// A model as C: the header's functions call those that the code generator wrote.
#include <fmt/format.h>

#include "frontend/native/c_header.h"

namespace sinter {
namespace {

std::string c_function(const NativeHeader& h, const NativeFunctionText& f) {
  std::string arguments = f.has_state ? "(unsigned char *)state, " : "";
  for (const NativeParameter& p : f.parameters)
    arguments += fmt::format("(unsigned char *){}, ", p.name);
  arguments += "(unsigned char *)workspace";
  if (h.threads > 1)
    arguments += ", (unsigned char *)(uintptr_t)parallel_for, (unsigned char *)pool";
  return fmt::format("\nint {} {{\n  return (int){}_code({});\n}}\n", c_signature(h, f), f.name,
                     arguments);
}

}  // namespace

std::string c_file(const NativeHeader& h, const std::string& code) {
  std::string text = fmt::format(
      "/* Model '{}' as C11, exported by Sinter {}. Weights, kernels, and at the end the functions "
      "of\n"
      "   {}.h. gcc and clang make vector code of it (-O2 or -O3, and -march= for the machine's "
      "own). */\n"
      "#include \"{}.h\"\n\n",
      h.model, SINTER_VERSION, h.file, h.file);
  text += code;
  for (const char* query : {"workspace_size", "state_size"}) {
    if (std::string(query) == "state_size" && h.state_bytes == 0) continue;
    text += fmt::format("\nsize_t {0}_{1}(void) {{\n  return (size_t){0}_{1}_code();\n}}\n", h.name,
                        query);
  }
  for (const char* query : {"version", "signature"})
    text +=
        fmt::format("\nconst char* {0}_{1}(void) {{\n  return (const char *){0}_{1}_code();\n}}\n",
                    h.name, query);
  if (h.state_bytes > 0)
    text += fmt::format(
        "\nint {0}_initialize(void* state, uint64_t seed) {{\n"
        "  return (int){0}_initialize_code((unsigned char *)state, seed);\n}}\n",
        h.name);
  for (const NativeFunctionText& f : h.functions) text += c_function(h, f);
  return text;
}

}  // namespace sinter

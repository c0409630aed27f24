#include <fmt/format.h>

#include <algorithm>

#include "frontend/native/c_header.h"

namespace sinter {
namespace {

std::string method(const NativeHeader& h, const NativeFunctionText& f) {
  std::string parameters, checks, arguments = f.has_state ? "state_.get(), " : "";
  for (const NativeParameter& p : f.parameters) {
    parameters += fmt::format("{}std::span<{}{}> {}", parameters.empty() ? "" : ", ",
                              p.is_written ? "" : "const ", c_type(p.type.dtype), p.name);
    checks +=
        fmt::format("    check(\"{0}\", {0}.size(), {1});\n", p.name, p.type.shape.elements());
    arguments += p.name + ".data(), ";
  }
  const std::string name = f.name.substr(h.name.size() + 1);
  return fmt::format("  void {}({}) {{\n{}    check({}({}workspace_.get(){}));\n  }}\n", name,
                     parameters, checks, f.name, arguments,
                     h.threads > 1 ? ", parallel_for_, pool_" : "");
}

}  // namespace

std::string cxx_header(const NativeHeader& h) {
  std::string guard = h.name + "_hpp";
  std::ranges::transform(guard, guard.begin(), [](unsigned char c) { return std::toupper(c); });
  const bool has_state = h.state_bytes > 0;
  std::string text = fmt::format(
      "// {0}.h for C++20: {0}::Model owns its memory, takes spans and raises "
      "std::invalid_argument for\n"
      "// one of another size. Each thread has a Model of its own.\n"
      "#ifndef {1}\n#define {1}\n\n"
      "#include <cstddef>\n#include <cstdint>\n#include <memory>\n#include <new>\n#include <span>\n"
      "#include <stdexcept>\n#include <string>\n\n#include \"{2}.h\"\n\n"
      "namespace {0} {{\n\nclass Model {{\n public:\n",
      h.name, guard, h.file);
  if (has_state) {
    text += fmt::format(
        "  explicit Model(std::uint64_t seed = 0) {{ initialize(seed); }}\n"
        "  void initialize(std::uint64_t seed) {{ check({0}_initialize(state_.get(), seed)); }}\n"
        "  /// Weights and what the optimizer keeps, to be saved or changed: {0}_OFFSET_... says "
        "what\n"
        "  /// lies where.\n"
        "  std::span<std::byte> state() {{ return {{state_.get(), {0}_STATE_SIZE}}; }}\n",
        h.name);
  }
  if (h.threads > 1) {
    text += fmt::format(
        "  /// Who works on a call ({0}.h says how); at first the calling thread alone.\n"
        "  void set_parallel_for({1}_parallel_for parallel_for, void* pool = nullptr) {{\n"
        "    parallel_for_ = parallel_for;\n    pool_ = pool;\n  }}\n",
        h.file, h.name);
  }
  for (const NativeFunctionText& f : h.functions) text += method(h, f);
  text += fmt::format(
      "\n private:\n"
      "  struct Free {{\n    void operator()(std::byte* p) const {{ ::operator delete[](p, "
      "std::align_val_t{{64}}); "
      "}}\n  }};\n"
      "  using Memory = std::unique_ptr<std::byte[], Free>;\n"
      "  static Memory allocate(std::size_t bytes) {{\n"
      "    return Memory(new (std::align_val_t{{64}}) std::byte[bytes + 1]);\n  }}\n"
      "  static void check(const char* name, std::size_t found, std::size_t wanted) {{\n"
      "    if (found != wanted)\n"
      "      throw std::invalid_argument(std::string(name) + \" has \" + std::to_string(found) +\n"
      "                                  \" elements, but \" + std::to_string(wanted) + \" are "
      "wanted\");\n  }}\n"
      "  static void check(int code) {{\n"
      "    if (code != 0) throw std::invalid_argument(\"{0}: no memory was given\");\n  }}\n"
      "  Memory workspace_ = allocate({0}_workspace_size());\n",
      h.name);
  if (h.threads > 1)
    text += fmt::format("  {}_parallel_for parallel_for_ = nullptr;\n  void* pool_ = nullptr;\n",
                        h.name);
  if (has_state) text += fmt::format("  Memory state_ = allocate({}_state_size());\n", h.name);
  return text + fmt::format("}};\n\n}}  // namespace {}\n\n#endif\n", h.name);
}

}  // namespace sinter

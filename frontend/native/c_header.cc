#include "frontend/native/c_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <sstream>
#include <string_view>

#include "frontend/session.h"

namespace sinter {
namespace {

// C23's keywords and C++20's, which no name may be.
constexpr std::string_view kKeywords =
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t "
    "char16_t char32_t class co_await co_return co_yield compl concept const const_cast "
    "consteval constexpr constinit continue decltype default delete do double dynamic_cast "
    "else enum explicit export extern false float for friend goto if inline int long mutable "
    "namespace new noexcept not not_eq nullptr operator or or_eq private protected public "
    "register reinterpret_cast requires restrict return short signed sizeof static "
    "static_assert static_cast struct switch template this thread_local throw true try typedef "
    "typeid typename typeof typeof_unqual union unsigned using virtual void volatile wchar_t "
    "while xor xor_eq ";

constexpr std::string_view kHeaders =
    " assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
    "stdalign stdarg stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn "
    "string tgmath threads time uchar wchar wctype ";

bool is_one_of(std::string_view name, std::string_view words) {
  return words.find(fmt::format(" {} ", name)) != std::string_view::npos;
}
bool is_keyword(std::string_view name) { return is_one_of(name, kKeywords); }

// "float32[32, 784]", with what C does not say.
std::string described(const NativeParameter& p) {
  std::string text = fmt::format("{}: {}", p.name, p.type.to_string());
  if (p.type.dtype == DType::kBool) text += ", 0 or 1";
  if (p.type.dtype == DType::kFloat16 || p.type.dtype == DType::kBFloat16) text += ", its bits";
  if (!p.comment.empty()) text += ", " + p.comment;
  return text;
}

std::string declaration(const NativeHeader& h, const NativeFunctionText& f) {
  std::string text = "/* " + f.comment;
  for (const NativeParameter& p : f.parameters) text += "\n   " + described(p);
  return text + fmt::format(" */\nint {};\n", c_signature(h, f));
}

std::string state_declaration(const NativeHeader& h) {
  return fmt::format(
      R"(/* The state of a training: weights, what the optimizer keeps, the count of random numbers.
   {0}_initialize() fills it with what the model held when it was exported; a seed other than 0
   begins other random numbers. It is 64-byte aligned, may be copied and saved as it is, and what
   it holds may be read and changed between steps: */
{1}#define {0}_STATE_SIZE {2}
size_t {0}_state_size(void);
int {0}_initialize(void* state, uint64_t seed);

)",
      h.name, h.state_offsets, h.state_bytes);
}

std::string threads_declaration(const NativeHeader& h) {
  return fmt::format(
      R"(/* How the caller's threads work on a call: body(task, piece, worker) is to be called once for each
   piece from 0 to pieces - 1, in any order, by at most {0}_THREADS threads at once, each with a
   number `worker` below that which no other has at that time; it returns when all are done. `pool`
   is what the caller gave. 0 for the function: the calling thread does all of it. Results are the
   same for any number of threads. */
#define {0}_THREADS {1}
typedef void (*{0}_parallel_for)(void* pool, int64_t pieces,
                                 void (*body)(void* task, int64_t piece, int worker), void* task);

)",
      h.name, h.threads);
}

}  // namespace

std::string c_type(DType dtype) {
  if (dtype == DType::kFloat32) return "float";
  if (dtype == DType::kFloat64) return "double";
  // Bools are bytes, and floats of 16 bits are their bits.
  return fmt::format("{}int{}_t", is_signed_integer(dtype) ? "" : "u", 8 * dtype_size(dtype));
}

bool is_c_name(const std::string& name) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  return !name.empty() && std::ranges::all_of(name, is_word) &&
         std::isalpha(static_cast<unsigned char>(name[0])) && !is_keyword(name);
}

bool is_c_header(const std::string& file) { return is_one_of(file, kHeaders); }

std::vector<std::string> taken_names(const std::string& name, const std::string& function) {
  std::istringstream words(
      " size_t ptrdiff_t uintptr_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t "
      "uint64_t NULL NAN INFINITY HUGE_VAL OVERFLOW UNDERFLOW DOMAIN SING errno linux unix "
      "VECTORS SHUFFLES INLINE NOINLINE FUSED PLAIN_C state workspace parallel_for pool check "
      "state_ workspace_ parallel_for_ pool_ ");
  std::vector<std::string> names{std::istream_iterator<std::string>(words), {}};
  names.insert(names.end(), {function, function + "_code", name + "_parallel_for",
                             name + "_THREADS", name + "_WORKSPACE_SIZE", name + "_STATE_SIZE"});
  return names;
}

std::string c_parameter(const std::string& name, std::vector<std::string>& taken) {
  std::string result;
  for (const char c : name)
    result += std::isalnum(static_cast<unsigned char>(c)) && static_cast<unsigned char>(c) < 0x80
                  ? c
                  : '_';
  if (result.empty() || !std::isalpha(static_cast<unsigned char>(result[0]))) result = "x" + result;
  if (is_keyword(result)) result += '_';
  const std::string plain = result;
  for (int i = 2; std::ranges::find(taken, result) != taken.end(); ++i)
    result = fmt::format("{}_{}", plain, i);
  taken.push_back(result);
  return result;
}

std::string c_signature(const NativeHeader& h, const NativeFunctionText& f) {
  std::string parameters;
  const auto add = [&](const std::string& parameter) {
    parameters += (parameters.empty() ? "" : ", ") + parameter;
  };
  if (f.has_state) add(f.writes_state ? "void* state" : "const void* state");
  for (const NativeParameter& p : f.parameters)
    add(fmt::format("{}{}* {}", p.is_written ? "" : "const ", c_type(p.type.dtype), p.name));
  add("void* workspace");
  if (h.threads > 1) add(h.name + "_parallel_for parallel_for, void* pool");
  return fmt::format("{}({})", f.name, parameters);
}

std::vector<std::string> function_names(const NativeHeader& h) {
  std::vector<std::string> names;
  for (const char* query : {"workspace_size", "version", "signature"})
    names.push_back(fmt::format("{}_{}", h.name, query));
  if (h.state_bytes > 0) {
    for (const char* name : {"state_size", "initialize"})
      names.push_back(fmt::format("{}_{}", h.name, name));
  }
  for (const NativeFunctionText& f : h.functions) names.push_back(f.name);
  return names;
}

std::string c_header(const NativeHeader& h) {
  std::string guard = h.name + "_h";
  std::ranges::transform(guard, guard.begin(), [](unsigned char c) { return std::toupper(c); });
  std::string text = fmt::format(
      R"(/* Model '{}' as native code for {}, exported by Sinter {}.

   Functions return 0, or 1 for a null pointer and 2 for a workspace that is not aligned to 64
   bytes; nothing has been written then. They allocate nothing, hold no state of their own and may
   run in any number of threads at once, each with a workspace of its own. Arrays are dense, rows
   one after the other, and must not overlap. Numbers are rounded to nearest and subnormals kept:
   the floating-point environment must be the one that C programs start with. */
#ifndef {}
#define {}

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

)",
      h.model, h.cpus, SINTER_VERSION, guard, guard);
  text += fmt::format(
      R"(/* Bytes of the workspace that any of the functions needs. Its contents mean nothing between
   calls. */
#define {0}_WORKSPACE_SIZE {1}
size_t {0}_workspace_size(void);

)",
      h.name, h.workspace_bytes);
  text += fmt::format(
      R"(/* The version of Sinter that exported it, and the model's inputs and outputs, a line each:
   "input x float32[1,784]". */
const char* {0}_version(void);
const char* {0}_signature(void);

)",
      h.name);
  if (h.threads > 1) text += threads_declaration(h);
  if (h.state_bytes > 0) text += state_declaration(h);
  for (const NativeFunctionText& f : h.functions) text += declaration(h, f) + "\n";
  return text + "#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
}

}  // namespace sinter

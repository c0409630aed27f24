#include "runtime/llvm/native/c_source.h"

#include <fmt/format.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "core/error.h"
#include "runtime/llvm/native/c_instructions.h"
#include "runtime/llvm/native/c_types.h"

namespace sinter::codegen {
namespace {

// What every file begins with.
constexpr const char* kPreamble = R"(#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error "roundings and signs of zeros mean something here: compile without -ffast-math and its parts"
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "infinities and NaN mean something here: compile without -ffinite-math-only"
#endif
#if FLT_EVAL_METHOD < 0 || FLT_EVAL_METHOD == 2
#error "floats must be rounded after each operation: compile with -msse2 -mfpmath=sse"
#endif
#if (defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) || defined(__BIG_ENDIAN__)
#error "weights lie here as little-endian machines have them"
#endif
/* A product is rounded before it is added, but where FUSED says otherwise. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#else
#pragma STDC FP_CONTRACT OFF
#endif
#ifdef __clang__
#define FUSED _Pragma("STDC FP_CONTRACT ON") /* where that is one instruction */
#else
#define FUSED
#endif
#if defined(__GNUC__) && !defined(PLAIN_C) /* -DPLAIN_C: loops over lanes for every compiler */
#define VECTORS 1
#define VECTOR_TYPE(element, count, name) typedef element name __attribute__((vector_size(sizeof(element) * (count))))
#define VECTOR(...) {__VA_ARGS__}
#define AT(v, i) (v)[i]
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define PREFETCH(p) __builtin_prefetch(p)
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors are passed between functions of this file alone */
#if defined(__AVX512F__) && !defined(__clang__)
#pragma GCC target("prefer-vector-width=512") /* for some CPUs gcc would make scalars of such vectors */
#endif
#else
#define VECTORS 0
#define VECTOR_TYPE(element, count, name) typedef struct { element at[count]; } name
#define VECTOR(...) {{__VA_ARGS__}}
#define AT(v, i) (v).at[i]
#define INLINE static inline
#define NOINLINE
#define PREFETCH(p) (void)(p)
#endif
#if VECTORS && (defined(__clang__) || __GNUC__ >= 12)
#define SHUFFLES 1
#else
#define SHUFFLES 0
#endif

)";

// Removes what nothing uses: compilers would warn.
void remove_dead(llvm::Function& function) {
  bool changed = true;
  while (changed) {
    changed = false;
    for (llvm::BasicBlock& block : function) {
      for (llvm::Instruction& i : llvm::make_early_inc_range(llvm::reverse(block))) {
        if (!i.use_empty() || i.isTerminator() || i.mayHaveSideEffects()) continue;
        i.eraseFromParent();
        changed = true;
      }
    }
  }
}

class CSource {
 public:
  explicit CSource(llvm::Module& module) : module_(module) {}

  std::string text() {
    std::string globals, prototypes, bodies;
    for (const llvm::GlobalVariable& global : module_.globals()) globals += constant_array(global);
    for (llvm::Function& function : module_) {
      if (function.isDeclaration()) continue;
      remove_dead(function);
    }
    for (llvm::Function& function : module_) {
      if (function.isDeclaration() || is_unused(function)) continue;
      prototypes += head(function) + ";\n";
      bodies += "\n" + CFunction(types_, names_, function).text(head(function));
      if (function.hasAddressTaken())
        bodies += adapter(function), prototypes += adapter_head(function) + ";\n";
    }
    return kPreamble + types_.declarations() + "\n" + globals + "\n" + prototypes + bodies;
  }

 private:
  static bool is_unused(const llvm::Function& f) { return f.hasInternalLinkage() && f.use_empty(); }

  std::string head(const llvm::Function& function) {
    std::string parameters;
    for (const llvm::Argument& argument : function.args())
      parameters += fmt::format("{}{} v{}", argument.getArgNo() == 0 ? "" : ", ",
                                types_.name(argument.getType()), argument.getArgNo());
    const bool is_apart = function.hasFnAttribute(llvm::Attribute::NoInline);
    return fmt::format("static {}{} {}({})", is_apart ? "NOINLINE " : "",
                       types_.name(function.getReturnType()), names_.of(function),
                       parameters.empty() ? "void" : parameters);
  }

  // What a `parallel_for` of the caller's calls.
  std::string adapter_head(const llvm::Function& function) {
    return fmt::format("static void {}_task(void *task, int64_t piece, int worker)",
                       names_.of(function));
  }
  std::string adapter(const llvm::Function& function) {
    return fmt::format(
        "\n{} {{\n  {}((unsigned char *)task, (uint64_t)piece, (uint32_t)worker);\n}}\n",
        adapter_head(function), names_.of(function));
  }

  std::string constant_array(const llvm::GlobalVariable& global) {
    const auto* data = llvm::dyn_cast<llvm::ConstantDataArray>(global.getInitializer());
    std::string bytes = data != nullptr ? data->getRawDataValues().str() : std::string();
    if (data == nullptr) {  // all zero
      const auto* array = llvm::cast<llvm::ArrayType>(global.getValueType());
      bytes.assign(array->getNumElements(), '\0');
    }
    const bool words = bytes.size() % 4 == 0 && global.getAlignment() >= 4;
    const size_t size = words ? 4 : 1;
    std::string text = fmt::format("static const _Alignas(64) {} {}[] = {{",
                                   words ? "uint32_t" : "unsigned char", names_.of(global));
    const size_t count = std::max(bytes.size() / size, size_t{1});
    bytes.resize(count * size);
    for (size_t i = 0; i < count; ++i) {
      text += i % 12 == 0 ? "\n  " : " ";
      if (words) {
        uint32_t word = 0;
        std::memcpy(&word, bytes.data() + 4 * i, 4);
        fmt::format_to(std::back_inserter(text), "{:#x},", word);
      } else {
        fmt::format_to(std::back_inserter(text), "{},",
                       static_cast<unsigned>(static_cast<unsigned char>(bytes[i])));
      }
    }
    return text + "\n};\n";
  }

  llvm::Module& module_;
  CTypes types_;
  CNames names_;
};

}  // namespace

std::string c_source(llvm::Module& module) { return CSource(module).text(); }

}  // namespace sinter::codegen

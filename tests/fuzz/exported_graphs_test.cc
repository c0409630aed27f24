// Random graphs as native code: what is exported gives the bits of the llvm backend. Variables are
// constants of the code, or lie in the caller's memory.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/native/link_native.h"
#include "ops/ops.h"
#include "runtime/aligned.h"
#include "runtime/compile.h"
#include "runtime/compile_native.h"
#include "tests/fuzz/random_case.h"
#include "tests/support/temporary_folder.h"

namespace sinter::fuzz {
namespace {

std::string bits(const Tensor& t) {
  return {static_cast<const char*>(t.raw()), static_cast<size_t>(t.bytes())};
}

// Memory that begins on a cache line.
class Memory {
 public:
  explicit Memory(int64_t bytes) : bytes_(static_cast<size_t>(bytes) + 64, std::byte{0xff}) {}
  std::byte* get() {
    return bytes_.data() + (64 - reinterpret_cast<uintptr_t>(bytes_.data()) % 64) % 64;
  }

 private:
  std::vector<std::byte> bytes_;
};

int call(void* function, const std::vector<void*>& arguments) {
  using P = void*;
  std::vector<void*> a = arguments;
  a.resize(24);  // what is more is not looked at
  return reinterpret_cast<int (*)(P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P,
                                  P, P)>(function)(
      a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14],
      a[15], a[16], a[17], a[18], a[19], a[20], a[21], a[22], a[23]);
}

// One random graph; its outputs and then its variables, as bits.
class ExportedCase {
 public:
  ExportedCase(Case c, CompileOptions options) : c_(std::move(c)), options_(std::move(options)) {}

  std::vector<std::string> here() const {
    CompileOptions options = options_;
    options.backend = "llvm";
    options.cache = false;
    const std::unique_ptr<Executable> executable = compile(c_.graph, options);
    std::vector<Tensor> variables;
    for (const Tensor& v : c_.variables) variables.push_back(v.clone());
    executable->bind(variables);
    std::vector<std::string> result;
    for (const Tensor& t : executable->run(c_.inputs)) result.push_back(bits(t));
    for (const Tensor& t : variables) result.push_back(bits(t));
    return result;
  }

  // Nothing where it has more arguments than call() passes.
  std::optional<std::vector<std::string>> exported(bool in_state,
                                                   const testing::TemporaryFolder& folder) const {
    std::vector<int64_t> offsets;
    int64_t bytes = 0;
    for (const Tensor& v : c_.variables) {
      offsets.push_back(bytes);
      bytes += aligned(v.bytes());
    }
    NativeEntry entry{.function = "net_run", .graph = c_.graph, .options = options_, .storage = {}};
    entry.storage = [&](std::string_view name) {
      const size_t i = variable_index(c_, name);
      return NativeStorage{c_.variables[i], in_state ? offsets[i] : -1};
    };
    NativeOptions options;
    options.name = "net";
    if (in_state) {
      options.state = NativeState{.function = "net_initialize", .variables = {}, .bytes = bytes};
      for (size_t i = 0; i < offsets.size(); ++i)
        options.state->variables.push_back({c_.variables[i], offsets[i]});
    }
    const NativeCode code = compile_native({&entry, 1}, options);
    write_file_atomically(folder.file("net.so"), link_shared(code.code, "net.so", ""), false);
    void* library = ::dlopen(folder.file("net.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library, nullptr) << ::dlerror();
    Memory workspace(code.workspace_bytes[0]), state(bytes + 64);
    std::vector<void*> arguments;
    if (in_state) {
      auto* initialize =
          reinterpret_cast<int (*)(void*, uint64_t)>(::dlsym(library, "net_initialize"));
      EXPECT_EQ(initialize(state.get(), 0), 0);
      arguments.push_back(state.get());
    }
    std::vector<Tensor> inputs, outputs;
    for (const Tensor& t : c_.inputs) inputs.push_back(t.clone());
    const Graph specialized =
        has_symbolic_batch(c_.graph) ? specialize(c_.graph, options_.batch) : c_.graph;
    for (const Graph::Output& o : specialized.outputs()) {
      const ValueType& type = specialized.type(o.value);
      outputs.emplace_back(type.dtype, type.shape);
    }
    static char nothing;  // what an empty tensor's pointer may be
    for (std::vector<Tensor>* tensors : {&inputs, &outputs}) {
      for (Tensor& t : *tensors) arguments.push_back(t.bytes() == 0 ? &nothing : t.raw());
    }
    arguments.push_back(workspace.get());
    std::optional<std::vector<std::string>> result;
    if (arguments.size() <= 24) {
      EXPECT_EQ(call(::dlsym(library, "net_run"), arguments), 0);
      result.emplace();
      for (const Tensor& t : outputs) result->push_back(bits(t));
      for (size_t i = 0; i < offsets.size(); ++i) {
        const auto* begin = reinterpret_cast<const char*>(state.get() + offsets[i]);
        result->push_back(in_state
                              ? std::string(begin, static_cast<size_t>(c_.variables[i].bytes()))
                              : bits(c_.variables[i]));
      }
      for (size_t i = 0; i < inputs.size(); ++i) EXPECT_EQ(bits(inputs[i]), bits(c_.inputs[i]));
    }
    ::dlclose(library);
    return result;
  }

 private:
  Case c_;
  CompileOptions options_;
};

TEST(ExportedGraphs, GiveTheBitsOfTheBackend) {
  register_ops();
  const int64_t from = campaign_number("SINTER_EXPORT_FROM", 0),
                count = campaign_number("SINTER_EXPORT_GRAPHS", 60);
  int64_t ran = 0, in_memory = 0;
  for (int64_t seed = from; seed < from + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomCase random = random_case(static_cast<uint64_t>(seed), {.steps = 12});
    ASSERT_EQ(random.fault, "");
    CompileOptions options;
    options.batch = random.c.batch;
    const bool updates = !random.c.graph.updates().empty();
    options.pipeline = updates || seed % 2 == 0 ? "training" : "inference";
    const bool in_state = updates || seed % 3 == 0;
    if (in_state && random.c.variables.empty()) continue;
    const testing::TemporaryFolder folder;
    const ExportedCase run(std::move(random.c), options);
    const std::optional<std::vector<std::string>> found = run.exported(in_state, folder);
    if (!found) continue;
    const std::vector<std::string> expected = run.here();
    ASSERT_EQ(found->size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ((*found)[i], expected[i]) << "result " << i;
    ++ran;
    in_memory += in_state;
  }
  EXPECT_GT(4 * ran, 3 * count);
  EXPECT_GT(in_memory, 0);
}

}  // namespace
}  // namespace sinter::fuzz

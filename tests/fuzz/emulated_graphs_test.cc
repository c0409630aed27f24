// Random graphs as native code for other machines, run by qemu, and as C: results lie within the
// bounds that every backend is judged by.
#include <gtest/gtest.h>

#include <cstring>

#include "core/file_io.h"
#include "frontend/native/link_native.h"
#include "ops/ops.h"
#include "runtime/aligned.h"
#include "runtime/compile_native.h"
#include "frontend/verify/check.h"
#include "tests/fuzz/random_case.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::fuzz {
namespace {

struct Emulated {
  std::string name, target, cpu, run;  // no target: as C
  friend void PrintTo(const Emulated& machine, std::ostream* out) { *out << machine.name; }
};

const std::vector<Emulated> kEmulated = {
    {"aarch64", "aarch64-linux-gnu", "native", "qemu-aarch64 -L /usr/aarch64-linux-gnu"},
    {"riscv64", "riscv64-linux-gnu", "native", "qemu-riscv64 -L /usr/riscv64-linux-gnu"},
    {"riscv64_vectors", "riscv64-linux-gnu", "generic-rv64,+m,+a,+f,+d,+c,+v",
     "qemu-riscv64 -cpu rv64,v=true,vext_spec=v1.0,vlen=128 -L /usr/riscv64-linux-gnu"},
    {"c", "", "native", "env"},
};

class EmulatedGraphs : public ::testing::TestWithParam<Emulated> {};

testing::ProcessResult shell(const std::string& command) {
  return testing::run_process({"/bin/sh", "-c", command});
}

TEST_P(EmulatedGraphs, LieWithinTheirBounds) {
  const Emulated& machine = GetParam();
  const std::string emulator = machine.run.substr(0, machine.run.find(' '));
  const bool is_c = machine.target.empty();
  const std::string compiler = is_c ? "gcc" : machine.target + "-gcc";
  if (shell("command -v " + emulator + " && command -v " + compiler).exit_code != 0)
    GTEST_SKIP() << "no " << emulator << " or " << compiler << ": NOT TESTED";
  register_ops();
  const testing::TemporaryFolder folder;
  const std::string program = folder.file("run_graph");
  const testing::ProcessResult built =
      shell(compiler + " -O1 -Wall -Werror -o " + program +
            " " SINTER_SOURCE_DIR "/tests/export/programs/run_graph.c -ldl");
  ASSERT_EQ(built.exit_code, 0) << built.err;
  const int64_t from = campaign_number("SINTER_EXPORT_FROM", 0),
                count = campaign_number("SINTER_EXPORT_GRAPHS", 12);
  JudgeCounts counts;
  int64_t ran = 0;
  for (int64_t seed = from; seed < from + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RandomCase random = random_case(static_cast<uint64_t>(seed), {.steps = 12});
    ASSERT_EQ(random.fault, "");
    const Case& c = random.c;
    const Graph graph = has_symbolic_batch(c.graph) ? specialize(c.graph, c.batch) : c.graph;
    if (graph.inputs().size() + graph.outputs().size() > 22) continue;
    std::vector<int64_t> offsets;
    std::string data;  // variables, then inputs
    for (const Tensor& v : c.variables) {
      offsets.push_back(static_cast<int64_t>(data.size()));
      data.append(static_cast<const char*>(v.raw()), static_cast<size_t>(v.bytes()));
      data.resize(static_cast<size_t>(aligned(static_cast<int64_t>(data.size()))));
    }
    if (!offsets.empty() && data.empty()) data.resize(64);  // all are empty
    const bool has_state = !c.variables.empty();
    const auto state_bytes = static_cast<int64_t>(data.size());
    NativeEntry entry{.function = "net_run", .graph = c.graph, .options = {}, .storage = {}};
    entry.options.batch = c.batch;
    entry.options.pipeline = "training";
    entry.options.strict_precision = true;
    entry.storage = [&](std::string_view name) {
      const size_t v = variable_index(c, name);
      return NativeStorage{c.variables[v], offsets[v]};
    };
    NativeOptions options;
    options.name = "net";
    options.target = machine.target;
    options.cpus = {machine.cpu};
    if (has_state) {
      options.state =
          NativeState{.function = "net_initialize", .variables = {}, .bytes = state_bytes};
      for (size_t v = 0; v < offsets.size(); ++v)
        options.state->variables.push_back({c.variables[v], offsets[v]});
    }
    if (is_c) options.output = NativeOptions::Output::kC;
    const NativeCode code = compile_native({&entry, 1}, options);
    if (is_c) {
      std::string parameters, arguments;
      const size_t count = graph.inputs().size() + graph.outputs().size() + (has_state ? 2 : 1);
      for (size_t a = 0; a < count; ++a) {
        parameters += (a == 0 ? "void *a" : ", void *a") + std::to_string(a);
        arguments += (a == 0 ? "a" : ", a") + std::to_string(a);
      }
      std::string unused;  // of a file that a header's functions would end
      for (const char* query : {"net_workspace_size", "net_state_size", "net_initialize"}) {
        if (has_state || std::string(query) == "net_workspace_size")
          unused += std::string("(void)") + query + "_code; ";
      }
      write_file_atomically(folder.file("net.c"),
                            code.code + "int net_run(" + parameters + ") { " + unused +
                                "return (int)net_run_code(" + arguments + "); }\n",
                            false);
      const testing::ProcessResult made = shell(
          "cd " + folder.path() +
          " && gcc -std=c11 -Wall -Wextra -Wconversion -Werror -O1 -march=native -fPIC -shared "
          "-o net.so net.c -lm");
      ASSERT_EQ(made.exit_code, 0) << made.err.substr(0, 3000);
    } else {
      write_file_atomically(folder.file("net.so"), link_shared(code.code, "net.so", machine.target),
                            false);
    }
    std::string words = std::to_string(code.workspace_bytes[0]) + " " + std::to_string(state_bytes);
    for (const Tensor& t : c.inputs) {
      data.append(static_cast<const char*>(t.raw()), static_cast<size_t>(t.bytes()));
      words += " " + std::to_string(t.bytes());
    }
    words += " :";
    for (const Graph::Output& o : graph.outputs())
      words += " " + std::to_string(graph.type(o.value).bytes());
    write_file_atomically(folder.file("input"), data, false);
    const testing::ProcessResult r =
        shell(machine.run + " " + program + " " + folder.file("net.so") + " " + words + " < " +
              folder.file("input"));
    ASSERT_EQ(r.exit_code, 0) << words << "\n" << r.err;
    const Expectation expected = expectation_of(c);
    size_t at = 0;
    const auto expect = [&](const ValueType& type, ValueId value, const std::string& name) {
      Tensor got(type.dtype, type.shape);
      ASSERT_LE(at + static_cast<size_t>(type.bytes()), r.out.size());
      std::memcpy(got.raw(), r.out.data() + at, static_cast<size_t>(type.bytes()));
      at += static_cast<size_t>(type.bytes());
      EXPECT_EQ(judge(got, expected.at(value), &counts), "") << name;
    };
    for (size_t o = 0; o < graph.outputs().size(); ++o)
      expect(graph.type(graph.outputs()[o].value), expected.lowered.outputs()[o].value,
             "output " + graph.outputs()[o].name);
    const size_t state = at;
    for (const Graph::Update& update : expected.lowered.updates()) {
      const std::string& name = expected.lowered.node(update.variable).name;
      const size_t v = variable_index(c, name);
      at = state + static_cast<size_t>(offsets[v]);
      expect(c.variables[v].type(), update.value, "variable " + name);
    }
    ++ran;
  }
  EXPECT_GT(2 * ran, count);
  EXPECT_LT(counts.unknown, counts.elements / 4);
}

INSTANTIATE_TEST_SUITE_P(Machines, EmulatedGraphs, ::testing::ValuesIn(kEmulated),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sinter::fuzz

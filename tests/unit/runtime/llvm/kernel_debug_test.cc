// What gdb is told of kernels: the list that its JIT interface reads, names, lines.
#include "runtime/llvm/jit/kernel_debug.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/error.h"
#include "core/graph.h"
#include "ops/ops.h"
#include "runtime/compile.h"

extern "C" {
struct jit_code_entry {
  jit_code_entry *next_entry, *prev_entry;
  const char* symfile_addr;
  uint64_t symfile_size;
};
struct jit_descriptor {
  uint32_t version, action_flag;
  jit_code_entry *relevant_entry, *first_entry;
};
extern jit_descriptor __jit_debug_descriptor;
}

namespace sinter::codegen {
namespace {

/// A header and two sections without anything.
std::string object_file() {
  Elf64_Ehdr header = {};
  header.e_shoff = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 2;
  std::string bytes(sizeof header + 2 * sizeof(Elf64_Shdr), '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

int listed() {
  int count = 0;
  const jit_code_entry* before = nullptr;
  for (const jit_code_entry* e = __jit_debug_descriptor.first_entry; e != nullptr;
       before = e, e = e->next_entry, ++count)
    EXPECT_EQ(e->prev_entry, before);
  return count;
}

TEST(DebuggedObject, IsListedAsLongAsItLives) {
  const int before = listed();
  auto first = std::make_unique<DebuggedObject>(object_file(),
                                                std::vector<DebuggedObject::Section>{{1, 0x1234}});
  Elf64_Shdr section;
  std::memcpy(
      &section,
      __jit_debug_descriptor.first_entry->symfile_addr + sizeof(Elf64_Ehdr) + sizeof section,
      sizeof section);
  EXPECT_EQ(section.sh_addr, 0x1234u);
  auto second =
      std::make_unique<DebuggedObject>(object_file(), std::vector<DebuggedObject::Section>());
  auto third =
      std::make_unique<DebuggedObject>(object_file(), std::vector<DebuggedObject::Section>());
  EXPECT_EQ(listed(), before + 3);
  second.reset();
  EXPECT_EQ(listed(), before + 2);
  third.reset();
  first.reset();
  EXPECT_EQ(listed(), before);
}

TEST(DebuggedObject, SectionsBeyondTheFileAreRefused) {
  const int before = listed();
  EXPECT_THROW(DebuggedObject(object_file(), {{2, 0}}), InternalError);
  EXPECT_THROW(DebuggedObject("ELF", {}), InternalError);
  EXPECT_EQ(listed(), before);
}

TEST(KernelDebug, HasTheLinesOfAllThatIsFused) {
  register_ops();
  Graph graph("g");
  const auto from = [&](const char* layer, int line) {
    graph.set_origin(std::make_shared<const Origin>(Origin{layer, "net.cc", line}));
  };
  const Symbol x = graph.input("x", {DType::kFloat32, {8}});
  from("first layer", 3);
  const Symbol h = graph.add1("exp", {x});
  from("second", 5);
  graph.add_output("y", graph.add1("multiply", {h, x}).id());
  const Graph lowered = lower(graph, {.backend = "llvm"});
  std::vector<SourceLine> lines;
  std::string name;
  for (int32_t i = 0; i < lowered.size(); ++i) {
    if (lowered.node(i).op->kind == KernelKind::kSource) continue;
    const KernelDebug debug = debug_of_node(lowered, i, &graph);
    name += debug.name;
    lines.insert(lines.end(), debug.lines.begin(), debug.lines.end());
  }
  EXPECT_THAT(lines,
              ::testing::UnorderedElementsAre(SourceLine{"net.cc", 3}, SourceLine{"net.cc", 5}));
  // Alone, a kernel knows the line of the first one.
  EXPECT_EQ(debug_of_node(lowered, lowered.size() - 1, nullptr).lines.size(), 1u);
  EXPECT_THAT(name, ::testing::MatchesRegex("[a-z_]+_n[0-9]+"));
  EXPECT_THAT(name, ::testing::HasSubstr("first_layer"));
}

}  // namespace
}  // namespace sinter::codegen

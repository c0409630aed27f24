#include "runtime/llvm/jit/kernel_debug.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "core/error.h"
#include "core/fork.h"

// gdb's JIT interface ("JIT Compilation Interface" of its manual): it stops at the function and
// reads the list. Weak, since a program may have another JIT with the same ones.
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
__attribute__((weak, noinline, visibility("default"))) void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
__attribute__((weak, visibility("default")))
jit_descriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};
}

namespace sinter::codegen {
namespace {

enum JitAction : uint32_t { kJitNone, kJitRegister, kJitUnregister };

ForkMutex& gdb_mutex() {
  static auto* mutex = new ForkMutex;
  return *mutex;
}

void tell_gdb(jit_code_entry& entry, JitAction action) {
  __jit_debug_descriptor.relevant_entry = &entry;
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_register_code();
  __jit_debug_descriptor.action_flag = kJitNone;
  __jit_debug_descriptor.relevant_entry = nullptr;
}

void add_line(const Origin& origin, std::vector<SourceLine>& lines) {
  if (origin.file.empty()) return;
  const SourceLine line{origin.file, origin.line};
  if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
}

bool has_layer(std::string_view joined, std::string_view layer) {
  while (!joined.empty()) {
    const size_t end = std::min(joined.find('+'), joined.size());
    if (joined.substr(0, end) == layer) return true;
    joined.remove_prefix(std::min(end + 1, joined.size()));
  }
  return false;
}

void add_lines(const Node& node, const Graph* as_built, std::vector<SourceLine>& lines) {
  if (node.origin) {
    add_line(*node.origin, lines);
    const bool is_joined = node.origin->layer.find('+') != std::string::npos;
    for (int32_t i = 0; is_joined && as_built != nullptr && i < as_built->size(); ++i) {
      const std::shared_ptr<const Origin>& origin = as_built->node(i).origin;
      if (origin && has_layer(node.origin->layer, origin->layer)) add_line(*origin, lines);
    }
  }
  if (node.op->kind != KernelKind::kFusion) return;
  for (const Node& inner : node.attributes.get_graph("body").nodes()) {
    if (inner.op->kind != KernelKind::kSource) add_lines(inner, as_built, lines);
  }
}

}  // namespace

const std::string& debug_folder() {
  static const std::string folder = [] {
    const char* value = std::getenv("SINTER_DEBUG_KERNELS");
    return value == nullptr || *value == '\0'
               ? std::string()
               : std::filesystem::absolute(std::filesystem::path(value)).string();
  }();
  return folder;
}

std::string as_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    name += plain ? c : '_';
  }
  return name;
}

KernelDebug debug_of_node(const Graph& graph, int32_t index, const Graph* as_built) {
  const Node& node = graph.node(index);
  KernelDebug debug;
  debug.name = fmt::format(
      "{}_n{}",
      as_name(node.origin && !node.origin->layer.empty() ? node.origin->layer : node.op->name),
      index);
  add_lines(node, as_built, debug.lines);
  return debug;
}

struct DebuggedObject::Entry : jit_code_entry {};

DebuggedObject::DebuggedObject(std::string object, const std::vector<Section>& sections)
    : object_(std::move(object)), entry_(std::make_unique<Entry>()) {
  Elf64_Ehdr header;
  SINTER_CHECK(object_.size() >= sizeof header, "an object file");
  std::memcpy(&header, object_.data(), sizeof header);
  for (const Section& section : sections) {
    const uint64_t at = header.e_shoff + uint64_t{section.number} * header.e_shentsize;
    SINTER_CHECK(section.number < header.e_shnum && at + sizeof(Elf64_Shdr) <= object_.size(),
                 "a section of an object file");
    std::memcpy(object_.data() + at + offsetof(Elf64_Shdr, sh_addr), &section.address,
                sizeof section.address);
  }
  entry_->symfile_addr = object_.data();
  entry_->symfile_size = object_.size();
  const std::lock_guard lock(gdb_mutex());
  entry_->prev_entry = nullptr;
  entry_->next_entry = __jit_debug_descriptor.first_entry;
  if (entry_->next_entry != nullptr) entry_->next_entry->prev_entry = entry_.get();
  __jit_debug_descriptor.first_entry = entry_.get();
  tell_gdb(*entry_, kJitRegister);
}

DebuggedObject::~DebuggedObject() {
  const std::lock_guard lock(gdb_mutex());
  jit_code_entry *next = entry_->next_entry, *before = entry_->prev_entry;
  if (next != nullptr) next->prev_entry = before;
  (before != nullptr ? before->next_entry : __jit_debug_descriptor.first_entry) = next;
  tell_gdb(*entry_, kJitUnregister);
}

}  // namespace sinter::codegen

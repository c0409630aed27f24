// Object file to kernel image: the small part of a linker that kernels need.
#include <fmt/format.h>
#include <llvm/BinaryFormat/ELF.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Support/MathExtras.h>

#include <cstring>
#include <map>
#include <optional>

#include "core/error.h"
#include "runtime/llvm/jit/jit.h"
#include "runtime/llvm/jit/kernel_image.h"

namespace sinter::codegen {
namespace {

namespace elf = llvm::ELF;
using llvm::object::ELFObjectFile;
using llvm::object::SectionRef;
using llvm::object::SymbolRef;
using ElfObject = ELFObjectFile<llvm::object::ELF64LE>;

template <typename T>
T take(llvm::Expected<T> value, const char* what) {
  if (!value) raise_internal(what, llvm::toString(value.takeError()));
  return std::move(*value);
}

class Linker {
 public:
  explicit Linker(std::string_view object)
      : object_(take(ElfObject::create(llvm::MemoryBufferRef({object.data(), object.size()}, "")),
                     "an object file")) {}

  KernelImage link(const std::vector<std::string>& functions) {
    for (const SectionRef& section : object_.sections()) place(section);
    for (const SectionRef& section : object_.sections()) relocate(section);
    for (const std::string& name : functions) image_.functions.push_back(offset_of(name));
    for (const auto& [section, place] : places_)
      image_.sections.push_back({static_cast<uint32_t>(section), static_cast<uint32_t>(place)});
    return std::move(image_);
  }

 private:
  // Instructions and constants are kept; unwind tables, notes and the like are not, since kernels
  // never throw.
  void place(const SectionRef& section) {
    const llvm::object::ELFSectionRef s(section);
    const std::string name = take(s.getName(), "a section's name").str();
    if ((s.getFlags() & elf::SHF_ALLOC) == 0 || s.getSize() == 0 || name == ".eh_frame") return;
    if ((s.getFlags() & elf::SHF_WRITE) != 0 || s.getType() != elf::SHT_PROGBITS)
      raise_internal("kernels have no data of their own", name);
    const uint64_t alignment = s.getAlignment().value();
    if (alignment > KernelImage::kAlignment) raise_internal("a usual alignment", name);
    pad(alignment);
    places_[section.getIndex()] = image_.code.size();
    image_.code += take(s.getContents(), "the bytes of a section");
  }

  void relocate(const SectionRef& section) {
    const auto target = take(section.getRelocatedSection(), "the target of relocations");
    if (target == object_.section_end()) return;
    const auto place = places_.find(target->getIndex());
    if (place == places_.end()) return;
    for (const llvm::object::ELFRelocationRef relocation : section.relocations()) {
      const uint64_t at = place->second + relocation.getOffset();
      const int64_t addend = take(relocation.getAddend(), "an addend");
      const int64_t value =
          static_cast<int64_t>(find(relocation)) + addend - static_cast<int64_t>(at);
      if (!llvm::isInt<32>(value) || at + 4 > image_.code.size())
        raise_internal("a near target", fmt::format("{} bytes", value));
      const auto word = static_cast<int32_t>(value);
      std::memcpy(image_.code.data() + at, &word, sizeof(word));
    }
  }

  // The place in the image that a relocation speaks of.
  uint64_t find(const llvm::object::ELFRelocationRef& relocation) {
    const SymbolRef symbol = *relocation.getSymbol();
    const auto section = take(symbol.getSection(), "the section of a symbol");
    const bool is_import = section == object_.section_end();
    switch (relocation.getType()) {
      case elf::R_X86_64_PC32:
      case elf::R_X86_64_PLT32: return is_import ? import(symbol).stub : place_of(symbol);
      case elf::R_X86_64_GOTPCREL:
      case elf::R_X86_64_GOTPCRELX:
      case elf::R_X86_64_REX_GOTPCRELX:
        if (is_import) return import(symbol).slot;
        break;
      default: break;
    }
    llvm::SmallString<32> type;
    relocation.getTypeName(type);
    raise_internal("a known relocation", type.str().str());
  }

  uint64_t place_of(const SymbolRef& symbol) {
    const auto section = take(symbol.getSection(), "the section of a symbol");
    const auto place =
        section == object_.section_end() ? places_.end() : places_.find(section->getIndex());
    if (place == places_.end())
      raise_internal("a symbol of a kept section", take(symbol.getName(), "a name").str());
    return place->second + take(symbol.getValue(), "the value of a symbol");
  }

  struct Import {
    uint64_t stub = 0, slot = 0;
  };

  // A function of this process may be anywhere, so it is called by a jump through a slot: sixteen
  // bytes, `jmp *2(%rip)`, two of padding, the slot.
  const Import& import(const SymbolRef& symbol) {
    const std::string name = take(symbol.getName(), "a name").str();
    const auto [it, added] = imports_.try_emplace(name);
    if (!added) return it->second;
    const std::optional<uint32_t> number = import_number(name);
    if (!number) raise_internal("a function that kernels may call", name);
    pad(16);
    it->second = {image_.code.size(), image_.code.size() + 8};
    image_.code.append("\xff\x25\x02\x00\x00\x00\xcc\xcc", 8);
    image_.code.append(8, '\0');
    image_.imports.push_back({*number, static_cast<uint32_t>(it->second.slot)});
    return it->second;
  }

  uint32_t offset_of(const std::string& function) {
    for (const SymbolRef& symbol : object_.symbols()) {
      if (take(symbol.getName(), "a name") == function)
        return static_cast<uint32_t>(place_of(symbol));
    }
    raise_internal("a function", function);
  }

  void pad(uint64_t alignment) {
    image_.code.resize((image_.code.size() + alignment - 1) / alignment * alignment, '\0');
  }

  ElfObject object_;
  KernelImage image_;
  std::map<uint64_t, uint64_t> places_;  // section, offset in the image
  std::map<std::string, Import> imports_;
};

}  // namespace

std::string link_image(std::string_view object, const std::vector<std::string>& functions,
                       bool keeps_object) {
  KernelImage image = Linker(object).link(functions);
  if (keeps_object)
    image.object = object;
  else
    image.sections.clear();
  return image.to_bytes();
}

}  // namespace sinter::codegen

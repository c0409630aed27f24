#include "runtime/llvm/jit/kernel_image.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "runtime/llvm/jit/kernel_debug.h"

namespace sinter::codegen {
namespace {

struct Header {
  char magic[8] = {'S', 'N', 'T', 'R', 'k', 'r', 'n', '2'};
  uint32_t functions = 0, imports = 0, sections = 0, unused = 0;
  uint64_t code_bytes = 0, object_bytes = 0;
};

struct NamedFunction {
  std::string_view name;
  void* address;
};

template <typename Result, typename... Arguments>
NamedFunction named(std::string_view name, Result (*function)(Arguments...)) {
  return {name, reinterpret_cast<void*>(function)};
}

// What generated code calls where it has no instructions of its own. The order is part of images.
const NamedFunction kImports[] = {
    named<float, float>("sinf", ::sinf),
    named<double, double>("sin", ::sin),
    named<float, float>("cosf", ::cosf),
    named<double, double>("cos", ::cos),
    named<float, float, float>("powf", ::powf),
    named<double, double, double>("pow", ::pow),
    named<float, float, float>("fmodf", ::fmodf),
    named<double, double, double>("fmod", ::fmod),
    named<float, float>("erff", ::erff),
    named<double, double>("erf", ::erf),
    named<float, float>("floorf", ::floorf),
    named<double, double>("floor", ::floor),
    named<float, float>("ceilf", ::ceilf),
    named<double, double>("ceil", ::ceil),
    named<float, float>("truncf", ::truncf),
    named<double, double>("trunc", ::trunc),
    named<float, float>("rintf", ::rintf),
    named<double, double>("rint", ::rint),
    named<float, float>("nearbyintf", ::nearbyintf),
    named<double, double>("nearbyint", ::nearbyint),
    named<float, float>("roundevenf", ::roundevenf),
    named<double, double>("roundeven", ::roundeven),
    named<void*, void*, const void*, size_t>("memcpy", ::memcpy),
    named<void*, void*, const void*, size_t>("memmove", ::memmove),
    named<void*, void*, int, size_t>("memset", ::memset),
};

size_t aligned_size(size_t bytes) {
  return (bytes + KernelImage::kAlignment - 1) / KernelImage::kAlignment * KernelImage::kAlignment;
}

}  // namespace

std::optional<uint32_t> import_number(std::string_view name) {
  for (uint32_t i = 0; i < std::size(kImports); ++i) {
    if (kImports[i].name == name) return i;
  }
  return std::nullopt;
}

std::string KernelImage::to_bytes() const {
  Header header;
  header.functions = static_cast<uint32_t>(functions.size());
  header.imports = static_cast<uint32_t>(imports.size());
  header.sections = static_cast<uint32_t>(sections.size());
  header.code_bytes = code.size();
  header.object_bytes = object.size();
  std::string bytes;
  const auto append = [&](const void* data, size_t count) {
    bytes.append(static_cast<const char*>(data), count);
  };
  append(&header, sizeof(header));
  append(functions.data(), functions.size() * sizeof(functions[0]));
  append(imports.data(), imports.size() * sizeof(imports[0]));
  append(sections.data(), sections.size() * sizeof(sections[0]));
  bytes += code;
  bytes += object;
  return bytes;
}

std::optional<KernelImage> KernelImage::parse(std::string_view bytes) {
  Header header;
  const Header expected;
  if (bytes.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof(header));
  bytes.remove_prefix(sizeof(header));
  if (std::memcmp(header.magic, expected.magic, sizeof(header.magic)) != 0) return std::nullopt;
  // Counts are 32 bits wide, so that these sums cannot overflow.
  const uint64_t tables = uint64_t{header.functions} * sizeof(uint32_t) +
                          uint64_t{header.imports} * sizeof(Import) +
                          uint64_t{header.sections} * sizeof(Section);
  if (bytes.size() < tables || header.code_bytes > bytes.size() - tables ||
      header.object_bytes != bytes.size() - tables - header.code_bytes)
    return std::nullopt;
  KernelImage image;
  image.functions.resize(header.functions);
  image.imports.resize(header.imports);
  image.sections.resize(header.sections);
  const auto take = [&](auto& table) {
    const size_t count = table.size() * sizeof(table[0]);
    if (count > 0) std::memcpy(table.data(), bytes.data(), count);
    bytes.remove_prefix(count);
  };
  take(image.functions);
  take(image.imports);
  take(image.sections);
  image.code = bytes.substr(0, header.code_bytes);
  image.object = bytes.substr(header.code_bytes);
  for (uint32_t offset : image.functions) {
    if (offset >= image.code.size()) return std::nullopt;
  }
  for (const Import& import : image.imports) {
    if (import.function >= std::size(kImports) || import.slot % sizeof(void*) != 0 ||
        uint64_t{import.slot} + sizeof(void*) > image.code.size())
      return std::nullopt;
  }
  return image;
}

class LoadedKernel::Memory {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes) {
    data_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) fail("no memory");
  }
  ~Memory() { ::munmap(data_, bytes_); }
  Memory(const Memory&) = delete;
  char* data() const { return static_cast<char*>(data_); }
  std::vector<std::unique_ptr<DebuggedObject>> debugged;
  void make_executable() {
    if (::mprotect(data_, bytes_, PROT_READ | PROT_EXEC) != 0) fail("no right to execute it");
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw Error(fmt::format("loading {} bytes of compiled code: {} ({})", bytes_, what,
                            std::strerror(errno)));
  }
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

std::vector<std::shared_ptr<const LoadedKernel>> load_kernels(std::span<const KernelImage> images) {
  std::vector<std::shared_ptr<const LoadedKernel>> kernels;
  size_t bytes = 0;
  for (const KernelImage& image : images) bytes += aligned_size(image.code.size());
  // A kernel of nothing (no elements) has no code at all.
  if (bytes == 0) bytes = KernelImage::kAlignment;
  const auto memory = std::make_shared<LoadedKernel::Memory>(bytes);
  char* at = memory->data();
  for (const KernelImage& image : images) {
    std::memcpy(at, image.code.data(), image.code.size());
    for (const KernelImage::Import& import : image.imports)
      std::memcpy(at + import.slot, &kImports[import.function].address, sizeof(void*));
    auto kernel = std::make_shared<LoadedKernel>();
    for (uint32_t offset : image.functions) kernel->functions_.push_back(at + offset);
    kernel->memory_ = memory;
    kernels.push_back(std::move(kernel));
    at += aligned_size(image.code.size());
  }
  memory->make_executable();
  at = memory->data();
  for (const KernelImage& image : images) {
    if (!image.object.empty()) {
      std::vector<DebuggedObject::Section> sections;
      for (const KernelImage::Section& section : image.sections)
        sections.push_back({section.number, reinterpret_cast<uintptr_t>(at) + section.offset});
      memory->debugged.push_back(std::make_unique<DebuggedObject>(image.object, sections));
    }
    at += aligned_size(image.code.size());
  }
  return kernels;
}

}  // namespace sinter::codegen

#include "runtime/llvm/jit/perf_dump.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <mutex>

#include "core/fork.h"

namespace sinter::codegen {
namespace {

struct DumpHeader {
  uint32_t magic = 0x4A695444;  // "JiTD"
  uint32_t version = 1;
  uint32_t total_size = sizeof(DumpHeader);
#if defined(__aarch64__)
  uint32_t machine = EM_AARCH64;
#else
  uint32_t machine = EM_X86_64;
#endif
  uint32_t padding = 0;
  uint32_t process = 0;
  uint64_t timestamp = 0;
  uint64_t flags = 0;
};
static_assert(sizeof(DumpHeader) == 40);

// JIT_CODE_LOAD; the name with its NUL and the code follow.
struct DumpedCode {
  uint32_t id = 0;
  uint32_t total_size = 0;
  uint64_t timestamp = 0;
  uint32_t process = 0, thread = 0;
  uint64_t vma = 0, address = 0, size = 0, index = 0;
};
static_assert(sizeof(DumpedCode) == 56);

// That of `perf record -k mono`.
uint64_t dump_clock() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

template <typename Record>
void append_record(std::string& bytes, const Record& record) {
  bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
}

// A file a process; a forked child begins one of its own.
struct DumpFile {
  ForkMutex mutex;
  std::string folder;
  pid_t process = 0;
  int file = -1;
  uint64_t index = 0;

  bool open_in(const char* name) {
    if (file >= 0 && process == ::getpid() && folder == name) return true;
    if (file >= 0) ::close(file);
    folder = name;
    process = ::getpid();
    const std::string path = fmt::format("{}/jit-{}.dump", name, process);
    file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0) return false;
    DumpHeader header;
    header.process = static_cast<uint32_t>(process);
    header.timestamp = dump_clock();
    if (::write(file, &header, sizeof header) != sizeof header) return false;
    // perf notes mappings that may be executed: by this one it finds the file.
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    (void)::mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    return true;
  }
};

}  // namespace

std::vector<KernelFunction> functions_of(const LoadedKernel& kernel, const KernelImage& image,
                                         const std::string& name) {
  std::vector<KernelFunction> functions;
  if (kernel.functions() == 0) return functions;
  std::vector<uint32_t> places = image.functions;
  places.push_back(static_cast<uint32_t>(image.code.size()));
  std::ranges::sort(places);
  const uintptr_t base = reinterpret_cast<uintptr_t>(kernel.function(0)) - image.functions.front();
  if (places.front() > 0) functions.push_back({base, places.front(), name + " [inner]"});
  for (size_t f = 0; f < kernel.functions(); ++f) {
    const uint32_t begin = image.functions[f], end = *std::ranges::upper_bound(places, begin);
    functions.push_back({base + begin, end - begin,
                         name + (kernel.functions() > 1 ? fmt::format(" [function {}]", f) : "")});
  }
  return functions;
}

void dump_for_perf(std::span<const std::shared_ptr<const LoadedKernel>> kernels,
                   std::span<const KernelImage> images, std::span<const KernelPlan* const> plans) {
  const char* folder = std::getenv("SINTER_PERF_DUMP");
  if (folder == nullptr || *folder == '\0') return;
  static auto* dump = new DumpFile;
  const std::lock_guard lock(dump->mutex);
  if (!dump->open_in(folder)) return;
  std::string bytes;
  for (size_t k = 0; k < kernels.size(); ++k) {
    for (const KernelFunction& f : functions_of(*kernels[k], images[k], plans[k]->description)) {
      DumpedCode record;
      record.total_size = static_cast<uint32_t>(sizeof record + f.name.size() + 1 + f.size);
      record.timestamp = dump_clock();
      record.process = static_cast<uint32_t>(dump->process);
      record.thread = static_cast<uint32_t>(::syscall(SYS_gettid));
      record.vma = record.address = f.address;
      record.size = f.size;
      record.index = dump->index++;
      append_record(bytes, record);
      bytes.append(f.name.c_str(), f.name.size() + 1);
      bytes.append(reinterpret_cast<const char*>(f.address), f.size);
    }
  }
  (void)!::write(dump->file, bytes.data(), bytes.size());
}

}  // namespace sinter::codegen

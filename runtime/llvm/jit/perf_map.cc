#include "runtime/llvm/jit/perf_map.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "runtime/llvm/jit/perf_dump.h"

namespace sinter::codegen {
namespace {

bool is_asked_for() {
  const char* value = std::getenv("SINTER_PERF_MAP");
  return value != nullptr && *value != '\0';
}

}  // namespace

void name_for_perf(std::span<const std::shared_ptr<const LoadedKernel>> kernels,
                   std::span<const KernelImage> images, std::span<const KernelPlan* const> plans) {
  if (!is_asked_for()) return;
  std::string lines;
  for (size_t k = 0; k < kernels.size(); ++k) {
    for (const KernelFunction& f : functions_of(*kernels[k], images[k], plans[k]->description))
      lines += fmt::format("{:x} {:x} {}\n", f.address, f.size, f.name);
  }
  const std::string path = fmt::format("/tmp/perf-{}.map", ::getpid());
  const int file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file < 0) return;
  (void)!::write(file, lines.data(), lines.size());  // at once: lines of threads do not mix
  ::close(file);
}

}  // namespace sinter::codegen

#include "runtime/llvm/jit/perf_map.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace sinter::codegen {
namespace {

bool is_asked_for() {
  const char* value = std::getenv("SINTER_PERF_MAP");
  return value != nullptr && *value != '\0';
}

// Lines of the functions of a kernel; each ends where the next one begins, in whatever order they
// lie, the last one with the image. What lies before them are functions of their own.
std::string lines_of(const LoadedKernel& kernel, const KernelImage& image,
                     const std::string& name) {
  if (kernel.functions() == 0) return "";
  std::vector<uint32_t> places = image.functions;
  places.push_back(static_cast<uint32_t>(image.code.size()));
  std::ranges::sort(places);
  const uintptr_t base = reinterpret_cast<uintptr_t>(kernel.function(0)) - image.functions.front();
  std::string lines;
  if (places.front() > 0)
    lines += fmt::format("{:x} {:x} {} [inner]\n", base, places.front(), name);
  for (size_t f = 0; f < kernel.functions(); ++f) {
    const uint32_t begin = image.functions[f], end = *std::ranges::upper_bound(places, begin);
    lines += fmt::format("{:x} {:x} {}{}\n", base + begin, end - begin, name,
                         kernel.functions() > 1 ? fmt::format(" [function {}]", f) : "");
  }
  return lines;
}

}  // namespace

void name_for_perf(std::span<const std::shared_ptr<const LoadedKernel>> kernels,
                   std::span<const KernelImage> images, std::span<const KernelPlan* const> plans) {
  if (!is_asked_for()) return;
  std::string lines;
  for (size_t k = 0; k < kernels.size(); ++k)
    lines += lines_of(*kernels[k], images[k], plans[k]->description);
  const std::string path = fmt::format("/tmp/perf-{}.map", ::getpid());
  const int file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file < 0) return;
  (void)!::write(file, lines.data(), lines.size());  // at once: lines of threads do not mix
  ::close(file);
}

}  // namespace sinter::codegen

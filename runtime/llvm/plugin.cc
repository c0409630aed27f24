#include "runtime/llvm/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "core/error.h"
#include "runtime/llvm/codegen_version.h"

namespace sinter::codegen {
namespace {

constexpr int kMostThreads = 4;
constexpr const char* kFile = "libsinter_codegen.so";

std::string program_folder() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof(path));
  if (length <= 0) return "";
  const std::string_view text(path, static_cast<size_t>(length));
  return std::string(text.substr(0, text.rfind('/')));
}

std::vector<std::string> places() {
  if (const char* own = std::getenv("SINTER_CODEGEN"); own != nullptr && *own != '\0') return {own};
  std::vector<std::string> result;
  if (const std::string folder = program_folder(); !folder.empty()) {
    for (const char* beside : {"", "/lib", "/../lib"})
      result.push_back(fmt::format("{}{}/{}", folder, beside, kFile));
  }
  result.push_back(fmt::format("{}/{}", SINTER_LIBRARY_FOLDER, kFile));
  result.emplace_back(kFile);  // run paths, LD_LIBRARY_PATH, the system's folders
  return result;
}

const Plugin& open_plugin() {
  std::string tried;
  for (const std::string& place : places()) {
    // Never closed: LLVM's threads and statics may outlive every user.
    void* library = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      const char* reason = ::dlerror();
      const bool exists = ::access(place.c_str(), F_OK) == 0;
      tried += exists && reason != nullptr ? fmt::format("; {} ({})", place, reason) : "; " + place;
      continue;
    }
    const auto* plugin = static_cast<const Plugin*>(::dlsym(library, "sinter_codegen"));
    if (plugin != nullptr && std::strcmp(plugin->version, codegen_version()) == 0) return *plugin;
    tried += fmt::format(
        "; {} ({})", place,
        plugin == nullptr ? "not Sinter's code generator" : "belongs to another build of Sinter");
    ::dlclose(library);
  }
  throw Error(
      fmt::format("a kernel must be compiled, but Sinter's code generator was not found (the "
                  "environment variable SINTER_CODEGEN may name its file); tried: {}",
                  tried.substr(2)));
}

}  // namespace

std::vector<std::string> compile_plans(const Cpu& cpu, std::span<const KernelPlan* const> plans) {
  static const Plugin& plugin = open_plugin();
  const int threads =
      std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostThreads);
  std::vector<std::string> images;
  std::string error;
  plugin.compile(cpu, plans, threads, images, error);
  if (!error.empty()) throw InternalError(error);
  SINTER_CHECK(images.size() == plans.size(), cpu.name);
  return images;
}

}  // namespace sinter::codegen

#include "runtime/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace sinter {
namespace {

std::string program_folder() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof(path));
  if (length <= 0) return "";
  const std::string_view text(path, static_cast<size_t>(length));
  return std::string(text.substr(0, text.rfind('/')));
}

std::vector<std::string> places(const PluginName& plugin) {
  if (const char* own = std::getenv(plugin.variable.c_str()); own != nullptr && *own != '\0')
    return {own};
  const std::string file = fmt::format("lib{}.so", plugin.name);
  std::vector<std::string> result;
  if (const std::string folder = program_folder(); !folder.empty()) {
    for (const char* beside : {"", "/lib", "/../lib"})
      result.push_back(fmt::format("{}{}/{}", folder, beside, file));
  }
  result.push_back(fmt::format("{}/{}", SINTER_LIBRARY_FOLDER, file));
  result.push_back(file);  // run paths, LD_LIBRARY_PATH, the system's folders
  return result;
}

}  // namespace

const void* open_plugin(const PluginName& plugin, const char* version) {
  std::string tried;
  for (const std::string& place : places(plugin)) {
    // Never closed: threads and statics of the library may outlive every user.
    void* library = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      const char* reason = ::dlerror();
      const bool exists = ::access(place.c_str(), F_OK) == 0;
      tried += exists && reason != nullptr ? fmt::format("; {} ({})", place, reason) : "; " + place;
      continue;
    }
    const void* symbol = ::dlsym(library, plugin.name.c_str());
    if (symbol != nullptr && std::strcmp(*static_cast<const char* const*>(symbol), version) == 0)
      return symbol;
    tried += fmt::format("; {} ({})", place,
                         symbol == nullptr ? fmt::format("not a plugin {}", plugin.name)
                                           : "belongs to another build of Sinter");
    ::dlclose(library);
  }
  throw Error(
      fmt::format("{} was not found (the environment variable {} may name its file); tried: {}",
                  plugin.wanted, plugin.variable, tried.substr(2)));
}

}  // namespace sinter

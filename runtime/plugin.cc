// Where plugins are looked for, whose files are taken, and how they are bound.
#include "runtime/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace sinter {
namespace {

namespace fs = std::filesystem;

// The program, and the library that this code is linked into (a Python module, say), where that is
// another file.
std::vector<std::string> own_files() {
  std::vector<std::string> files;
  std::error_code error;
  if (const fs::path program = fs::read_symlink("/proc/self/exe", error); !error)
    files.push_back(program.string());
  Dl_info here = {};
  if (::dladdr(reinterpret_cast<const void*>(&open_plugin), &here) != 0 &&
      here.dli_fname != nullptr) {
    const fs::path library = fs::canonical(here.dli_fname, error);
    if (!error && std::ranges::find(files, library.string()) == files.end())
      files.push_back(library.string());
  }
  return files;
}

// The folders where the system looks for the libraries that this code is linked with; "" and
// relative ones (the current folder) are left out.
std::vector<std::string> library_folders() {
  std::vector<std::string> folders;
  Dl_info here = {};
  void* own = nullptr;  // the handle of the program or library that this code is in
  if (::dladdr1(reinterpret_cast<const void*>(&open_plugin), &here, &own, RTLD_DL_LINKMAP) == 0)
    return folders;
  Dl_serinfo size = {};
  if (::dlinfo(own, RTLD_DI_SERINFOSIZE, &size) != 0) return folders;
  std::vector<char> memory(size.dls_size);
  auto* list = reinterpret_cast<Dl_serinfo*>(memory.data());
  if (::dlinfo(own, RTLD_DI_SERINFOSIZE, list) != 0 || ::dlinfo(own, RTLD_DI_SERINFO, list) != 0)
    return folders;
  for (unsigned i = 0; i < list->dls_cnt; ++i) {
    const std::string_view folder = list->dls_serpath[i].dls_name;
    if (folder.starts_with('/')) folders.emplace_back(folder);
  }
  return folders;
}

struct Place {
  std::string path;
  bool named_by_user = false;
};

std::vector<Place> places(const PluginName& plugin, const std::vector<std::string>& own) {
  if (const char* named = ::secure_getenv(plugin.variable.c_str());
      named != nullptr && *named != '\0') {
    if (*named != '/')
      throw Error(fmt::format("{} must be an absolute path, found '{}'", plugin.variable, named));
    return {{named, true}};
  }
  const std::string file = fmt::format("lib{}.so", plugin.name);
  std::vector<Place> result;
  const auto add = [&](const std::string& folder) {
    std::string path = folder + "/" + file;
    if (std::ranges::none_of(result, [&](const Place& p) { return p.path == path; }))
      result.push_back({std::move(path)});
  };
  for (const std::string& path : own) {
    for (const char* beside : {"", "/lib", "/../lib"})
      add(path.substr(0, path.rfind('/')) + beside);
  }
  add(SINTER_LIBRARY_FOLDER);
  for (const std::string& folder : library_folders()) add(folder);
  return result;
}

// "" when only those could have written the file who could change the program itself.
std::string fault_of(const std::string& path, const std::vector<std::string>& own) {
  std::vector<uid_t> owners = {0, ::geteuid()};
  std::vector<gid_t> groups = {0, ::getegid()};
  struct stat status {};
  for (const std::string& file : own) {
    if (::stat(file.c_str(), &status) != 0) continue;
    owners.push_back(status.st_uid);
    groups.push_back(status.st_gid);
  }
  std::error_code error;
  const fs::path file = fs::canonical(path, error);
  if (error) return error.message();
  for (const fs::path& at : {file, file.parent_path()}) {
    if (::stat(at.c_str(), &status) != 0) return "cannot be looked at";
    if (std::ranges::find(owners, status.st_uid) == owners.end())
      return fmt::format("not loaded: '{}' belongs to another user", at.string());
    // In a sticky folder (/tmp) nobody can replace the file of somebody else.
    const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
    const bool group =
        (status.st_mode & S_IWGRP) != 0 && std::ranges::find(groups, status.st_gid) == groups.end();
    if (!sticky && ((status.st_mode & S_IWOTH) != 0 || group))
      return fmt::format("not loaded: other users may write to '{}'", at.string());
  }
  return "";
}

// Names are looked for among those of the whole process first, where a library that was loaded with
// RTLD_GLOBAL may have the same. RTLD_DEEPBIND turns that round, but for `operator new` too: it is
// left alone where the program has one of its own (an allocator, a sanitizer), for what a plugin
// allocates the program frees.
int binding_of(const PluginName& plugin) {
  if (!plugin.binds_own_names) return 0;
  Dl_info info = {};
  const void* allocate = ::dlsym(RTLD_DEFAULT, "_Znwm");
  if (allocate == nullptr || ::dladdr(allocate, &info) == 0 || info.dli_fname == nullptr) return 0;
  const std::string library = fs::path(info.dli_fname).filename().string();
  return library.starts_with("libstdc++") || library.starts_with("libc++") ? RTLD_DEEPBIND : 0;
}

}  // namespace

const void* open_plugin(const PluginName& plugin, const char* version) {
  const std::vector<std::string> own = own_files();
  std::string tried;
  for (const Place& place : places(plugin, own)) {
    if (!place.named_by_user) {
      if (::access(place.path.c_str(), F_OK) != 0) {
        tried += "; " + place.path;
        continue;
      }
      if (const std::string fault = fault_of(place.path, own); !fault.empty()) {
        tried += fmt::format("; {} ({})", place.path, fault);
        continue;
      }
    }
    // Never closed: threads and statics of the library may outlive every user.
    void* library = ::dlopen(place.path.c_str(), RTLD_NOW | RTLD_LOCAL | binding_of(plugin));
    if (library == nullptr) {
      const char* reason = ::dlerror();
      const bool exists = ::access(place.path.c_str(), F_OK) == 0;
      tried += exists && reason != nullptr ? fmt::format("; {} ({})", place.path, reason)
                                           : "; " + place.path;
      continue;
    }
    const void* symbol = ::dlsym(library, plugin.name.c_str());
    if (symbol != nullptr && std::strcmp(*static_cast<const char* const*>(symbol), version) == 0)
      return symbol;
    tried += fmt::format("; {} ({})", place.path,
                         symbol == nullptr ? fmt::format("not a plugin {}", plugin.name)
                                           : "belongs to another build of Sinter");
    ::dlclose(library);
  }
  throw Error(
      fmt::format("{} was not found (the environment variable {} may name its file); tried: {}",
                  plugin.wanted, plugin.variable, tried.substr(2)));
}

}  // namespace sinter

#include "frontend/data/target_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace sinter {
namespace {

[[noreturn]] void raise_unusable(const std::string& what) {
  const int error = errno;
  throw FileError(fmt::format("{}: {}", what, std::generic_category().message(error)));
}

}  // namespace

Descriptor::~Descriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}
int Descriptor::release() { return std::exchange(descriptor_, -1); }
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

TargetFolder::TargetFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  root_ = Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root_.get() < 0) raise_unusable(fmt::format("cannot make the folder '{}'", path));
}

std::vector<std::string> TargetFolder::parts(std::string_view path) {
  if (path.empty()) throw FileError("it has no name");
  if (path.find('\0') != std::string_view::npos) throw FileError("its name holds a NUL byte");
  if (path.front() == '/') throw FileError("its name leaves the folder: it begins at the root");
  std::vector<std::string> result;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    if (part == "..") throw FileError("its name leaves the folder: it holds \"..\"");
    if (!part.empty() && part != ".") result.emplace_back(part);
  }
  return result;
}

Descriptor TargetFolder::parent(const std::vector<std::string>& parts) {
  if (parts.empty()) throw FileError("it has no name");
  Descriptor folder(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    const char* name = parts[i].c_str();
    if (::mkdirat(folder.get(), name, 0777) != 0 && errno != EEXIST)
      raise_unusable(fmt::format("cannot make the folder '{}'", name));
    Descriptor next(::openat(folder.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (next.get() < 0) {
      if (errno == ELOOP || errno == ENOTDIR)
        throw FileError(fmt::format("'{}' in its name is a link or a file, no folder", name));
      raise_unusable(fmt::format("cannot open the folder '{}'", name));
    }
    folder = std::move(next);
  }
  return folder;
}

void TargetFolder::remove_old(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT)
    raise_unusable(fmt::format("cannot replace '{}'", name));
}

void TargetFolder::make_folder(const std::vector<std::string>& parts) {
  if (parts.empty()) return;  // "./"
  std::vector<std::string> inside = parts;
  inside.emplace_back("x");  // not made
  (void)parent(inside);
}

Descriptor TargetFolder::make_file(const std::vector<std::string>& parts, bool is_executable) {
  const Descriptor folder = parent(parts);
  remove_old(folder.get(), parts.back());
  Descriptor file(::openat(folder.get(), parts.back().c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           is_executable ? 0777 : 0666));
  if (file.get() < 0) raise_unusable("cannot write it");
  return file;
}

void TargetFolder::make_link(const std::vector<std::string>& parts, const std::string& target) {
  if (target.empty() || target.front() == '/' || target.find('\0') != std::string::npos)
    throw FileError(fmt::format("it is a link out of the folder, to '{}'", target));
  // Folders on the way to the link are no links, so that ".." at the beginning of its target means
  // one of them less; every name behind leads into one that is again inside.
  size_t up = 0;
  bool named = false;
  for (std::string_view rest = target; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      named = true;
      continue;
    }
    if (named || ++up >= parts.size())
      throw FileError(fmt::format("it is a link out of the folder, to '{}'", target));
  }
  const Descriptor folder = parent(parts);
  remove_old(folder.get(), parts.back());
  if (::symlinkat(target.c_str(), folder.get(), parts.back().c_str()) != 0)
    raise_unusable("cannot make the link");
}

void TargetFolder::make_hard_link(const std::vector<std::string>& parts,
                                  const std::vector<std::string>& existing) {
  const Descriptor from = parent(existing);
  struct stat status {};
  if (::fstatat(from.get(), existing.back().c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(status.st_mode))
    throw FileError("it is a link to no file of the archive");
  if (parts == existing) return;
  const Descriptor folder = parent(parts);
  remove_old(folder.get(), parts.back());
  if (::linkat(from.get(), existing.back().c_str(), folder.get(), parts.back().c_str(), 0) != 0)
    raise_unusable("cannot make the link");
}

}  // namespace sinter

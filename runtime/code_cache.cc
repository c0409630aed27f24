// Everything goes by way of an open folder, so that what was looked at is what is used.
#include "runtime/code_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <vector>

#include "core/hash.h"
#include "core/warning.h"

namespace sinter {
namespace {

// An entry: this header, the key, the value. Keys are kept and compared, so that two with one hash
// never meet.
struct Header {
  char magic[8] = {'S', 'N', 'T', 'R', 'c', 'o', 'd', '1'};
  uint64_t key_bytes = 0, value_bytes = 0;
  uint64_t checksum = 0;  // of key and value
};

uint64_t hash_text(std::string_view text, uint64_t seed = 0) {
  return hash_bytes(std::as_bytes(std::span(text.data(), text.size())), seed);
}

uint64_t checksum(std::string_view key, std::string_view value) {
  return hash_text(value, hash_text(key, 1));
}

constexpr std::string_view kSuffix = ".code", kTemporary = ".tmp";

std::string name_of(std::string_view key) {
  return fmt::format("{:016x}{}", hash_text(key), kSuffix);
}

// Looking through a folder of thousands of entries takes milliseconds, so it is done once for each
// 64th of the limit that is written, on average over all processes.
bool is_due(int64_t written, int64_t limit) {
  const int64_t share = std::max<int64_t>(limit / 64, 1);
  if (written >= share) return true;
  const int64_t now = std::chrono::steady_clock::now().time_since_epoch().count();
  const uint64_t random = hash_bytes(std::as_bytes(std::span(&now, 1)));
  return random % static_cast<uint64_t>(share) < static_cast<uint64_t>(written);
}

/// Closes a descriptor on every way out of a scope.
struct Closer {
  int descriptor;
  ~Closer() { ::close(descriptor); }
};

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// What makes a folder not ours alone, or "".
std::string fault_of(const struct stat& status) {
  if (status.st_uid != ::geteuid()) return "it belongs to another user";
  if ((status.st_mode & 077) != 0) return "other users may look into it or write to it";
  return "";
}

}  // namespace

class CodeCache::Folder {
 public:
  explicit Folder(int descriptor) : descriptor_(descriptor) {}
  ~Folder() { ::close(descriptor_); }
  Folder(const Folder&) = delete;

  struct File {
    std::string bytes;
    bool is_old = false;  // not used for some minutes
  };
  /// Nothing that is no plain file of this user's is read (a FIFO would be waited for), nor what is
  /// longer than the whole cache may be.
  std::optional<File> read(const std::string& name, int64_t limit) const {
    const int file = ::openat(descriptor_, name.c_str(),
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) return std::nullopt;
    const Closer closer{file};
    struct stat status {};
    if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != ::geteuid() ||
        status.st_size > limit)
      return std::nullopt;
    File result{std::string(static_cast<size_t>(status.st_size), '\0'),
                status.st_mtime + 600 < ::time(nullptr)};
    size_t filled = 0;
    while (filled < result.bytes.size()) {
      const ssize_t count =
          ::read(file, result.bytes.data() + filled, result.bytes.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      filled += static_cast<size_t>(count);
    }
    result.bytes.resize(filled);
    return result;
  }
  void remove(const std::string& name) const { ::unlinkat(descriptor_, name.c_str(), 0); }
  /// Used just now; to some minutes is enough to tell old entries from new ones.
  void touch(const std::string& name) const {
    ::utimensat(descriptor_, name.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
  }
  /// Readers see all of it or nothing. Gives 0 or the errno of what failed.
  int write(const std::string& name, std::initializer_list<std::string_view> parts) const {
    static std::atomic<uint64_t> counter{0};
    std::string temporary;
    int file;
    do {  // a number that a killed process left, or one of another container, is passed over
      temporary = fmt::format(".{}-{}{}", ::getpid(), counter.fetch_add(1), kTemporary);
      file = ::openat(descriptor_, temporary.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    } while (file < 0 && (errno == EEXIST || errno == EINTR));
    if (file < 0) return errno;
    int error = 0;
    {
      const Closer closer{file};
      for (std::string_view part : parts) {
        if (error == 0 && !write_all(file, part)) error = errno;
      }
    }
    if (error == 0 && ::renameat(descriptor_, temporary.c_str(), descriptor_, name.c_str()) != 0)
      error = errno;
    if (error != 0) remove(temporary);
    return error;
  }
  struct Listed {
    std::string name;
    int64_t bytes = 0;
    struct timespec used = {};
  };
  std::vector<Listed> list() const {
    std::vector<Listed> result;
    const int again = ::openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* stream = again < 0 ? nullptr : ::fdopendir(again);
    if (stream == nullptr) {
      if (again >= 0) ::close(again);
      return result;
    }
    while (const struct dirent* entry = ::readdir(stream)) {
      struct stat status {};
      if (::fstatat(descriptor_, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISREG(status.st_mode))
        result.push_back({entry->d_name, status.st_size, status.st_mtim});
    }
    ::closedir(stream);
    return result;
  }

 private:
  int descriptor_;
};

// Once for each folder.
void CodeCache::warn_of(const std::string& path, const std::string& fault) {
  warn_once(
      "code cache " + path,
      fmt::format("the code cache '{}' {} (a folder of this user's own with mode 0700 is "
                  "needed; SINTER_CACHE_DIR may name another). What it does not hold is compiled "
                  "anew in every process",
                  path, fault));
}

std::shared_ptr<const CodeCache::Folder> CodeCache::open_folder(const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    warn_of(path, "is not used: " + why);
    return nullptr;
  };
  if (!path.starts_with('/')) return refuse("it is no absolute path");
  const int descriptor =
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno == ENOENT) return nullptr;
    const int error = errno;
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode))
      return refuse("it is a symbolic link");
    return refuse(std::strerror(error));
  }
  auto folder = std::make_shared<const Folder>(descriptor);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return refuse(std::strerror(errno));
  if (const std::string fault = fault_of(status); !fault.empty()) return refuse(fault);
  return folder;
}

CodeCache::CodeCache(std::string folder, int64_t limit_bytes)
    : folder_(std::move(folder)), limit_bytes_(limit_bytes) {
  // With a slash at its end a link would be followed.
  while (folder_.size() > 1 && folder_.ends_with('/')) folder_.pop_back();
  if (!folder_.empty()) opened_ = open_folder(folder_);
}

CodeCache CodeCache::standard() {
  constexpr int64_t kLimit = int64_t{256} << 20;
  const auto variable = [](const char* name) -> std::string {
    const char* value = ::secure_getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const std::string own = variable("SINTER_CACHE_DIR"); !own.empty()) return {own, kLimit};
  // Relative ones are to be ignored (XDG Base Directory Specification).
  if (const std::string xdg = variable("XDG_CACHE_HOME"); xdg.starts_with('/'))
    return {xdg + "/sinter", kLimit};
  if (const std::string home = variable("HOME"); home.starts_with('/'))
    return {home + "/.cache/sinter", kLimit};
  return {};
}

std::optional<std::string> CodeCache::find(std::string_view key) const {
  if (folder_.empty()) return std::nullopt;
  // Another process may have made the folder since.
  const std::shared_ptr<const Folder> folder = opened_ ? opened_ : open_folder(folder_);
  if (folder == nullptr) return std::nullopt;
  const std::string name = name_of(key);
  std::optional<Folder::File> file = folder->read(name, limit_bytes_);
  if (!file) return std::nullopt;
  std::string& bytes = file->bytes;
  Header header, expected;
  const bool whole = bytes.size() >= sizeof(Header);
  if (whole) std::memcpy(&header, bytes.data(), sizeof(Header));
  const uint64_t rest = whole ? bytes.size() - sizeof(Header) : 0;
  if (!whole || std::memcmp(header.magic, expected.magic, sizeof(header.magic)) != 0 ||
      header.key_bytes > rest || header.value_bytes != rest - header.key_bytes) {
    folder->remove(name);
    return std::nullopt;
  }
  const std::string_view stored = std::string_view(bytes).substr(sizeof(Header), header.key_bytes);
  const std::string_view value = std::string_view(bytes).substr(sizeof(Header) + header.key_bytes);
  if (checksum(stored, value) != header.checksum) {
    folder->remove(name);
    return std::nullopt;
  }
  if (stored != key) return std::nullopt;
  if (file->is_old) folder->touch(name);
  return std::string(value);
}

void CodeCache::put(std::span<const Entry> entries) const {
  if (folder_.empty()) return;
  std::shared_ptr<const Folder> folder = opened_;
  if (folder == nullptr) {
    if (!folder_.starts_with('/')) return;
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(folder_).parent_path(), ignored);
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
      warn_of(folder_, fmt::format("cannot be made: {}", std::strerror(errno)));
      return;
    }
    folder = open_folder(folder_);
    if (folder == nullptr) return;
  }
  int64_t written = 0;
  for (const auto& [key, value] : entries) {
    Header header;
    header.key_bytes = key.size();
    header.value_bytes = value.size();
    header.checksum = checksum(key, value);
    const std::string_view head(reinterpret_cast<const char*>(&header), sizeof(header));
    if (const int error = folder->write(name_of(key), {head, key, value}); error != 0) {
      warn_of(folder_, fmt::format("cannot be written to: {}", std::strerror(error)));
      return;
    }
    written += static_cast<int64_t>(sizeof(Header) + key.size() + value.size());
  }
  if (is_due(written, limit_bytes_)) trim(*folder);
}

void CodeCache::trim(const Folder& folder) const {
  std::vector<Folder::Listed> entries;
  int64_t total = 0;
  for (Folder::Listed& file : folder.list()) {
    if (file.name.ends_with(kSuffix)) {
      total += file.bytes;
      entries.push_back(std::move(file));
    } else if (file.name.ends_with(kTemporary) && file.used.tv_sec + 3600 < ::time(nullptr)) {
      folder.remove(file.name);  // of a process that was killed: writing takes milliseconds
    }
  }
  if (total <= limit_bytes_) return;
  std::ranges::sort(entries, [](const Folder::Listed& a, const Folder::Listed& b) {
    return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
  });
  for (const Folder::Listed& entry : entries) {
    if (total <= limit_bytes_) break;
    folder.remove(entry.name);
    total -= entry.bytes;
  }
}

}  // namespace sinter

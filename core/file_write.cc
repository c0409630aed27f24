// POSIX calls behind AtomicFile, with the system's reason in every error.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "core/file_descriptor.h"
#include "core/file_io.h"

namespace sinter {
namespace {

struct Target {
  std::string path;
  int descriptor = -1;   // of this process, where the path leads through /proc/self/fd
  bool is_open = false;  // the path leads through a descriptor
};

/// Follows the links at the end of `path`, to a name that may have no file yet. The links that
/// /proc has for descriptors are no names: they lead to what is open, a file without a name
/// included.
Target follow_links(std::string path) {
  struct stat proc {
  }, status{};
  const bool has_proc = ::stat("/proc/self", &proc) == 0;
  for (int links = 0; links < 40; ++links) {
    if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return {path};
    const size_t slash = path.find_last_of('/');
    if (has_proc && status.st_dev == proc.st_dev) {
      Target target{path, -1, true};
      struct stat folder {
      }, own{};
      const bool is_own = slash != std::string::npos &&
                          ::stat(path.substr(0, slash).c_str(), &folder) == 0 &&
                          ::stat("/proc/self/fd", &own) == 0 && folder.st_ino == own.st_ino;
      const char* const end = path.data() + path.size();
      if (is_own) (void)std::from_chars(path.data() + slash + 1, end, target.descriptor);
      return target;
    }
    std::string next(static_cast<size_t>(PATH_MAX), '\0');
    const ssize_t length = ::readlink(path.c_str(), next.data(), next.size());
    if (length <= 0) return {path};
    next.resize(static_cast<size_t>(length));
    path =
        next.front() == '/' || slash == std::string::npos ? next : path.substr(0, slash + 1) + next;
  }
  raise_file_error("write", path, ELOOP);
}

std::string folder_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

constexpr std::string_view kTemporary = ".sinter-", kTemporaryEnd = ".tmp";

/// A name beside `target` that no other process or thread picks, short enough for any file system.
std::string temporary_name(const std::string& target) {
  static std::atomic<uint64_t> counter{0};
  return folder_of(target) + "/" + std::string(kTemporary) + std::to_string(::getpid()) + "-" +
         std::to_string(counter++) + std::string(kTemporaryEnd);
}

/// Whoever writes a temporary file holds a lock on it, which the system lets go when it ends.
bool lock_file(int descriptor) { return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0; }

/// Removes the temporary files that nobody writes any more: their processes were killed.
void remove_abandoned(const std::string& folder) {
  DIR* const stream = ::opendir(folder.c_str());
  if (stream == nullptr) return;
  while (const struct dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(kTemporary) || !name.ends_with(kTemporaryEnd)) continue;
    const int file = ::openat(::dirfd(stream), entry->d_name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) continue;
    const Closer closer{file};
    struct stat status {};
    if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && lock_file(file))
      ::unlinkat(::dirfd(stream), entry->d_name, 0);
  }
  ::closedir(stream);
}

/// Is it time to look for abandoned files in the folder of a file that is written without waiting
/// for the disk? Thousands of those may be written into one folder, and to look takes as long as it
/// has files: at the first of them, then at every 256th.
bool is_time_to_look(const std::string& folder) {
  thread_local std::string last;
  thread_local unsigned count = 0;
  if (folder != last) {
    last = folder;
    count = 0;
  }
  return count++ % 256 == 0;
}

/// A new, locked temporary file beside `target`: its name and descriptor, or -1.
int make_temporary(const std::string& target, std::string& name) {
  while (true) {
    name = temporary_name(target);
    const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 && (errno == EEXIST || errno == EINTR)) continue;
    if (file < 0) return -1;
    // Another process may have taken it for abandoned before it was locked.
    struct stat status {};
    const bool locked = lock_file(file);
    if ((locked || errno != EWOULDBLOCK) && ::fstat(file, &status) == 0 && status.st_nlink > 0)
      return file;
    ::close(file);
  }
}

}  // namespace

AtomicFile::AtomicFile(std::string path, bool sync) : path_(std::move(path)), sync_(sync) {
  if (path_.empty() || path_.find('\0') != std::string::npos) fail(ENOENT);
  const Target target = follow_links(path_);
  target_ = target.path;
  mode_t mode = 0;
  struct stat status;
  if (target.descriptor >= 0) {  // shares the place in the file with who else writes there
    descriptor_ = ::fcntl(target.descriptor, F_DUPFD_CLOEXEC, 3);
    if (descriptor_ < 0) fail(errno);
    return;
  }
  if (::stat(target_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) fail(EISDIR);
    if (!S_ISREG(status.st_mode) || target.is_open) {  // must not be replaced by a file
      descriptor_ = ::open(target_.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
      if (descriptor_ < 0) fail(errno);
      return;
    }
    if (::access(target_.c_str(), W_OK) != 0)
      fail(errno);  // rename alone would replace a write-protected file
    mode = status.st_mode & 07777;
  } else if (errno != ENOENT) {
    fail(errno);
  } else if (target_.back() == '/') {
    fail(EISDIR);
  }
  const std::string folder = folder_of(target_);
  if (sync_ || is_time_to_look(folder)) remove_abandoned(folder);
  descriptor_ = make_temporary(target_, temporary_);
  if (descriptor_ < 0) {
    int error = errno;
    temporary_.clear();
    fail(error);
  }
  if (mode != 0)
    (void)::fchmod(descriptor_, mode);  // keep the permissions of the file that is replaced
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  descriptor_ = -1;
  temporary_.clear();
}

void AtomicFile::fail(int error) {
  discard();
  raise_file_error("write", path_, error);
}

void AtomicFile::write(std::string_view bytes) { write(bytes.data(), bytes.size()); }
void AtomicFile::write(std::span<const std::byte> bytes) { write(bytes.data(), bytes.size()); }

void AtomicFile::write(const void* bytes, size_t count) {
  SINTER_CHECK(descriptor_ >= 0, "write after commit or failure");
  const char* from = static_cast<const char*>(bytes);
  position_ += static_cast<int64_t>(count);
  if (buffer_.size() + count > kFileBufferBytes) flush();
  if (count >= kFileBufferBytes) {
    write_through(from, count);
  } else {
    buffer_.insert(buffer_.end(), from, from + count);
  }
}

void AtomicFile::align(int64_t alignment) {
  static constexpr char kZeros[64] = {};
  int64_t missing = (alignment - position_ % alignment) % alignment;
  for (; missing > 0; missing -= 64)
    write(kZeros, static_cast<size_t>(std::min<int64_t>(missing, 64)));
}

void AtomicFile::flush() {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void AtomicFile::write_through(const char* bytes, size_t count) {
  while (count > 0) {
    ssize_t written = ::write(descriptor_, bytes, std::min(count, kLargestIo));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes += written;
    count -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  SINTER_CHECK(descriptor_ >= 0, "commit after commit or failure");
  flush();
  if (sync_ && !temporary_.empty() && ::fsync(descriptor_) != 0) fail(errno);
  const bool in_place = temporary_.empty();
  // A second descriptor keeps the lock until the file has its name.
  const int lock = in_place ? -1 : ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 3);
  // Network file systems report a full disk when a file is closed.
  int error = ::close(descriptor_) == 0 || errno == EINTR ? 0 : errno;
  descriptor_ = -1;
  if (error == 0 && !in_place) {
    if (::rename(temporary_.c_str(), target_.c_str()) == 0)
      temporary_.clear();
    else
      error = errno;
  }
  if (lock >= 0) ::close(lock);
  if (error != 0) fail(error);
  if (!sync_ || in_place) return;
  int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;  // the file is in place; a folder that cannot be opened cannot be synced
  (void)::fsync(folder);
  ::close(folder);
}

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat first {
  }, second{};
  const bool has_first = ::stat(a.c_str(), &first) == 0,
             has_second = ::stat(b.c_str(), &second) == 0;
  if (has_first != has_second) return false;
  if (has_first) return same_file(first, second);
  std::error_code error;
  const auto name = [&](const std::string& path) {
    return std::filesystem::weakly_canonical(follow_links(path).path, error);
  };
  return name(a) == name(b);
}

void write_file_atomically(const std::string& path, std::string_view bytes, bool sync) {
  AtomicFile file(path, sync);
  file.write(bytes);
  file.commit();
}

void write_file_atomically(const std::string& path, std::span<const std::byte> bytes, bool sync) {
  AtomicFile file(path, sync);
  file.write(bytes);
  file.commit();
}

}  // namespace sinter

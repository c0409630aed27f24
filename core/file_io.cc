// POSIX calls behind read_file, AtomicFile and MappedFile, with the system's reason in every error.
#include "core/file_io.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "core/error.h"

namespace sinter {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 16;
constexpr size_t kLargestWrite = size_t{1} << 30;  // Linux cuts longer writes short

[[noreturn]] void raise_file_error(const char* verb, const std::string& path, int error) {
  throw FileError(std::string("cannot ") + verb + " '" + path +
                  "': " + std::generic_category().message(error));
}

/// Closes a descriptor on every way out of a scope.
struct Closer {
  int descriptor;
  ~Closer() { ::close(descriptor); }
};

int open_for_reading(const std::string& path, struct stat& status) {
  if (path.find('\0') != std::string::npos) raise_file_error("read", path, ENOENT);
  int descriptor;
  do {
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) raise_file_error("read", path, errno);
  int error = ::fstat(descriptor, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
  if (error != 0) {
    ::close(descriptor);
    raise_file_error("read", path, error);
  }
  return descriptor;
}

/// The file that `path` names once symbolic links are followed; `path` itself when there is none.
std::string resolve_links(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return path;
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;  // a dangling link: replaced by the new file
  std::string result = resolved;
  std::free(resolved);
  return result;
}

std::string folder_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// A name beside `target` that no other process or thread picks, short enough for any file system.
std::string temporary_name(const std::string& target) {
  static std::atomic<uint64_t> counter{0};
  return folder_of(target) + "/.sinter-" + std::to_string(::getpid()) + "-" +
         std::to_string(counter++) + ".tmp";
}

}  // namespace

std::string read_file(const std::string& path) {
  struct stat status;
  Closer closer{open_for_reading(path, status)};
  // One byte more than a file has, so that its end shows without another buffer; what has no size
  // grows as it comes.
  std::string result(S_ISREG(status.st_mode) && status.st_size > 0
                         ? static_cast<size_t>(status.st_size) + 1
                         : kBufferBytes,
                     '\0');
  size_t filled = 0;
  while (true) {
    if (filled == result.size()) result.resize(2 * filled);
    ssize_t count = ::read(closer.descriptor, result.data() + filled, result.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) raise_file_error("read", path, errno);
    filled += static_cast<size_t>(count);
    // A regular file that gives less than it was asked for has ended.
    if (count == 0 || (S_ISREG(status.st_mode) && filled < result.size())) break;
  }
  result.resize(filled);
  return result;
}

AtomicFile::AtomicFile(std::string path, bool sync) : path_(std::move(path)), sync_(sync) {
  if (path_.empty() || path_.find('\0') != std::string::npos) fail(ENOENT);
  target_ = resolve_links(path_);
  mode_t mode = 0;
  struct stat status;
  if (::stat(target_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) fail(EISDIR);
    if (!S_ISREG(status.st_mode)) {  // a device or a pipe must not be replaced by a file
      descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
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
  do {
    temporary_ = temporary_name(target_);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && (errno == EEXIST || errno == EINTR));
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
  if (buffer_.size() + count > kBufferBytes) flush();
  if (count >= kBufferBytes) {
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
    ssize_t written = ::write(descriptor_, bytes, std::min(count, kLargestWrite));
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
  int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0 && errno != EINTR) fail(errno);  // network file systems report a full disk here
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  temporary_.clear();
  if (!sync_) return;
  int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;  // the file is in place; a folder that cannot be opened cannot be synced
  (void)::fsync(folder);
  ::close(folder);
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

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, bool writable) {
  struct stat status;
  Closer closer{open_for_reading(path, status)};
  if (!S_ISREG(status.st_mode)) raise_file_error("map", path, ENODEV);
  std::shared_ptr<MappedFile> file(new MappedFile);
  if (status.st_size == 0) return file;
  size_t size = static_cast<size_t>(status.st_size);
  void* data = ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_PRIVATE,
                      closer.descriptor, 0);
  if (data == MAP_FAILED) raise_file_error("map", path, errno);
  file->data_ = data;
  file->size_ = size;
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace sinter

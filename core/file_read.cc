// POSIX calls behind read_file, FileReader and MappedFile, with the system's reason in every error.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "core/error.h"
#include "core/file_descriptor.h"
#include "core/file_io.h"
#include "core/memory_limit.h"
#include "core/tensor_memory.h"

namespace sinter {
namespace {

int open_to_read(const std::string& path) {
  if (path.find('\0') != std::string::npos) raise_file_error("read", path, ENOENT);
  int descriptor;
  do {
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) raise_file_error("read", path, errno);
  return descriptor;
}

/// What is behind a descriptor; no folder.
struct stat status_of(const std::string& path, int descriptor) {
  struct stat status;
  const int error = ::fstat(descriptor, &status) != 0 ? errno
                    : S_ISDIR(status.st_mode)         ? EISDIR
                                                      : 0;
  if (error != 0) raise_file_error("read", path, error);
  return status;
}

/// Has the file been written to between the two?
bool was_written(const struct stat& before, const struct stat& after) {
  return before.st_size != after.st_size || before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
         before.st_mtim.tv_nsec != after.st_mtim.tv_nsec;
}

/// Reads once. How many bytes came.
size_t read_some(const std::string& path, int descriptor, void* data, size_t size) {
  while (true) {
    const ssize_t count = ::read(descriptor, data, size);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) raise_file_error("read", path, errno);
  }
}

/// How many of `size` bytes the file gave.
size_t read_into(const std::string& path, int descriptor, void* data, size_t size) {
  size_t filled = 0;
  while (filled < size) {
    const size_t count = read_some(path, descriptor, static_cast<char*>(data) + filled,
                                   std::min(size - filled, kLargestIo));
    if (count == 0) break;
    filled += count;
  }
  return filled;
}

/// Reads to the end, behind the `filled` bytes that came already. How many bytes `buffer` has then.
size_t read_whole(const std::string& path, int descriptor, const struct stat& status,
                  std::string_view magic, std::string& buffer, size_t filled) {
  const bool is_regular = S_ISREG(status.st_mode);
  const std::string what = "the content of '" + path + "'";
  if (is_regular) check_memory(status.st_size, what);
  // One byte more than a file has, so that its end shows without another buffer; what has no size
  // grows as it comes.
  const size_t wanted =
      is_regular && status.st_size > 0 ? static_cast<size_t>(status.st_size) + 1 : kFileBufferBytes;
  if (buffer.size() < wanted) buffer.resize(wanted);
  while (true) {
    if (!is_regular && filled >= magic.size() && !buffer.starts_with(magic)) break;
    if (filled == buffer.size()) {
      check_memory(static_cast<int64_t>(2 * filled), what);
      buffer.resize(2 * filled);
    }
    const size_t count =
        read_some(path, descriptor, buffer.data() + filled, buffer.size() - filled);
    filled += count;
    // A regular file that gives less than it was asked for has ended, unless Linux cut it short.
    if (count == 0 || (is_regular && filled < buffer.size() && count < kLargestIo)) break;
  }
  return filled;
}

}  // namespace

std::string read_file(const std::string& path, std::string_view magic) {
  const Closer closer{open_to_read(path)};
  const struct stat status = status_of(path, closer.descriptor);
  std::string result;
  result.resize(read_whole(path, closer.descriptor, status, magic, result, 0));
  return result;
}

std::string_view read_file_to(std::string& buffer, const std::string& path,
                              std::string_view ending) {
  const Closer closer{open_to_read(path)};
  if (buffer.size() < kFileBufferBytes) buffer.resize(kFileBufferBytes);
  const size_t filled = read_some(path, closer.descriptor, buffer.data(), buffer.size());
  const std::string_view first = std::string_view(buffer).substr(0, filled);
  if (filled < buffer.size() && first.ends_with(ending)) return first;
  const struct stat status = status_of(path, closer.descriptor);
  const size_t whole = read_whole(path, closer.descriptor, status, {}, buffer, filled);
  return std::string_view(buffer).substr(0, whole);
}

std::unique_ptr<FileReader> FileReader::open(const std::string& path) {
  Closer closer{open_to_read(path)};
  const struct stat status = status_of(path, closer.descriptor);
  if (!S_ISREG(status.st_mode)) return nullptr;
  return std::unique_ptr<FileReader>(
      new FileReader(path, closer.release(), static_cast<size_t>(status.st_size)));
}

FileReader::~FileReader() { ::close(descriptor_); }

void FileReader::read(void* data, size_t count) {
  if (count > left_ || read_into(path_, descriptor_, data, count) < count)
    throw FileError("cannot read '" + path_ + "': it is shorter than it was");
  left_ -= count;
}

void FileReader::skip(size_t count) {
  if (count > left_ || ::lseek(descriptor_, static_cast<off_t>(count), SEEK_CUR) < 0)
    throw FileError("cannot read '" + path_ + "': it is shorter than it was");
  left_ -= count;
}

MappedFile::MappedFile() = default;

void MappedFile::map(const std::string& path, int descriptor) {
  if (size_ == 0) return;
  void* data = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) raise_file_error("map", path, errno);
  data_ = data;
}

std::shared_ptr<const MappedFile> MappedFile::snapshot(const std::string& path, size_t copied) {
  constexpr int kTries = 3;  // a file that is replaced as a whole is whole the next time
  for (int tries = 0; tries < kTries; ++tries) {
    const Closer closer{open_to_read(path)};
    const struct stat status = status_of(path, closer.descriptor);
    if (!S_ISREG(status.st_mode)) raise_file_error("map", path, ENODEV);
    std::shared_ptr<MappedFile> file(new MappedFile);
    file->size_ = static_cast<size_t>(status.st_size);
    if (file->size_ > copied) {
      file->map(path, closer.descriptor);
      file->path_ = path;
      file->status_ = std::make_unique<struct stat>(status);
      return file;
    }
    check_memory(status.st_size, "the content of '" + path + "'");
    file->copy_ = allocate_tensor_memory(file->size_);
    file->data_ = file->copy_.get();
    const size_t filled = read_into(path, closer.descriptor, file->data_, file->size_);
    struct stat after;
    if (::fstat(closer.descriptor, &after) != 0) raise_file_error("read", path, errno);
    if (filled == file->size_ && !was_written(status, after)) return file;
  }
  throw FileError("cannot read '" + path + "': it is being changed");
}

void MappedFile::check_unchanged() const {
  // Where another file has taken its place, the mapping still shows the one that was there.
  struct stat now;
  if (status_ == nullptr || ::stat(path_.c_str(), &now) != 0 || !same_file(*status_, now)) return;
  if (was_written(*status_, now))
    throw FileError("cannot read '" + path_ + "': it was changed meanwhile");
}

MappedFile::~MappedFile() {
  if (data_ != nullptr && !copy_) ::munmap(data_, size_);
}

}  // namespace sinter

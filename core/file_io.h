// Files read whole, mapped, or written atomically: a reader sees the old file or the new one, never
// half of either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct stat;

namespace sinter {

/// All bytes of a file. Raises FileError with the system's reason. What has no size may have no end
/// ("/dev/zero", a pipe): of one that does not begin with `magic` only the first bytes are read,
/// and more than memory_limit() raise MemoryError.
std::string read_file(const std::string& path, std::string_view magic = {});
/// The same to `buffer`, which grows and serves the next file, too; valid as long as it is not
/// changed. Made for many small files: bytes with this `ending`, which only whole files have, come
/// by one call of the system, and the file's size is not asked for.
std::string_view read_file_to(std::string& buffer, const std::string& path,
                              std::string_view ending);

/// A file that replaces `path` only when commit() returns. Until then the bytes go to a temporary
/// file in the same folder, which the destructor removes; those of processes that were killed are
/// removed by the next one to write into the folder. A symbolic link is followed. What is no
/// regular file (a device, a pipe, a socket) is written directly, and so is what a path under /proc
/// or /dev leads to by way of a descriptor ("/dev/stdout"), whatever file that is. Every failure
/// raises FileError.
class AtomicFile {
 public:
  /// `sync` waits until the bytes are on the disk before the rename; a cache may go without.
  explicit AtomicFile(std::string path, bool sync = true);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void write(std::span<const std::byte> bytes);
  void write(const void* bytes, size_t count);
  /// Writes zeros up to the next multiple of `alignment`.
  void align(int64_t alignment);
  /// Bytes written so far.
  int64_t position() const { return position_; }
  /// Flushes, syncs and renames. Nothing may be written afterwards.
  void commit();

 private:
  void flush();
  void write_through(const char* bytes, size_t count);
  void discard();
  [[noreturn]] void fail(int error);

  std::string path_;
  std::string target_;     // path_ with symbolic links resolved
  std::string temporary_;  // empty when target_ is written directly
  int descriptor_ = -1;
  bool sync_ = true;
  int64_t position_ = 0;
  std::vector<char> buffer_;
};

/// Do both paths lead to one file? Also when it is not there yet.
bool is_same_file(const std::string& a, const std::string& b);

/// Writes a whole file by way of AtomicFile.
void write_file_atomically(const std::string& path, std::string_view bytes, bool sync = true);
void write_file_atomically(const std::string& path, std::span<const std::byte> bytes,
                           bool sync = true);

/// A regular file that is read piece by piece, to where the bytes are wanted. One that is cut
/// meanwhile raises FileError, where a mapping would end the process.
class FileReader {
 public:
  /// Nothing for what has no size, as a pipe. Raises FileError for what cannot be read.
  static std::unique_ptr<FileReader> open(const std::string& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  /// Bytes not yet read.
  size_t left() const { return left_; }
  void read(void* data, size_t count);
  /// Leaves out bytes, without reading them.
  void skip(size_t count);

 private:
  FileReader(const std::string& path, int descriptor, size_t size)
      : path_(path), descriptor_(descriptor), left_(size) {}

  std::string path_;
  int descriptor_;
  size_t left_;
};

/// The bytes of a file in memory; tensors that point into it hold the shared pointer as their
/// owner.
class MappedFile {
 public:
  /// The bytes as they were at one moment. They may be changed, which never reaches the file. Up to
  /// kCopied bytes are copied, so nothing that happens to the file later changes them. Larger files
  /// are mapped, and processes share their memory: they must not be written in place while they are
  /// in use (writing beside them and renaming, as AtomicFile does, is no harm). Raises FileError
  /// also when the file changes meanwhile.
  static constexpr size_t kCopied = size_t{1} << 30;
  static std::shared_ptr<const MappedFile> snapshot(const std::string& path,
                                                    size_t copied = kCopied);
  /// Raises FileError when the file of a snapshot that was mapped has been written to.
  void check_unchanged() const;
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }
  std::string_view text() const { return {static_cast<const char*>(data_), size_}; }

 private:
  MappedFile();
  void map(const std::string& path, int descriptor);

  void* data_ = nullptr;
  size_t size_ = 0;
  std::shared_ptr<void> copy_;           // holds the data where it is no mapping
  std::string path_;                     // of a snapshot that is mapped
  std::unique_ptr<struct stat> status_;  // and how that file was
};

}  // namespace sinter

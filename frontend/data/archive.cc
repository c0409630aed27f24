// Archives by libarchive: its one home.
#include "frontend/data/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "core/file_io.h"
#include "core/line.h"
#include "core/memory_limit.h"
#include "frontend/data/inflate.h"
#include "frontend/data/target_folder.h"
#include "frontend/progress.h"

namespace sinter::archive {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = size_t{1} << 16;
constexpr int64_t kBarUnit = 1000;  // of a bar in kB

ProgressOptions bar_options(bool shown, const char* name) {
  return {.description = name,
          .unit = "kB",
          .style = shown ? ProgressStyle::kAuto : ProgressStyle::kQuiet};
}

std::string system_error() { return std::generic_category().message(errno); }

using Handle = std::unique_ptr<::archive, int (*)(::archive*)>;
using Entry = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

std::string error_text(::archive* a) {
  const char* text = archive_error_string(a);
  return text == nullptr ? "it is damaged" : text;
}

// --- create

struct Source {
  fs::path path;
  std::string name;  // in the archive
  struct stat status {};
};

void add_sources(const fs::path& path, const std::string& name, const std::string& archive_path,
                 std::vector<Source>& sources) {
  Source source{path, name, {}};
  if (::lstat(path.c_str(), &source.status) != 0)
    throw FileError(fmt::format("cannot read '{}': {}", path.string(), system_error()));
  const mode_t mode = source.status.st_mode;
  if (S_ISREG(mode) && is_same_file(path.string(), archive_path)) return;  // of an earlier run
  if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode))
    throw FileError(fmt::format("cannot pack '{}': it is no file, folder or link", path.string()));
  sources.push_back(source);
  if (!S_ISDIR(mode)) return;
  std::vector<fs::path> inside;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    inside.push_back(it->path());
  if (error)
    throw FileError(fmt::format("cannot read the folder '{}': {}", path.string(), error.message()));
  std::ranges::sort(inside);
  for (const fs::path& one : inside)
    add_sources(one, name + "/" + one.filename().string(), archive_path, sources);
}

/// Where libarchive writes. An exception waits here until its C code is left.
struct Output {
  std::optional<AtomicFile> file;
  std::exception_ptr failure;
};

la_ssize_t put_bytes(::archive*, void* context, const void* bytes, size_t count) {
  auto& out = *static_cast<Output*>(context);
  try {
    out.file->write(bytes, count);
    return static_cast<la_ssize_t>(count);
  } catch (...) {
    out.failure = std::current_exception();
    return -1;
  }
}

class Packer {
 public:
  explicit Packer(const std::string& path)
      : path_(path), archive_(archive_write_new(), archive_write_free) {
    const bool gzip = path.ends_with(".tar.gz") || path.ends_with(".tgz");
    if (!gzip && !path.ends_with(".tar") && !path.ends_with(".zip"))
      throw FileError(
          fmt::format("cannot write '{}': the name must end in .tar, .tar.gz, .tgz or .zip", path));
    if (path.ends_with(".zip"))
      check(archive_write_set_format_zip(get()));
    else
      check(archive_write_set_format_pax_restricted(get()));
    if (gzip) {
      check(archive_write_add_filter_gzip(get()));
      check(archive_write_set_filter_option(get(), "gzip", "timestamp", nullptr));
    }
    output_.file.emplace(path);
    check(archive_write_set_bytes_in_last_block(get(), 1));  // no zeros behind the end
    check(archive_write_open(get(), &output_, nullptr, put_bytes, nullptr));
  }

  void add(const Source& source, const std::function<void(int64_t)>& on_bytes) {
    const Entry entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), source.name.c_str());
    const mode_t mode = source.status.st_mode;
    archive_entry_set_mode(entry.get(), mode & (S_IFMT | 0777));
    archive_entry_set_mtime(entry.get(), source.status.st_mtime, 0);
    if (S_ISLNK(mode)) {
      archive_entry_set_symlink(entry.get(), fs::read_symlink(source.path).c_str());
    }
    if (!S_ISREG(mode)) {
      archive_entry_set_size(entry.get(), 0);
      check(archive_write_header(get(), entry.get()));
      return;
    }
    const Descriptor file(::open(source.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file.get() < 0)
      throw FileError(fmt::format("cannot read '{}': {}", source.path.string(), system_error()));
    archive_entry_set_size(entry.get(), source.status.st_size);
    check(archive_write_header(get(), entry.get()));
    int64_t all = 0;
    while (true) {
      const ssize_t count = ::read(file.get(), buffer_.data(), buffer_.size());
      if (count < 0)
        throw FileError(fmt::format("cannot read '{}': {}", source.path.string(), system_error()));
      if (count == 0) break;
      all += count;
      if (all > source.status.st_size) break;
      if (archive_write_data(get(), buffer_.data(), static_cast<size_t>(count)) < 0) fail();
      on_bytes(count);
    }
    if (all != source.status.st_size)
      throw FileError(fmt::format("cannot read '{}': it changes meanwhile", source.path.string()));
  }

  void finish() {
    check(archive_write_close(get()));
    output_.file->commit();
  }

 private:
  ::archive* get() { return archive_.get(); }
  void check(int status) {
    if (status < ARCHIVE_WARN) fail();
  }
  [[noreturn]] void fail() {
    if (output_.failure) std::rethrow_exception(output_.failure);
    throw FileError(fmt::format("cannot write '{}': {}", path_, error_text(get())));
  }

  const std::string& path_;
  Output output_;  // outlives archive_, which writes when it is freed
  Handle archive_;
  std::vector<char> buffer_ = std::vector<char>(kPiece);
};

// --- extract

/// Raises FileError when more comes out than may.
class Limit {
 public:
  Limit(const ExtractOptions& options, int64_t archive_bytes)
      : options_(options), archive_bytes_(archive_bytes) {}
  void add(int64_t bytes) { check(all_ += bytes); }
  /// Would so many bytes more be too many?
  void check_next(int64_t bytes) const {
    if (bytes > INT64_MAX - all_) bytes = INT64_MAX - all_;
    check(all_ + bytes);
  }

 private:
  void check(int64_t all) const {
    constexpr int64_t kAnyway = int64_t{256} << 20;
    const double most = options_.most_expansion * static_cast<double>(archive_bytes_);
    if (all > options_.most_bytes)
      throw FileError(fmt::format("it holds more than {}, which .most_bytes allows",
                                  memory_text(options_.most_bytes)));
    if (all > kAnyway && static_cast<double>(all) > most)
      throw FileError(fmt::format(
          "{} become more than {} times as many, which .most_expansion allows: is it a bomb?",
          memory_text(archive_bytes_), options_.most_expansion));
  }

  const ExtractOptions& options_;
  int64_t archive_bytes_, all_ = 0;
};

/// An unpacked gzip file, for libarchive.
struct Input {
  std::optional<datasets::GzipReader> gzip;
  std::optional<Limit> limit;
  std::exception_ptr failure;

  std::string_view next() {
    const std::string_view piece = gzip->next();
    // Headers and filling are not the files' own.
    limit->add(static_cast<int64_t>(piece.size() - piece.size() / 2));
    return piece;
  }
};

la_ssize_t next_bytes(::archive*, void* context, const void** bytes) {
  auto& in = *static_cast<Input*>(context);
  try {
    const std::string_view piece = in.next();
    *bytes = piece.data();
    return static_cast<la_ssize_t>(piece.size());
  } catch (...) {
    in.failure = std::current_exception();
    return -1;
  }
}

class Unpacker {
 public:
  Unpacker(const std::string& path, const ExtractOptions& options)
      : path_(path),
        options_(options),
        size_(size_of(path)),
        written_(options, size_),
        archive_(archive_read_new(), archive_read_free) {
    check(archive_read_support_format_tar(get()));
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    unsigned char magic[2] = {};
    if (::read(file.get(), magic, 2) == 2 && magic[0] == 0x1f && magic[1] == 0x8b) {
      // Not libarchive's own filter, which does not look at the checksum.
      input_.gzip.emplace(path);
      input_.limit.emplace(options, size_);
      check(archive_read_open(get(), &input_, nullptr, next_bytes, nullptr));
    } else {
      check(archive_read_support_format_zip(get()));
      check(archive_read_open_filename(get(), path.c_str(), kPiece));
    }
  }

  void unpack_into(const std::string& folder) {
    TargetFolder target(folder);
    ProgressBar bar(size_ / kBarUnit, bar_options(options_.progress, "extract"));
    int64_t entries = 0;
    archive_entry* entry = nullptr;
    while (true) {
      const int status = archive_read_next_header(get(), &entry);
      if (status == ARCHIVE_EOF) break;
      if (status < ARCHIVE_WARN) fail();
      if (++entries > options_.most_entries)
        throw FileError(fmt::format("cannot extract '{}': it has more than {} entries", path_,
                                    options_.most_entries));
      const std::string name =
          text(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
      try {
        unpack(target, name, entry);
      } catch (const FileError& error) {
        if (input_.failure) fail();
        throw FileError(
            fmt::format("cannot extract '{}': entry '{}': {}", path_, name, error.what()));
      }
      bar.set_done(position() / kBarUnit);
    }
    finish(entries);
    bar.set_done(size_ / kBarUnit);
    bar.close();
  }

 private:
  static int64_t size_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
      throw FileError(fmt::format("cannot read '{}': {}", path, system_error()));
    if (!S_ISREG(status.st_mode))
      throw FileError(fmt::format("cannot read '{}': it is no regular file", path));
    return status.st_size;
  }

  // libarchive gives the one when the locale has all its characters, the other one when it is
  // Unicode.
  static std::string text(const char* local, const char* utf8) {
    return local != nullptr ? local : utf8 != nullptr ? utf8 : "";
  }

  void unpack(TargetFolder& target, const std::string& name, archive_entry* entry) {
    const std::vector<std::string> parts = TargetFolder::parts(name);
    if (const char* local = archive_entry_hardlink(entry);
        local != nullptr || archive_entry_hardlink_utf8(entry) != nullptr) {
      target.make_hard_link(parts,
                            TargetFolder::parts(text(local, archive_entry_hardlink_utf8(entry))));
      return;
    }
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR: target.make_folder(parts); return;
      case AE_IFLNK:
        target.make_link(parts,
                         text(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry)));
        return;
      case AE_IFREG: break;
      default: throw FileError("it is no file, folder or link but a device, pipe or socket");
    }
    if (archive_entry_is_encrypted(entry) > 0) throw FileError("it is encrypted");
    if (archive_entry_size_is_set(entry) != 0) written_.check_next(archive_entry_size(entry));
    const Descriptor file = target.make_file(parts, (archive_entry_mode(entry) & 0111) != 0);
    copy_data(file.get());
    if (archive_entry_mtime_is_set(entry) != 0) {
      const timespec time{archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
      const timespec times[2] = {time, time};
      (void)::futimens(file.get(), times);  // a time that the system does not take is no loss
    }
  }

  void copy_data(int file) {
    while (true) {
      const la_ssize_t count = archive_read_data(get(), buffer_.data(), buffer_.size());
      if (count == 0) return;
      if (count == ARCHIVE_RETRY) continue;
      if (count < 0) throw FileError(error_text(get()));
      written_.add(count);
      for (la_ssize_t done = 0; done < count;) {
        const ssize_t n = ::write(file, buffer_.data() + done, static_cast<size_t>(count - done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw FileError("cannot write it: " + system_error());
        done += n;
      }
    }
  }

  // All there is must have been looked at, for what was cut off and for checksums.
  void finish(int64_t entries) {
    if (input_.gzip) {
      while (!input_.next().empty()) {
      }
    }
    const bool tar = (archive_format(get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
    if (entries == 0 && !tar && archive_format(get()) == 0)
      throw FileError(fmt::format("cannot extract '{}': it is no archive", path_));
    if (tar && !input_.gzip && !ends_in_zeros())
      throw FileError(fmt::format("cannot extract '{}': the file ends too early", path_));
  }

  bool ends_in_zeros() const {
    constexpr int64_t kMark = 1024;
    char last[kMark];
    const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (size_ < kMark || ::pread(file.get(), last, kMark, size_ - kMark) != kMark) return false;
    return std::all_of(last, last + kMark, [](char c) { return c == 0; });
  }

  int64_t position() {
    return input_.gzip ? input_.gzip->consumed() : archive_filter_bytes(get(), -1);
  }

  ::archive* get() { return archive_.get(); }
  void check(int status) {
    if (status < ARCHIVE_WARN) fail();
  }
  [[noreturn]] void fail() {
    std::string text = error_text(get());
    try {
      if (input_.failure) std::rethrow_exception(input_.failure);
    } catch (const FileError& error) {
      text = error.what();
    }
    throw FileError(fmt::format("cannot extract '{}': {}", path_, text));
  }

  const std::string& path_;
  const ExtractOptions& options_;
  int64_t size_;
  Limit written_;
  Input input_;  // outlives archive_
  Handle archive_;
  std::vector<char> buffer_ = std::vector<char>(kPiece);
};

}  // namespace

void create(const std::string& path, const std::string& folder, CreateOptions options,
            SourceLocation where) {
  at_line(where, [&] {
    fs::path source = fs::path(folder).lexically_normal();
    if (!source.has_filename()) source = source.parent_path();  // "letters/"
    std::string name = source.filename().string();
    if (name == "." || name == "..")
      name = fs::absolute(source).lexically_normal().filename().string();
    if (name.empty() || name == "." || name == "..")
      throw FileError(fmt::format("cannot pack '{}': it has no name", folder));
    std::vector<Source> sources;  // before the archive itself is there
    add_sources(source, name, path, sources);
    int64_t all = 0, done = 0;
    for (const Source& one : sources)
      if (S_ISREG(one.status.st_mode)) all += one.status.st_size;
    Packer packer(path);
    ProgressBar bar(all / kBarUnit, bar_options(options.progress, "create"));
    for (const Source& one : sources)
      packer.add(one, [&](int64_t bytes) { bar.set_done((done += bytes) / kBarUnit); });
    packer.finish();
    bar.close();
  });
}

void extract(const std::string& path, const std::string& folder, ExtractOptions options,
             SourceLocation where) {
  at_line(where, [&] { Unpacker(path, options).unpack_into(folder); });
}

}  // namespace sinter::archive

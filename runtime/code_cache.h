// Compiled code on disk: a folder of entries named by the hash of their key, bounded in size, safe
// against damage and against other processes that use it at the same time.
//
// What is found is run, so the folder must be this user's alone: a folder itself (no link to one),
// of this user, that nobody else may read or write (mode 0700). Checksums tell damage, not malice:
// whoever may write to the folder decides what programs of this user do. Any other folder is not
// used, with one warning; so are one that cannot be made, and one that cannot be written to where
// there is something to keep.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sinter {

class CodeCache {
 public:
  /// A cache that holds nothing and keeps nothing.
  CodeCache() = default;
  /// `folder` must be an absolute path; put() makes it, with mode 0700, where there is none.
  CodeCache(std::string folder, int64_t limit_bytes);
  /// $SINTER_CACHE_DIR, else sinter in $XDG_CACHE_HOME (where that is an absolute path) or
  /// ~/.cache; nothing when none of them is set, and in programs that run with more rights than
  /// their caller (set-uid). At most 256 MiB.
  static CodeCache standard();

  /// The value stored under exactly this key. A damaged entry is removed. Never raises: a cache
  /// that cannot be read is empty.
  std::optional<std::string> find(std::string_view key) const;
  struct Entry {
    std::string_view key, value;
  };
  /// Stores values; on any failure (full disk, no right to write) nothing happens but one warning
  /// that gives the reason. Now and then
  /// (each time a 64th of the limit was written, on average) removes the entries unused for longest
  /// when the folder has grown above its limit.
  void put(std::span<const Entry> entries) const;
  void put(std::string_view key, std::string_view value) const {
    const Entry entry{key, value};
    put({&entry, 1});
  }
  const std::string& folder() const { return folder_; }

 private:
  class Folder;  // an open one that is this user's alone
  static std::shared_ptr<const Folder> open_folder(const std::string& path);
  static void warn_of(const std::string& path, const std::string& fault);
  void trim(const Folder& folder) const;

  std::string folder_;
  std::shared_ptr<const Folder> opened_;  // null while there is none
  int64_t limit_bytes_ = 0;
};

}  // namespace sinter

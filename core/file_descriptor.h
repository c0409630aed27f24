// What reading and writing files have in common. For core/file_read.cc and core/file_write.cc.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace sinter {

inline constexpr size_t kFileBufferBytes = size_t{1} << 16;
inline constexpr size_t kLargestIo = size_t{1} << 30;  // Linux cuts longer reads and writes short

/// "cannot read 'x': No such file or directory".
[[noreturn]] inline void raise_file_error(const char* verb, const std::string& path, int error) {
  throw FileError(std::string("cannot ") + verb + " '" + path +
                  "': " + std::generic_category().message(error));
}

/// Closes a descriptor on every way out of a scope.
struct Closer {
  int descriptor;
  ~Closer() {
    if (descriptor >= 0) ::close(descriptor);
  }
  /// Leaves it open: it belongs to the caller.
  int release() { return std::exchange(descriptor, -1); }
};

inline bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace sinter

// Archives of folders: .tar, .tar.gz and .zip, as `tar -czf` and `tar -xzf` make and open them.
#pragma once

#include <cstdint>
#include <string>

#include "core/source_location.h"

namespace sinter::archive {

struct CreateOptions {
  bool progress = true;  // a bar on the terminal, on stderr
};

/// Packs a folder, or one file, under its own name: "letters/A/1.png" of the folder "data/letters".
/// `path` ends in .tar, .tar.gz, .tgz or .zip, and is there when all is in it. Entries are sorted
/// and belong to nobody; links are kept as links. Raises FileError for another ending, for what
/// cannot be read, and for devices, pipes and sockets.
void create(const std::string& path, const std::string& folder, CreateOptions options = {},
            SourceLocation where = SourceLocation::current());

struct ExtractOptions {
  /// What all files may take on the disk, and how many entries there may be.
  int64_t most_bytes = int64_t{16} << 30;
  int64_t most_entries = 4'000'000;
  /// How many times as large as the archive all files may be, once they take more than 256 MiB:
  /// pictures and tables stay below 20, bombs are at 1000.
  double most_expansion = 200;
  bool progress = true;
};

/// Unpacks into `folder`, which is made. Files that are there are replaced; what is a link there is
/// never followed. Raises FileError, which names archive and entry, for a damaged or encrypted
/// archive, another format, and before anything of the entry is written for names that leave the
/// folder ("../x", "/x"), links that do (also by way of other links), devices, pipes, and more than
/// the options allow. What was unpacked before stays. Takes a few MiB of memory.
void extract(const std::string& path, const std::string& folder = ".", ExtractOptions options = {},
             SourceLocation where = SourceLocation::current());

}  // namespace sinter::archive

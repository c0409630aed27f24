#include "runtime/code_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/file_io.h"
#include "core/hash.h"

namespace sinter {
namespace {

namespace fs = std::filesystem;

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

constexpr std::string_view kSuffix = ".code";

// Looking through a folder of thousands of entries takes milliseconds, so it is done once for each
// 64th of the limit that is written, on average over all processes.
bool is_due(int64_t written, int64_t limit) {
  const int64_t share = std::max<int64_t>(limit / 64, 1);
  if (written >= share) return true;
  const int64_t now = std::chrono::steady_clock::now().time_since_epoch().count();
  const uint64_t random = hash_bytes(std::as_bytes(std::span(&now, 1)));
  return random % static_cast<uint64_t>(share) < static_cast<uint64_t>(written);
}

}  // namespace

CodeCache::CodeCache(std::string folder, int64_t limit_bytes)
    : folder_(std::move(folder)), limit_bytes_(limit_bytes) {}

CodeCache CodeCache::standard() {
  constexpr int64_t kLimit = int64_t{256} << 20;
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const std::string own = variable("SINTER_CACHE_DIR"); !own.empty()) return {own, kLimit};
  if (const std::string xdg = variable("XDG_CACHE_HOME"); !xdg.empty())
    return {xdg + "/sinter", kLimit};
  if (const std::string home = variable("HOME"); !home.empty())
    return {home + "/.cache/sinter", kLimit};
  return {};
}

std::string CodeCache::path_of(std::string_view key) const {
  return fmt::format("{}/{:016x}{}", folder_, hash_text(key), kSuffix);
}

std::optional<std::string> CodeCache::find(std::string_view key) const {
  if (folder_.empty()) return std::nullopt;
  const std::string path = path_of(key);
  std::error_code ignored;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  try {
    const std::string bytes = read_file(path);
    Header header, expected;
    const bool whole = bytes.size() >= sizeof(Header);
    if (whole) std::memcpy(&header, bytes.data(), sizeof(Header));
    const uint64_t rest = whole ? bytes.size() - sizeof(Header) : 0;
    if (!whole || std::memcmp(header.magic, expected.magic, sizeof(header.magic)) != 0 ||
        header.key_bytes > rest || header.value_bytes != rest - header.key_bytes) {
      fs::remove(path, ignored);
      return std::nullopt;
    }
    const std::string_view stored =
        std::string_view(bytes).substr(sizeof(Header), header.key_bytes);
    const std::string_view value =
        std::string_view(bytes).substr(sizeof(Header) + header.key_bytes);
    if (checksum(stored, value) != header.checksum) {
      fs::remove(path, ignored);
      return std::nullopt;
    }
    if (stored != key) return std::nullopt;
    // Used just now; to some minutes is enough to tell old entries from new ones.
    if (info.st_mtime + 600 < ::time(nullptr))
      fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
    return std::string(value);
  } catch (const Error&) {
    return std::nullopt;
  }
}

void CodeCache::put(std::span<const Entry> entries) const {
  if (folder_.empty()) return;
  try {
    std::error_code error;
    const fs::path folder(folder_);
    if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
    ::mkdir(folder_.c_str(), 0700);  // an existing folder keeps its mode
    int64_t written = 0;
    for (const auto& [key, value] : entries) {
      written += static_cast<int64_t>(sizeof(Header) + key.size() + value.size());
      Header header;
      header.key_bytes = key.size();
      header.value_bytes = value.size();
      header.checksum = checksum(key, value);
      AtomicFile file(path_of(key), false);
      file.write(&header, sizeof(header));
      file.write(key);
      file.write(value);
      file.commit();
    }
    if (is_due(written, limit_bytes_)) trim();
  } catch (const Error&) {
    // A cache that cannot be written is no reason to fail.
  }
}

void CodeCache::trim() const {
  struct StoredFile {
    fs::path path;
    fs::file_time_type used;
    int64_t bytes;
  };
  std::vector<StoredFile> entries;
  int64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != kSuffix) continue;
    std::error_code gone;
    const auto bytes = static_cast<int64_t>(it->file_size(gone));
    const fs::file_time_type used = it->last_write_time(gone);
    if (gone) continue;
    entries.push_back({it->path(), used, bytes});
    total += bytes;
  }
  if (total <= limit_bytes_) return;
  std::sort(entries.begin(), entries.end(),
            [](const StoredFile& a, const StoredFile& b) { return a.used < b.used; });
  for (const StoredFile& entry : entries) {
    if (total <= limit_bytes_) break;
    fs::remove(entry.path, error);
    total -= entry.bytes;
  }
}

}  // namespace sinter

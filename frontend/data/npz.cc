// .npz: a zip file of .npy files.
#include "frontend/data/npz.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "core/error.h"
#include "core/file_io.h"
#include "core/line.h"
#include "core/utf8.h"
#include "frontend/data/inflate.h"
#include "frontend/data/npy.h"
#include "frontend/data/npy_format.h"
#include "frontend/data/zip_file.h"

namespace sinter {
namespace {

constexpr std::string_view kEnding = ".npy";
constexpr double kAlwaysAllowed = 256 << 20;

/// The bytes of an entry, unpacked where they are wanted, with their checksum.
class EntryBytes final : public ByteSource {
 public:
  EntryBytes(const ZipEntry& entry, const std::string& name)
      : entry_(entry), name_(name), left_(entry.size), stored_(entry.bytes) {
    if (entry.is_deflated) inflater_ = std::make_unique<datasets::RawInflater>(entry.bytes);
  }
  size_t left() const override { return left_; }
  void read(void* data, size_t count) override {
    if (count > left_) fail("ends too early");
    if (inflater_ == nullptr) {
      if (count > 0) std::memcpy(data, stored_.data(), count);
      stored_.remove_prefix(count);
    } else if (!inflater_->read(data, count)) {
      fail("is damaged");
    }
    left_ -= count;
    crc_ = datasets::crc32_of({static_cast<const char*>(data), count}, crc_);
  }
  /// All must have been read.
  void check() {
    if (inflater_ != nullptr && !inflater_->at_end()) fail("is damaged");
    if (crc_ != entry_.crc) fail("does not match its checksum");
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw FileError(fmt::format("cannot read '{}': it {}", name_, what));
  }

  const ZipEntry& entry_;
  const std::string& name_;
  size_t left_;
  std::string_view stored_;
  std::unique_ptr<datasets::RawInflater> inflater_;
  uint32_t crc_ = 0;
};

/// By the names of arrays.
std::map<std::string, ZipEntry> chosen(std::vector<ZipEntry> entries, const std::string& path,
                                       const std::vector<std::string>& names) {
  std::map<std::string, ZipEntry> all;
  for (ZipEntry& entry : entries) {
    const bool is_array = entry.name.ends_with(kEnding);
    if (!is_array && !names.empty()) continue;
    if (!is_array)
      throw FileError(fmt::format(
          "cannot read '{}': its entry '{}' is no .npy array; .names chooses those to read", path,
          entry.name));
    const std::string name = entry.name.substr(0, entry.name.size() - kEnding.size());
    if (!all.emplace(name, std::move(entry)).second)
      throw FileError(fmt::format("cannot read '{}': it holds two arrays '{}'", path, name));
  }
  if (names.empty()) return all;
  std::map<std::string, ZipEntry> result;
  for (const std::string& name : names) {
    const auto found = all.find(name);
    if (found == all.end()) {
      std::vector<std::string> known;
      for (const auto& [other, entry] : all) known.push_back(other);
      raise_unknown_name(fmt::format("array in '{}'", path), name, known);
    }
    result.insert(*found);
  }
  return result;
}

}  // namespace

std::map<std::string, Tensor> load_npz(const std::string& path, LoadNpzOptions options,
                                       SourceLocation where) {
  return at_line(where, [&] {
    const std::shared_ptr<const MappedFile> file = MappedFile::snapshot(path);
    const std::map<std::string, ZipEntry> entries =
        chosen(zip_entries(file->text(), path), path, options.names);
    double all = 0;
    for (const auto& [name, entry] : entries) all += static_cast<double>(entry.size);
    const double most = std::max(
        kAlwaysAllowed, options.most_expansion * static_cast<double>(file->bytes().size()));
    if (all > most)
      throw FileError(
          fmt::format("cannot read '{}': its arrays take {:.0f} MiB, more than {} times its own "
                      "size, which may "
                      "be a bomb; .most_expansion allows more",
                      path, all / (1 << 20), options.most_expansion));
    std::map<std::string, Tensor> result;
    for (const auto& [name, entry] : entries) {
      const std::string full_name = fmt::format("{}/{}", path, entry.name);
      EntryBytes source(entry, full_name);
      Tensor array = parse_npy(source, full_name);
      source.check();
      result.emplace(name, std::move(array));
    }
    file->check_unchanged();
    return result;
  });
}

void save_npz(const std::string& path, const Data& arrays, SaveNpzOptions options,
              SourceLocation where) {
  at_line(where, [&] {
    constexpr size_t kMostName = std::numeric_limits<uint16_t>::max();
    std::map<std::string, Tensor> named;
    for (size_t i = 0; i < arrays.list().size(); ++i) {
      const std::string name =
          arrays.names().empty() ? fmt::format("arr_{}", i) : arrays.names()[i];
      check_name("save_npz", name);
      if (name.empty() || name.size() + kEnding.size() > kMostName)
        throw Error(fmt::format("save_npz: a name takes 1 to {} bytes, found {}",
                                kMostName - kEnding.size(), name.size()));
      if (!named.emplace(name, arrays.list()[i]).second)
        throw Error(fmt::format("save_npz: two arrays are named '{}'", name));
    }
    ZipWriter file(path);
    for (const auto& [name, given] : named) {
      const Tensor array = given.cast(numpy_dtype(given.dtype()));
      const std::string prefix = npy_prefix(array);
      const std::string_view pieces[] = {
          prefix, {static_cast<const char*>(array.raw()), static_cast<size_t>(array.bytes())}};
      file.add(name + std::string(kEnding), pieces, options.compressed);
    }
    file.commit();
  });
}

}  // namespace sinter

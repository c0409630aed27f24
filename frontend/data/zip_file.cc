// PKWARE's APPNOTE.TXT 6.3: a header and the bytes of each entry, then the list of all entries and
// the record at the end, each in the form for large files where it has to be.
#include "frontend/data/zip_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>

#include "core/error.h"
#include "frontend/data/inflate.h"

namespace sinter {
namespace {

constexpr uint32_t kEntrySign = 0x04034b50, kListSign = 0x02014b50, kEndSign = 0x06054b50,
                   kLargeEndSign = 0x06064b50, kLargePlaceSign = 0x07064b50;
constexpr size_t kEntryBytes = 30, kListBytes = 46, kEndBytes = 22, kLargeEndBytes = 56,
                 kLargePlaceBytes = 20;
constexpr uint16_t kLargeId = 1, kLargeVersion = 45, kPlainVersion = 20;
constexpr uint16_t kEncrypted = 1, kUtf8 = 1 << 11;
constexpr uint16_t kStored = 0, kDeflated = 8;
constexpr uint64_t kMostDeflated = 1032;  // bytes that deflate packs into one, at most

/// Numbers of a part of the file, in little-endian order; reading beyond the end is what a damaged
/// file asks for.
class Fields {
 public:
  Fields(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}
  template <std::unsigned_integral T>
  T take() {
    const std::string_view part = text(sizeof(T));
    uint64_t value = 0;
    for (size_t i = sizeof(T); i-- > 0;) value = value << 8 | static_cast<uint8_t>(part[i]);
    return static_cast<T>(value);
  }
  std::string_view text(size_t count) {
    if (count > bytes_.size()) fail("an entry ends too early");
    const std::string_view result = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return result;
  }
  void skip(size_t count) { (void)text(count); }
  bool empty() const { return bytes_.empty(); }
  [[noreturn]] void fail(const std::string& why) const {
    throw FileError(fmt::format("cannot read '{}': {}", path_, why));
  }

 private:
  std::string_view bytes_;
  const std::string& path_;
};

class DirectoryReader {
 public:
  DirectoryReader(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  std::vector<ZipEntry> entries() {
    find_list();
    Fields list = at(list_at_, list_size_);
    std::vector<ZipEntry> result;
    std::vector<std::pair<uint64_t, uint64_t>> places;  // from, to
    for (uint64_t i = 0; i < count_; ++i) {
      Place place;
      ZipEntry entry = listed(list, place);
      places.emplace_back(place.header, end_of(entry));
      if (!entry.name.ends_with('/')) result.push_back(std::move(entry));
    }
    if (!list.empty()) fail("its list of entries is damaged");
    std::ranges::sort(places);
    for (size_t i = 1; i < places.size(); ++i) {
      if (places[i].first < places[i - 1].second) fail("its entries overlap");
    }
    return result;
  }

 private:
  struct Place {
    uint64_t header = 0;
  };

  [[noreturn]] void fail(const std::string& why) const { Fields({}, path_).fail(why); }
  Fields at(uint64_t from, uint64_t size) const {
    if (from > bytes_.size() || size > bytes_.size() - from) fail("an entry ends too early");
    return {bytes_.substr(from, size), path_};
  }
  uint64_t end_of(const ZipEntry& entry) const {
    return static_cast<uint64_t>(entry.bytes.data() - bytes_.data()) + entry.bytes.size();
  }

  // The record at the end, behind which there may be a comment.
  void find_list() {
    constexpr size_t kMostComment = 0xffff;
    if (!bytes_.starts_with("PK")) fail("it is no zip file");
    const size_t least =
        bytes_.size() > kEndBytes + kMostComment ? bytes_.size() - kEndBytes - kMostComment : 0;
    for (size_t from = bytes_.size(); from-- > least;) {
      if (bytes_.size() - from < kEndBytes) continue;
      Fields end = at(from, bytes_.size() - from);
      if (end.take<uint32_t>() != kEndSign) continue;
      const auto disk = end.take<uint16_t>(), first_disk = end.take<uint16_t>();
      const auto here = end.take<uint16_t>();
      count_ = end.take<uint16_t>();
      list_size_ = end.take<uint32_t>();
      list_at_ = end.take<uint32_t>();
      if (end.take<uint16_t>() != bytes_.size() - from - kEndBytes) continue;
      const bool is_large = read_large_end(from);
      if (!is_large && (disk != 0 || first_disk != 0 || here != count_))
        fail("it is one part of several");
      if (count_ > list_size_ / kListBytes) fail("its list of entries is damaged");
      return;
    }
    fail("the file ends too early");
  }

  // The record for large files stands in front of the one at `from`, with its place between them.
  bool read_large_end(size_t from) {
    if (from < kLargePlaceBytes) return false;
    Fields place = at(from - kLargePlaceBytes, kLargePlaceBytes);
    if (place.take<uint32_t>() != kLargePlaceSign) return false;
    place.skip(sizeof(uint32_t));
    Fields end = at(place.take<uint64_t>(), kLargeEndBytes);
    if (end.take<uint32_t>() != kLargeEndSign) fail("its list of entries is damaged");
    end.skip(sizeof(uint64_t) + 2 * sizeof(uint16_t) + 2 * sizeof(uint32_t));
    const auto here = end.take<uint64_t>();
    count_ = end.take<uint64_t>();
    list_size_ = end.take<uint64_t>();
    list_at_ = end.take<uint64_t>();
    if (here != count_) fail("it is one part of several");
    return true;
  }

  // The next entry of the list, with its bytes, which stand behind a header of their own.
  ZipEntry listed(Fields& list, Place& place) const {
    if (list.take<uint32_t>() != kListSign) fail("its list of entries is damaged");
    list.skip(2 * sizeof(uint16_t));
    const auto flags = list.take<uint16_t>(), method = list.take<uint16_t>();
    list.skip(2 * sizeof(uint16_t));
    ZipEntry entry;
    entry.crc = list.take<uint32_t>();
    uint64_t packed = list.take<uint32_t>();
    entry.size = list.take<uint32_t>();
    const auto name = list.take<uint16_t>(), extra = list.take<uint16_t>(),
               comment = list.take<uint16_t>();
    list.skip(2 * sizeof(uint16_t) + sizeof(uint32_t));
    place.header = list.take<uint32_t>();
    entry.name = list.text(name);
    read_large(Fields(list.text(extra), path_), entry.size, packed, place.header);
    list.skip(comment);
    if ((flags & kEncrypted) != 0) fail(fmt::format("its entry '{}' is encrypted", entry.name));
    if (method != kStored && method != kDeflated)
      fail(fmt::format("its entry '{}' is packed by method {}; stored and deflated ones are read",
                       entry.name, method));
    entry.is_deflated = method == kDeflated;
    if (entry.is_deflated ? entry.size / kMostDeflated > packed : entry.size != packed)
      fail(fmt::format("its entry '{}' claims {} bytes of {}", entry.name, entry.size, packed));

    Fields header = at(place.header, kEntryBytes);
    if (header.take<uint32_t>() != kEntrySign)
      fail(fmt::format("its entry '{}' is not where the list says", entry.name));
    header.skip(kEntryBytes - sizeof(uint32_t) - 2 * sizeof(uint16_t));
    const auto own_name = header.take<uint16_t>(), own_extra = header.take<uint16_t>();
    if (at(place.header + kEntryBytes, own_name).text(own_name) != entry.name)
      fail(fmt::format("its entry '{}' has another name than in the list", entry.name));
    const uint64_t from = place.header + kEntryBytes + own_name + own_extra;
    entry.bytes = at(from, packed).text(packed);
    return entry;
  }

  // Numbers that have no room in 32 bits stand in an extra field, in this order.
  static void read_large(Fields extra, uint64_t& size, uint64_t& packed, uint64_t& header) {
    while (!extra.empty()) {
      const auto id = extra.take<uint16_t>(), length = extra.take<uint16_t>();
      if (id != kLargeId) {
        extra.skip(length);
        continue;
      }
      for (uint64_t* number : {&size, &packed, &header}) {
        if (*number == 0xffffffff) *number = extra.take<uint64_t>();
      }
      return;
    }
  }

  std::string_view bytes_;
  const std::string& path_;
  uint64_t count_ = 0, list_at_ = 0, list_size_ = 0;
};

template <typename... Numbers>
std::string joined(Numbers... numbers) {
  std::string result;
  const auto append = [&](auto number) {
    for (size_t i = 0; i < sizeof number; ++i)
      result += static_cast<char>(static_cast<uint64_t>(number) >> (8 * i) & 255);
  };
  (append(numbers), ...);
  return result;
}

constexpr uint16_t kNoTime = 0, kFirstDay = 33;  // 1 January 1980: the same bytes at any time

}  // namespace

std::vector<ZipEntry> zip_entries(std::string_view bytes, const std::string& path) {
  return DirectoryReader(bytes, path).entries();
}

ZipWriter::ZipWriter(const std::string& path, uint64_t large) : file_(path), large_(large) {}

void ZipWriter::add(const std::string& name, std::span<const std::string_view> pieces,
                    bool deflated) {
  Written w;
  w.entry.name = name;
  w.entry.is_deflated = deflated;
  for (const std::string_view piece : pieces) {
    w.entry.crc = datasets::crc32_of(piece, w.entry.crc);
    w.entry.size += piece.size();
  }
  std::string packed;
  if (deflated) packed = datasets::raw_deflate(pieces);
  w.packed = deflated ? packed.size() : w.entry.size;
  w.at = static_cast<uint64_t>(file_.position());
  const bool is_large = w.entry.size >= large_ || w.packed >= large_;
  const auto small = [&](uint64_t number) {
    return is_large ? 0xffffffff : static_cast<uint32_t>(number);
  };
  std::string extra;
  if (is_large) extra = joined(kLargeId, uint16_t{16}, w.entry.size, w.packed);
  file_.write(joined(kEntrySign, is_large ? kLargeVersion : kPlainVersion, kUtf8,
                     deflated ? kDeflated : kStored, kNoTime, kFirstDay, w.entry.crc,
                     small(w.packed), small(w.entry.size), static_cast<uint16_t>(name.size()),
                     static_cast<uint16_t>(extra.size())));
  file_.write(name);
  file_.write(extra);
  if (deflated) {
    file_.write(packed);
  } else {
    for (const std::string_view piece : pieces) file_.write(piece);
  }
  written_.push_back(std::move(w));
}

void ZipWriter::commit() {
  const auto list_at = static_cast<uint64_t>(file_.position());
  for (const Written& w : written_) {
    std::string extra;
    const auto small = [&](uint64_t number) {
      if (number < large_) return static_cast<uint32_t>(number);
      extra += joined(number);
      return uint32_t{0xffffffff};
    };
    const uint32_t size = small(w.entry.size), packed = small(w.packed), at = small(w.at);
    const bool is_large = !extra.empty();
    if (is_large) extra = joined(kLargeId, static_cast<uint16_t>(extra.size())) + extra;
    const uint16_t version = is_large ? kLargeVersion : kPlainVersion;
    file_.write(joined(kListSign, version, version, kUtf8,
                       w.entry.is_deflated ? kDeflated : kStored, kNoTime, kFirstDay, w.entry.crc,
                       packed, size, static_cast<uint16_t>(w.entry.name.size()),
                       static_cast<uint16_t>(extra.size()), uint16_t{0}, uint16_t{0}, uint16_t{0},
                       uint32_t{0}, at));
    file_.write(w.entry.name);
    file_.write(extra);
  }
  const auto large_at = static_cast<uint64_t>(file_.position());
  const uint64_t list_size = large_at - list_at, count = written_.size();
  if (list_at >= large_ || list_size >= large_ || count >= 0xffff) {
    file_.write(joined(kLargeEndSign, uint64_t{kLargeEndBytes - 12}, kLargeVersion, kLargeVersion,
                       uint32_t{0}, uint32_t{0}, count, count, list_size, list_at));
    file_.write(joined(kLargePlaceSign, uint32_t{0}, large_at, uint32_t{1}));
  }
  const auto most = [](uint64_t number, uint64_t limit) { return std::min(number, limit); };
  const auto shown = static_cast<uint16_t>(most(count, 0xffff));
  const auto place = [&](uint64_t number) {
    return number >= large_ ? 0xffffffff : static_cast<uint32_t>(number);
  };
  file_.write(joined(kEndSign, uint16_t{0}, uint16_t{0}, shown, shown, place(list_size),
                     place(list_at), uint16_t{0}));
  file_.commit();
}

}  // namespace sinter

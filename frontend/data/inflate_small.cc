// Inflate (RFC 1950 and 1951) of what lies in memory as a whole: for the few hundred bytes of a
// small picture zlib takes most of its time to make tables ready, larger ones than these.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "frontend/data/inflate.h"

namespace sinter::datasets {
namespace {

constexpr int kMostCodeBits = 15, kTableBits = 9;
constexpr size_t kSymbols = 288, kDistances = 32, kEndOfBlock = 256;

enum class Kind : uint32_t { kNothing, kLiteral, kRange, kEnd };
/// What a code says, in one word: its kind, a number, how many bits stand behind the code, which
/// add to the number, and how many the code has.
class Entry {
 public:
  constexpr Entry() = default;
  constexpr Entry(Kind kind, size_t base, unsigned extra = 0)
      : word_(static_cast<uint32_t>(base << 16) | static_cast<uint32_t>(kind) << 8 | extra << 4) {}
  constexpr Entry with_bits(unsigned bits) const {
    Entry result = *this;
    result.word_ |= bits;
    return result;
  }
  Kind kind() const { return static_cast<Kind>(word_ >> 8 & 255); }
  uint32_t base() const { return word_ >> 16; }
  unsigned extra() const { return word_ >> 4 & 15; }
  unsigned bits() const { return word_ & 15; }

 private:
  uint32_t word_ = 0;
};

// RFC 1951, 3.2.5.
constexpr auto kOfSymbols = [] {
  std::array<Entry, kSymbols> all{};
  for (size_t i = 0; i < kEndOfBlock; ++i) all[i] = Entry(Kind::kLiteral, i);
  all[kEndOfBlock] = Entry(Kind::kEnd, 0);
  size_t base = 3;
  for (size_t i = 257; i < 285; ++i) {
    const auto extra = static_cast<unsigned>(i < 265 ? 0 : (i - 261) / 4);
    all[i] = Entry(Kind::kRange, base, extra);
    base += size_t{1} << extra;
  }
  all[285] = Entry(Kind::kRange, 258);
  return all;
}();
constexpr auto kOfDistances = [] {
  std::array<Entry, kDistances> all{};
  size_t base = 1;
  for (size_t i = 0; i < 30; ++i) {
    const auto extra = static_cast<unsigned>(i < 4 ? 0 : (i - 2) / 2);
    all[i] = Entry(Kind::kRange, base, extra);
    base += size_t{1} << extra;
  }
  return all;
}();
// Lengths of codes, and how to repeat them (3.2.7).
constexpr auto kOfLengths = [] {
  std::array<Entry, 19> all{};
  for (size_t i = 0; i < all.size(); ++i) all[i] = Entry(i < 16 ? Kind::kLiteral : Kind::kRange, i);
  return all;
}();

/// Bits of bytes, the lowest first. Behind the end come zeros, which ended() tells.
class Bits {
 public:
  explicit Bits(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  /// 56 bits at least are there afterwards.
  void refill() {
    if constexpr (std::endian::native == std::endian::little) {
      if (end_ - at_ >= 8) {
        uint64_t next;
        std::memcpy(&next, at_, 8);
        buffer_ |= next << count_;
        at_ += (63 - count_) >> 3;
        count_ |= 56;
        return;
      }
    }
    for (; count_ < 56; count_ += 8) {
      if (at_ < end_)
        buffer_ |= uint64_t{static_cast<uint8_t>(*at_++)} << count_;
      else
        ++borrowed_;
    }
  }
  /// The next bits, which a refill has made sure of.
  uint32_t peek(unsigned count) const {
    return static_cast<uint32_t>(buffer_ & ((uint64_t{1} << count) - 1));
  }
  void skip(unsigned count) {
    buffer_ >>= count;
    count_ -= count;
  }
  uint32_t take(unsigned count) {
    const uint32_t result = peek(count);
    skip(count);
    return result;
  }
  /// Were bits taken that are not there?
  bool ended() const { return borrowed_ * 8 > count_; }
  /// The bytes behind the one that the last bit was taken from; none after ended().
  std::string_view rest() {
    if (ended()) return {};
    const char* from = at_ - (count_ / 8 - borrowed_);
    return {from, static_cast<size_t>(end_ - from)};
  }

 private:
  const char* at_;
  const char* end_;
  uint64_t buffer_ = 0;
  unsigned count_ = 0, borrowed_ = 0;
};

/// The codes of an alphabet (3.2.2): those of up to kTableBits by a table, longer ones by their
/// numbers.
class Codes {
 public:
  /// False where lengths are none of a whole code; `may_lack`: one code of one bit, or none, will
  /// do.
  bool make(std::span<const uint8_t> lengths, std::span<const Entry> meanings, bool may_lack) {
    counts_ = {};
    for (const uint8_t length : lengths) ++counts_[length];
    const size_t used = lengths.size() - std::exchange(counts_[0], 0);
    int left = 1;
    std::array<uint16_t, kMostCodeBits + 1> places{};
    for (size_t length = 1, place = 0; length <= kMostCodeBits; ++length) {
      left = 2 * left - counts_[length];
      if (left < 0) return false;
      places[length] = static_cast<uint16_t>(place);
      place += counts_[length];
    }
    const bool is_lacking_well = used == 0 || (used == 1 && counts_[1] == 1);
    if (left > 0 && !(may_lack && is_lacking_well)) return false;
    // Symbols without a code go behind those with one: to tell them apart takes longer.
    places[0] = static_cast<uint16_t>(used);
    for (size_t i = 0; i < lengths.size(); ++i)
      sorted_[places[lengths[i]]++] = meanings[i].with_bits(lengths[i]);
    fill_table();
    return true;
  }

  /// The next code, taken; kNothing where there is none. `bits` has kMostCodeBits at least.
  Entry take(Bits& bits) const {
    Entry entry = table_[bits.peek(kTableBits)];
    if (entry.kind() == Kind::kNothing) [[unlikely]]
      entry = longer(bits.peek(kMostCodeBits));
    bits.skip(entry.bits());
    return entry;
  }

 private:
  // Codes lie with their first bit lowest, and whatever stands behind one, it is the same code: the
  // table of a length is twice that of the length before.
  void fill_table() {
    table_[0] = {};
    uint32_t code = 0;  // with its bits reversed
    const Entry* next = sorted_.data();
    for (size_t length = 1; length <= kTableBits; ++length) {
      const size_t half = size_t{1} << (length - 1);
      std::copy_n(table_.begin(), half, table_.begin() + half);
      for (size_t i = 0; i < counts_[length]; ++i) {
        table_[code] = *next++;
        // The next code: one is added to the last bit, which carries to those before.
        auto bit = static_cast<uint32_t>(half);
        while ((code & bit) != 0) bit >>= 1;
        code = (code & (bit - 1)) | bit;
      }
    }
  }

  // Codes of a length are numbers one after the other, and those of the next begin behind them.
  Entry longer(uint32_t bits) const {
    uint32_t code = 0, first = 0, index = 0;
    for (size_t length = 1; length <= kMostCodeBits; ++length, bits >>= 1) {
      code = 2 * code + (bits & 1);
      first *= 2;
      if (code - first < counts_[length]) return sorted_[index + code - first];
      index += counts_[length];
      first += counts_[length];
    }
    return {};
  }

  std::array<Entry, size_t{1} << kTableBits> table_;
  std::array<Entry, kSymbols> sorted_;
  std::array<uint16_t, kMostCodeBits + 1> counts_;
};

struct Tables {
  Codes symbols, distances;
};

bool make_fixed(Tables& tables) {
  std::array<uint8_t, kSymbols> lengths;
  for (size_t i = 0; i < kSymbols; ++i) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  std::array<uint8_t, kDistances> fives;
  fives.fill(5);
  return tables.symbols.make(lengths, kOfSymbols, false) &&
         tables.distances.make(fives, kOfDistances, false);
}

/// The codes of a block, which stand at its front (3.2.7).
bool read_codes(Bits& bits, Tables& tables) {
  constexpr std::array<uint8_t, 19> kOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                              11, 4,  12, 3, 13, 2, 14, 1, 15};
  const size_t symbols = bits.take(5) + 257, distances = bits.take(5) + 1,
               all = symbols + distances;
  const size_t given = bits.take(4) + 4;
  if (symbols > 286 || distances > 30) return false;
  std::array<uint8_t, 19> of_lengths{};
  for (size_t i = 0; i < given; ++i) {
    if (i % 16 == 0) bits.refill();
    of_lengths[kOrder[i]] = static_cast<uint8_t>(bits.take(3));
  }
  Codes& codes = tables.distances;  // until those are known
  if (!codes.make(of_lengths, kOfLengths, false)) return false;
  std::array<uint8_t, kSymbols + kDistances> lengths;
  for (size_t i = 0; i < all;) {
    bits.refill();
    const Entry entry = codes.take(bits);
    if (entry.kind() == Kind::kLiteral) {
      lengths[i++] = static_cast<uint8_t>(entry.base());
      continue;
    }
    const bool again = entry.base() == 16;
    const size_t times = again                ? 3 + bits.take(2)
                         : entry.base() == 17 ? 3 + bits.take(3)
                                              : 11 + bits.take(7);
    if (times > all - i || (again && i == 0)) return false;
    std::fill_n(lengths.begin() + i, times, again ? lengths[i - 1] : uint8_t{0});
    i += times;
  }
  if (lengths[kEndOfBlock] == 0) return false;
  return tables.symbols.make({lengths.data(), symbols}, kOfSymbols, false) &&
         tables.distances.make({lengths.data() + symbols, distances}, kOfDistances, true);
}

/// Where unpacked bytes go.
struct Unpacked {
  uint8_t* begin;
  uint8_t* at;
  uint8_t* end;
};

bool read_block(Bits& bits, const Tables& tables, Unpacked& out) {
  while (true) {
    bits.refill();  // for three symbols
    if (bits.ended()) return false;
    Entry symbol = tables.symbols.take(bits);
    for (int i = 0; i < 2 && symbol.kind() == Kind::kLiteral; ++i) {
      if (out.at == out.end) return false;
      *out.at++ = static_cast<uint8_t>(symbol.base());
      symbol = tables.symbols.take(bits);
    }
    if (symbol.kind() == Kind::kLiteral) {
      if (out.at == out.end) return false;
      *out.at++ = static_cast<uint8_t>(symbol.base());
      continue;
    }
    if (symbol.kind() != Kind::kRange) return symbol.kind() == Kind::kEnd;
    bits.refill();  // for 5 bits, and a distance of 15 and 13
    const size_t length = symbol.base() + bits.take(symbol.extra());
    const Entry far = tables.distances.take(bits);
    if (far.kind() != Kind::kRange) return false;
    const size_t distance = far.base() + bits.take(far.extra());
    if (distance > static_cast<size_t>(out.at - out.begin) ||
        length > static_cast<size_t>(out.end - out.at))
      return false;
    const uint8_t* from = out.at - distance;
    if (distance == 1)
      std::memset(out.at, *from, length);
    else if (distance >= length)
      std::memcpy(out.at, from, length);
    else
      for (size_t i = 0; i < length; ++i) out.at[i] = from[i];
    out.at += length;
  }
}

}  // namespace

bool inflate_small(std::string_view packed, std::span<uint8_t> to) {
  if (packed.size() < 6) return false;
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(packed[i]));
  };
  const uint32_t method = byte(0), flags = byte(1);
  constexpr uint32_t kDeflate = 8, kHasDictionary = 32;
  if ((method & 15) != kDeflate || method > 0x78 || (method * 256 + flags) % 31 != 0 ||
      (flags & kHasDictionary) != 0)
    return false;
  packed.remove_prefix(2);
  Bits bits(packed);
  Unpacked out{to.data(), to.data(), to.data() + to.size()};
  static thread_local Tables tables;  // nothing to set to zero each time
  bool is_last = false;
  while (!is_last) {
    bits.refill();
    is_last = bits.take(1) != 0;
    const uint32_t kind = bits.take(2);
    // Stored blocks, of what cannot be packed, and what is no kind of block are left to zlib.
    if (kind != 1 && kind != 2) return false;
    if (!(kind == 1 ? make_fixed(tables) : read_codes(bits, tables)) ||
        !read_block(bits, tables, out))
      return false;
  }
  const std::string_view sum = bits.rest();
  if (out.at != out.end || sum.size() != 4) return false;
  packed = sum;
  return (byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3)) == adler32_of(to);
}

}  // namespace sinter::datasets

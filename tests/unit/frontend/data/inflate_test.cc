// inflate_small against zlib: what it takes zlib takes, with the same bytes, and it takes all that
// deflate makes of what can be packed.
#include "frontend/data/inflate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace sinter::datasets {
namespace {

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

// A zlib stream (RFC 1950).
std::string zlib_stream(const std::string& bytes) {
  const std::string_view pieces[] = {bytes};
  const auto* first = reinterpret_cast<const uint8_t*>(bytes.data());
  return "\x78\x9c" + raw_deflate(pieces) + big_endian(adler32_of({first, bytes.size()}));
}

struct Outcome {
  bool is_taken;
  std::vector<uint8_t> bytes;
};

// In memory of just that size, whose ends sanitizers watch.
Outcome by_small(const std::string& packed, size_t count) {
  const std::vector<char> exact(packed.begin(), packed.end());
  std::vector<uint8_t> to(count);
  const bool is_taken = inflate_small({exact.data(), exact.size()}, to);
  return {is_taken, std::move(to)};
}

Outcome by_zlib(const std::string& packed, size_t count) {
  const std::string_view pieces[] = {packed};
  std::vector<uint8_t> to(count);
  const bool is_taken = inflate_exactly(pieces, to.data(), count);
  return {is_taken, std::move(to)};
}

// `count` values below `most`, each repeated now and then.
std::string values(std::mt19937& random, size_t count, unsigned most, unsigned repeated) {
  std::string bytes;
  while (bytes.size() < count)
    bytes.append(1 + random() % repeated, static_cast<char>(random() % most));
  bytes.resize(count);
  return bytes;
}

std::vector<std::string> samples() {
  std::mt19937 random(1);
  std::vector<std::string> all;
  for (const size_t count : {1, 2, 3, 30, 784, 812, 5'000, 65'536}) {
    for (const unsigned most : {1U, 2U, 17U, 200U}) {
      for (const unsigned repeated : {1U, 9U, 700U})
        all.push_back(values(random, count, most, repeated));
    }
    // What came before comes again, from near and far.
    std::string text = values(random, 1 + count / 4, 256, 1);
    while (text.size() < count)
      text += text.substr(random() % text.size(), 1 + random() % 300) + "x";
    text.resize(count);
    all.push_back(text);
  }
  return all;
}

TEST(InflateSmall, TakesWhatDeflateMakes) {
  for (const std::string& bytes : samples()) {
    const std::string packed = zlib_stream(bytes);
    const Outcome zlib = by_zlib(packed, bytes.size());
    ASSERT_TRUE(zlib.is_taken);
    const Outcome small = by_small(packed, bytes.size());
    // Stored blocks alone are left to zlib: of bytes that cannot be packed.
    ASSERT_TRUE(small.is_taken || packed.size() > bytes.size()) << bytes.size();
    if (small.is_taken) {
      ASSERT_EQ(small.bytes, zlib.bytes);
    }
    EXPECT_FALSE(by_small(packed, bytes.size() + 1).is_taken);
    EXPECT_FALSE(by_small(packed, bytes.size() - 1).is_taken);
  }
}

TEST(InflateSmall, IsAsStrictAsZlib) {
  std::mt19937 random(2);
  int damaged = 0, taken = 0;
  for (const std::string& bytes : samples()) {
    const std::string whole = zlib_stream(bytes);
    for (int i = 0; i < 120; ++i) {
      std::string packed = whole;
      // More at the beginning, where the codes stand.
      const size_t most = random() % 2 == 0 ? std::min<size_t>(packed.size(), 80) : packed.size();
      const size_t at = random() % most;
      switch (random() % 4) {
        case 0: packed[at] = static_cast<char>(packed[at] ^ (1 << random() % 8)); break;
        case 1: packed[at] = static_cast<char>(random()); break;
        case 2: packed.resize(at); break;
        case 3: packed.insert(at, 1, static_cast<char>(random())); break;
      }
      ++damaged;
      const Outcome small = by_small(packed, bytes.size());
      if (!small.is_taken) continue;
      ++taken;
      const Outcome zlib = by_zlib(packed, bytes.size());
      ASSERT_TRUE(zlib.is_taken);
      ASSERT_EQ(small.bytes, zlib.bytes);
    }
  }
  EXPECT_LT(taken, damaged / 10);
}

// Of a checksum that is right for whatever bytes came out: only the blocks tell.
TEST(InflateSmall, RefusesBlocksThatZlibRefuses) {
  std::mt19937 random(3);
  int taken = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string packed = "\x78\x9c";
    packed += static_cast<char>((random() & 0xf8) | (random() % 2 == 0 ? 3 : 5));
    const size_t more = random() % 40;
    for (size_t k = 0; k < more; ++k) packed += static_cast<char>(random() % 3 == 0 ? 0 : random());
    std::vector<uint8_t> to(8);
    (void)inflate_small(packed + std::string(4, '\0'), to);
    const std::string sealed = packed + big_endian(adler32_of(to));
    const Outcome small = by_small(sealed, to.size());
    if (!small.is_taken) continue;
    ++taken;
    const Outcome zlib = by_zlib(sealed, to.size());
    ASSERT_TRUE(zlib.is_taken) << i;
    ASSERT_EQ(small.bytes, zlib.bytes);
  }
  EXPECT_GT(taken, 0);
}

}  // namespace
}  // namespace sinter::datasets

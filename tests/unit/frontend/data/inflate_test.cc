// Streams of known size.
#include "frontend/data/inflate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
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
  uint32_t a = 1, b = 0;  // Adler-32
  for (const char c : bytes) {
    a = (a + static_cast<uint8_t>(c)) % 65521;
    b = (b + a) % 65521;
  }
  return "\x78\x9c" + raw_deflate(pieces) + big_endian(b << 16 | a);
}

// Into memory of just that size, whose ends sanitizers watch; nothing where it is refused.
std::optional<std::string> exactly(const std::string& packed, size_t count) {
  const std::vector<char> exact(packed.begin(), packed.end());
  std::vector<uint8_t> to(count);
  if (!inflate_exactly({exact.data(), exact.size()}, to)) return std::nullopt;
  return std::string(to.begin(), to.end());
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

TEST(InflateExactly, TakesWhatDeflateMakes) {
  for (const std::string& bytes : samples()) {
    const std::string packed = zlib_stream(bytes);
    ASSERT_EQ(exactly(packed, bytes.size()), bytes);
    EXPECT_FALSE(exactly(packed, bytes.size() + 1));
    EXPECT_FALSE(exactly(packed, bytes.size() - 1));
    EXPECT_FALSE(exactly(packed + '\0', bytes.size()));
  }
}

// What is taken for whole is so: the damage was in bits that say nothing.
TEST(InflateExactly, DamageIsFound) {
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
      const std::optional<std::string> found = exactly(packed, bytes.size());
      if (!found) continue;
      ++taken;
      // Or the checksum is right by chance; then zlib takes the same.
      ASSERT_TRUE(found == bytes || found == inflate(packed, bytes.size()));
    }
  }
  EXPECT_LT(taken, damaged / 10);
}

}  // namespace
}  // namespace sinter::datasets

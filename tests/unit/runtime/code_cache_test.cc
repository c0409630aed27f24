// The cache of compiled code: hits, damage, bounds, and folders that cannot be used.
#include "runtime/code_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "core/file_io.h"

namespace sinter {
namespace {

namespace fs = std::filesystem;

class CodeCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              fmt::format("sinter-cache-{}-{}", ::getpid(),
                          testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> result;
    for (const auto& e : fs::directory_iterator(folder_)) result.push_back(e.path());
    return result;
  }
  fs::path folder_;
};

TEST_F(CodeCacheTest, KeepsWhatWasPutUnderItsKey) {
  const CodeCache cache(folder_, 1 << 20);
  EXPECT_FALSE(cache.find("a"));
  const std::string value("machine\0code", 12);
  cache.put("a", value);
  EXPECT_EQ(cache.find("a"), value);
  EXPECT_FALSE(cache.find("b"));
  cache.put("a", "newer");
  EXPECT_EQ(cache.find("a"), "newer");
  struct stat info {};
  ASSERT_EQ(::stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(CodeCacheTest, DamageOfAnyByteAndAnyLengthIsNoticed) {
  const CodeCache cache(folder_, 1 << 20);
  cache.put("key", "some value of some length");
  const fs::path path = entries().at(0);
  const std::string whole = read_file(path);
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    write_file_atomically(path, damaged);
    EXPECT_FALSE(cache.find("key")) << "byte " << i;
    EXPECT_FALSE(fs::exists(path)) << "byte " << i;
    write_file_atomically(path, whole.substr(0, i));
    EXPECT_FALSE(cache.find("key")) << "cut at " << i;
  }
  cache.put("key", "again");
  EXPECT_EQ(cache.find("key"), "again");
}

TEST_F(CodeCacheTest, StaysBelowItsLimitAndKeepsWhatWasUsedLast) {
  const CodeCache cache(folder_, 5000);
  for (int i = 0; i < 4; ++i) {
    cache.put(fmt::format("k{}", i), std::string(1000, 'x'));
    // Distinct times, without waiting for the clock of the file system.
    for (const fs::path& p : entries())
      fs::last_write_time(p, fs::last_write_time(p) - std::chrono::hours(1));
  }
  EXPECT_TRUE(cache.find("k0"));  // used just now
  cache.put("k4", std::string(1000, 'x'));
  EXPECT_TRUE(cache.find("k0"));
  EXPECT_TRUE(cache.find("k4"));
  EXPECT_FALSE(cache.find("k1"));
}

TEST_F(CodeCacheTest, AFolderThatCannotBeMadeIsAnEmptyCache) {
  std::ofstream(folder_) << "a file";
  const CodeCache cache(folder_ / "inside", 1000);
  cache.put("a", "b");
  EXPECT_FALSE(cache.find("a"));
  const CodeCache none;
  none.put("a", "b");
  EXPECT_FALSE(none.find("a"));
}

}  // namespace
}  // namespace sinter

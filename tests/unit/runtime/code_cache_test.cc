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

// What is found is run, so a folder that is not this user's alone is not used.
TEST_F(CodeCacheTest, AFolderThatIsNotOursAloneIsNotUsed) {
  const std::string path = folder_.string();
  const auto is_used = [](const std::string& folder) {
    const CodeCache cache(folder, 1 << 20);
    cache.put("key", "value");
    return cache.find("key").has_value() || CodeCache(folder, 1 << 20).find("key").has_value();
  };
  EXPECT_TRUE(is_used(path));
  for (const mode_t mode : {0701, 0710, 0704, 0720, 0777, 01777}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_FALSE(is_used(path)) << mode;
  }
  ASSERT_EQ(::chmod(path.c_str(), 0700), 0);
  EXPECT_TRUE(is_used(path));
  const std::string link = path + "-link";
  fs::create_directory_symlink(path, link);
  EXPECT_FALSE(is_used(link));
  EXPECT_FALSE(is_used(link + "/"));
  fs::remove(link);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
    EXPECT_FALSE(is_used(path));
    ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  }
  EXPECT_TRUE(is_used(path));
  EXPECT_FALSE(is_used("relative/folder"));
  EXPECT_FALSE(fs::exists("relative"));
}

TEST_F(CodeCacheTest, WhatIsNoFileOfOursIsNotRead) {
  const CodeCache cache(folder_, 1 << 20);
  cache.put("key", "value");
  const fs::path path = entries().at(0);
  const std::string whole = read_file(path);
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);  // would be waited for
  EXPECT_FALSE(cache.find("key"));
  fs::remove(path);
  write_file_atomically((folder_ / "elsewhere").string(), whole);
  fs::create_symlink(folder_ / "elsewhere", path);
  EXPECT_FALSE(cache.find("key"));
  cache.put("key", "again");  // replaces the link
  EXPECT_EQ(cache.find("key"), "again");
  EXPECT_EQ(read_file(folder_ / "elsewhere"), whole);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
    EXPECT_FALSE(cache.find("key"));
  }
}

TEST_F(CodeCacheTest, TheStandardFolderIsAbsolute) {
  const auto folder = [](const char* own, const char* xdg, const char* home) {
    for (const auto& [name, value] : {std::pair("SINTER_CACHE_DIR", own),
                                      std::pair("XDG_CACHE_HOME", xdg), std::pair("HOME", home)}) {
      if (value == nullptr)
        ::unsetenv(name);
      else
        ::setenv(name, value, 1);
    }
    return CodeCache::standard().folder();
  };
  const std::string home = folder_.string(), cache = std::getenv("SINTER_CACHE_DIR") == nullptr
                                                         ? ""
                                                         : std::getenv("SINTER_CACHE_DIR");
  const std::string old_home = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  EXPECT_EQ(folder(home.c_str(), "/xdg", "/me"), home);
  EXPECT_EQ(folder("", "/xdg", "/me"), "/xdg/sinter");
  EXPECT_EQ(folder(nullptr, "xdg", "/me"), "/me/.cache/sinter");
  EXPECT_EQ(folder(nullptr, nullptr, "home"), "");
  EXPECT_EQ(folder(nullptr, nullptr, nullptr), "");
  folder(cache.empty() ? nullptr : cache.c_str(), nullptr,
         old_home.empty() ? nullptr : old_home.c_str());
}

TEST_F(CodeCacheTest, FilesOfKilledProcessesGo) {
  const CodeCache cache(folder_, 1);  // trims at every put
  cache.put("key", "value");
  const fs::path fresh = folder_ / ".1-0.tmp", old = folder_ / ".1-1.tmp";
  for (const fs::path& path : {fresh, old}) std::ofstream(path) << "half";
  fs::last_write_time(old, fs::last_write_time(old) - std::chrono::hours(2));
  cache.put("key", "value");
  EXPECT_TRUE(fs::exists(fresh));
  EXPECT_FALSE(fs::exists(old));
}

// Processes of containers that share a folder have one number, and a killed one is followed by its
// like.
TEST_F(CodeCacheTest, FilesOfAnotherProcessWithThisNumberAreNotInTheWay) {
  fs::create_directory(folder_);
  fs::permissions(folder_, fs::perms::owner_all);
  for (int i = 0; i < 1000; ++i)
    write_file_atomically(folder_ / fmt::format(".{}-{}.tmp", ::getpid(), i), "half", false);
  const CodeCache cache(folder_, 1 << 20);
  cache.put("key", "value");
  EXPECT_EQ(cache.find("key"), "value");
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

// Once, with the reason, where there is something to keep. Folders that cannot be written to:
// tests/e2e/startup_test.cc.
TEST_F(CodeCacheTest, AFolderThatCannotBeUsedIsToldOnce) {
  const auto told = [](const std::string& folder) {
    testing::internal::CaptureStderr();
    for (int i = 0; i < 2; ++i) {
      const CodeCache cache(folder, 1000);
      EXPECT_FALSE(cache.find("a"));
      cache.put("a", "b");
      cache.put("c", "d");
    }
    return testing::internal::GetCapturedStderr();
  };
  const auto expected = [](const std::string& folder, const std::string& fault) {
    return "sinter: the code cache '" + folder + "' " + fault +
           " (a folder of this user's own with mode 0700 is needed; SINTER_CACHE_DIR may name "
           "another). What it does not hold is compiled anew in every process\n";
  };
  EXPECT_EQ(told("/proc/sinter"),
            expected("/proc/sinter", "cannot be made: No such file or directory"));
  std::ofstream(folder_) << "a file";
  EXPECT_EQ(told(folder_), expected(folder_, "is not used: Not a directory"));
  EXPECT_EQ(told(folder_ / "inside"), expected(folder_ / "inside", "is not used: Not a directory"));
  EXPECT_EQ(told("somewhere"), expected("somewhere", "is not used: it is no absolute path"));
}

}  // namespace
}  // namespace sinter

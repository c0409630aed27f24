// Which code a program loads, and whose names it binds to: run paths, the files of plugins, and
// libraries with the names of LLVM and oneDNN that were there before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kTool = SINTER_BINARY_DIR "/sinter";

bool is_elf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  file.read(magic, 4);
  return std::string(magic, 4) == "\x7f" "ELF";
}

// An empty entry of a run path is the current folder, and so is a relative one.
TEST(Loading, RunPathsNameNoCurrentFolder) {
  int looked_at = 0;
  for (const char* folder : {"", "/lib", "/tests", "/examples"}) {
    const fs::path path = SINTER_BINARY_DIR + std::string(folder);
    if (!fs::exists(path)) continue;
    for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
      if (!entry.is_regular_file() || !is_elf(entry.path())) continue;
      const ProcessResult dynamic =
          run_process({"/bin/sh", "-c", "LC_ALL=C readelf -d '" + entry.path().string() + "'"});
      ASSERT_EQ(dynamic.exit_code, 0) << dynamic.err;
      ++looked_at;
      std::istringstream lines(dynamic.out);
      for (std::string line; std::getline(lines, line);) {
        if (line.find("RUNPATH") == std::string::npos && line.find("RPATH") == std::string::npos)
          continue;
        const size_t begin = line.find('[') + 1;
        std::string entries = line.substr(begin, line.rfind(']') - begin) + ":";
        for (size_t end; (end = entries.find(':')) != std::string::npos;
             entries = entries.substr(end + 1)) {
          const std::string run_path = entries.substr(0, end);
          EXPECT_TRUE(run_path.starts_with('/') || run_path.starts_with("$ORIGIN"))
              << entry.path() << ": " << line;
        }
      }
    }
  }
  EXPECT_GT(looked_at, 3);
}

TEST(Loading, LibrariesInTheCurrentFolderAreNotLoaded) {
  const TemporaryFolder folder;
  for (const char* name : {"libfmt.so.9", "libstdc++.so.6", "libm.so.6", "libgcc_s.so.1",
                           "libsinter_codegen.so", "libsinter_dnnl.so", "libdnnl.so.2"})
    std::ofstream(folder.file(name)) << "nobody should read this";
  for (const char* backend : {"llvm", "onednn"}) {
    const ProcessResult result = run_process(
        {"/bin/sh", "-c",
         "cd '" + folder.path() + "' && exec " + kTool +
             " bench mlp_b1 --no-cache --seconds 0 --threads 1 --backend " + backend});
    EXPECT_EQ(result.exit_code, 0) << backend << result.err;
  }
}

#if SINTER_WITH_LLVM

ProcessResult bench(const std::string& tool, std::vector<std::string> environment = {},
                    const std::string& backend = "llvm") {
  return run_process({tool, "bench", "mlp_train", "--no-cache", "--seconds", "0", "--threads", "1",
                      "--backend", backend},
                     environment);
}

// A copy of the tool with its plugin beside it, in lib.
class PluginFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(folder_.file("lib"));
    fs::copy_file(kTool, tool());
    fs::copy_file(SINTER_BINARY_DIR "/lib/libsinter_codegen.so", plugin());
    fs::permissions(plugin(), fs::perms(0755));
  }
  std::string tool() const { return folder_.file("sinter"); }
  std::string plugin() const { return folder_.file("lib/libsinter_codegen.so"); }
  TemporaryFolder folder_;
};

TEST_F(PluginFiles, WhatOthersMayWriteIsNotLoaded) {
  EXPECT_EQ(bench(tool()).exit_code, 0) << bench(tool()).err;
  fs::permissions(plugin(), fs::perms(0757));
  ProcessResult refused = bench(tool());
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr(plugin() + " (not loaded: other users may write to '" +
                                     plugin() + "')"));
  // Whom the user names himself is loaded.
  EXPECT_EQ(bench(tool(), {"SINTER_CODEGEN=" + plugin()}).exit_code, 0);
  fs::permissions(plugin(), fs::perms(0755));
  fs::permissions(folder_.file("lib"), fs::perms(0777));
  refused = bench(tool());
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("other users may write to '" + folder_.file("lib") + "'"));
  // In a sticky folder, as /tmp, nobody replaces the files of others.
  ASSERT_EQ(::chmod(folder_.file("lib").c_str(), 01777), 0);
  EXPECT_EQ(bench(tool()).exit_code, 0);
}

TEST_F(PluginFiles, WhatBelongsToOthersIsNotLoaded) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(::chown(plugin().c_str(), 12345, 12345), 0);
  const ProcessResult refused = bench(tool());
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("'" + plugin() + "' belongs to another user"));
  // Unless the program is theirs as well.
  ASSERT_EQ(::chown(tool().c_str(), 12345, 12345), 0);
  EXPECT_EQ(bench(tool()).exit_code, 0);
}

TEST_F(PluginFiles, TheVariableHoldsAnAbsolutePath) {
  const ProcessResult refused = bench(tool(), {"SINTER_CODEGEN=lib/libsinter_codegen.so"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("SINTER_CODEGEN must be an absolute path, found "
                                     "'lib/libsinter_codegen.so'"));
}

// As TensorFlow has another LLVM, loaded before for all the process to see.
TEST(Loading, PluginsBindToTheirOwnLibraries) {
  const std::string preload = "LD_PRELOAD=" SINTER_BINARY_DIR "/tests/preload_clashing_names.so";
  std::vector<std::string> backends = {"llvm", "auto"};
  if (SINTER_WITH_ONEDNN) backends.emplace_back("onednn");
  for (const std::string& backend : backends) {
    const ProcessResult result = bench(kTool, {preload}, backend);
    EXPECT_EQ(result.exit_code, 0) << backend << ": " << result.err;
    EXPECT_EQ(result.err, "") << backend;
  }
}

#endif

// Where the system starts no thread there are fewer, not none.
TEST(Loading, RunsGoOnWithoutThreads) {
  const TemporaryFolder cache;
  for (int run = 0; run < 2; ++run) {  // with an empty cache: the code generator has threads too
    for (const char* threads : {"1", "8"}) {
      const ProcessResult result = run_process(
          {kTool, "bench", "mlp_train", "--seconds", "0", "--threads", threads},
          {"LD_PRELOAD=" SINTER_BINARY_DIR "/tests/preload_no_threads.so",
           "SINTER_CACHE_DIR=" + cache.file("cache" + std::string(threads))});
      EXPECT_EQ(result.exit_code, 0) << result.err;
      EXPECT_EQ(result.err, threads == std::string("1")
                                ? ""
                                : "sinter: no thread can be started (Resource temporarily "
                                  "unavailable); runs use 1 instead of 8\n");
    }
  }
}

}  // namespace
}  // namespace sinter::testing

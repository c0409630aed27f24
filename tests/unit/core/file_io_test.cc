// Files: whole reads, atomic writes under failure, mappings.
#include "core/file_io.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "core/error.h"
#include "core/memory_limit.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

namespace fs = std::filesystem;

class FileIo : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  static std::string error_of(const auto& action) { return testing::error_of<FileError>(action); }

  const testing::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(FileIo, WritesAndReadsBack) {
  std::string bytes("a\0b\n", 4);
  for (int i = 0; i < 15; ++i) bytes += bytes;  // larger than one buffer
  write_file_atomically(path("x"), bytes);
  EXPECT_EQ(read_file(path("x")), bytes);
  EXPECT_EQ(MappedFile::snapshot(path("x"), 0)->text(), bytes);
  write_file_atomically(path("x"), "short");
  EXPECT_EQ(read_file(path("x")), "short");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileIo, StreamsInAnyPiecesAndAligns) {
  std::string expected;
  AtomicFile file(path("x"), false);
  for (int i = 0; i < 3000; ++i) {
    std::string piece(static_cast<size_t>(i % 97), static_cast<char>('a' + i % 26));
    file.write(piece);
    expected += piece;
  }
  file.align(64);
  expected.resize((expected.size() + 63) / 64 * 64);
  EXPECT_EQ(file.position(), static_cast<int64_t>(expected.size()));
  file.align(64);
  file.write(std::as_bytes(std::span(expected)));
  file.commit();
  EXPECT_EQ(read_file(path("x")), expected + expected);
}

TEST_F(FileIo, EmptyFile) {
  write_file_atomically(path("x"), std::string_view());
  EXPECT_EQ(read_file(path("x")), "");
  EXPECT_EQ(MappedFile::snapshot(path("x"), 0)->bytes().size(), 0u);
}

TEST_F(FileIo, WithoutCommitTheOldFileStays) {
  write_file_atomically(path("x"), "old");
  {
    AtomicFile file(path("x"));
    file.write(std::string(1 << 20, 'n'));
    EXPECT_EQ(files(), 2u);
  }
  EXPECT_EQ(read_file(path("x")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileIo, KeepsPermissionsAndFollowsLinks) {
  write_file_atomically(path("x"), "old");
  ASSERT_EQ(::chmod(path("x").c_str(), 0640), 0);
  fs::create_symlink("x", path("link"));
  write_file_atomically(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read_file(path("x")), "new");
  struct stat status;
  ASSERT_EQ(::stat(path("x").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST_F(FileIo, ALinkToNoFileStaysALink) {
  fs::create_symlink("later", path("link"));
  write_file_atomically(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read_file(path("later")), "new");
}

// "/dev/stdout" is a descriptor, not a name: what is open is written to, at its place in the file.
TEST_F(FileIo, DescriptorsAreWrittenTo) {
  std::FILE* file = std::fopen(path("x").c_str(), "w+");
  ASSERT_EQ(std::fputs("before ", file), 1);
  ASSERT_EQ(std::fflush(file), 0);
  fs::create_symlink("/proc/self/fd/" + std::to_string(::fileno(file)), path("link"));
  write_file_atomically(path("link"), "with a name ");
  EXPECT_EQ(read_file(path("x")), "before with a name ");
  fs::remove(path("x"));
  write_file_atomically("/dev/fd/" + std::to_string(::fileno(file)), "without");
  EXPECT_FALSE(fs::exists(path("x")));
  std::rewind(file);
  char text[64] = {};
  ASSERT_NE(std::fgets(text, sizeof text, file), nullptr);
  EXPECT_STREQ(text, "before with a name without");
  std::fclose(file);
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileIo, FifosAreWrittenTo) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::string text;
  std::thread reader([&] { text = read_file(path("pipe")); });
  write_file_atomically(path("pipe"), "through");
  reader.join();
  EXPECT_EQ(text, "through");
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
}

TEST_F(FileIo, ManyFilesToOneBuffer) {
  std::string large(200'000, 'x');
  large += "end";
  std::string buffer;
  for (const std::string& bytes : {std::string("short end"), large, std::string(), std::string("x"),
                                   std::string(65'533, 'y') + "end", std::string(65'536, 'y')}) {
    write_file_atomically(path("x"), bytes);
    EXPECT_EQ(read_file_to(buffer, path("x"), "end"), bytes);
  }
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::thread writer([&] { write_file_atomically(path("pipe"), large); });
  EXPECT_EQ(read_file_to(buffer, path("pipe"), "end"), large);
  writer.join();
  EXPECT_EQ(error_of([&] { read_file_to(buffer, folder_, "end"); }),
            "cannot read '" + folder_.string() + "': Is a directory");
  EXPECT_EQ(error_of([&] { read_file_to(buffer, path("none"), "end"); }),
            "cannot read '" + path("none") + "': No such file or directory");
}

TEST_F(FileIo, TemporaryFilesOfKilledProcessesGo) {
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(path("x"));
    file.write(std::string(1 << 20, 'x'));
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(files(), 1u);
  AtomicFile being_written(path("y"));
  EXPECT_EQ(files(), 1u) << "the killed one's went, the other is there";
  write_file_atomically(path("x"), "whole");
  EXPECT_EQ(files(), 2u) << "the one that is being written stays";
  being_written.write("y");
  being_written.commit();
  EXPECT_EQ(read_file(path("y")), "y");
}

TEST_F(FileIo, SameFiles) {
  write_file_atomically(path("x"), "x");
  fs::create_symlink("x", path("link"));
  fs::create_symlink("none", path("dangling"));
  EXPECT_TRUE(is_same_file(path("x"), path("link")));
  EXPECT_TRUE(is_same_file(path("x"), folder_.string() + "/./x"));
  EXPECT_FALSE(is_same_file(path("x"), path("y")));
  EXPECT_TRUE(is_same_file(path("y"), folder_.string() + "//y"));
  EXPECT_TRUE(is_same_file(path("none"), path("dangling")));
  EXPECT_FALSE(is_same_file(path("none"), path("other")));
}

TEST_F(FileIo, MissingThings) {
  EXPECT_EQ(error_of([&] { read_file(path("none")); }),
            "cannot read '" + path("none") + "': No such file or directory");
  EXPECT_EQ(error_of([&] { MappedFile::snapshot(path("none"), 0); }),
            "cannot read '" + path("none") + "': No such file or directory");
  EXPECT_EQ(error_of([&] { write_file_atomically(path("no/x"), "x"); }),
            "cannot write '" + path("no/x") + "': No such file or directory");
  EXPECT_EQ(error_of([&] { write_file_atomically("", "x"); }),
            "cannot write '': No such file or directory");
}

TEST_F(FileIo, FoldersAreNoFiles) {
  EXPECT_EQ(error_of([&] { read_file(folder_); }),
            "cannot read '" + folder_.string() + "': Is a directory");
  EXPECT_EQ(error_of([&] { MappedFile::snapshot(folder_, 0); }),
            "cannot read '" + folder_.string() + "': Is a directory");
  EXPECT_EQ(error_of([&] { write_file_atomically(folder_, "x"); }),
            "cannot write '" + folder_.string() + "': Is a directory");
  EXPECT_EQ(error_of([&] { write_file_atomically(path("new/"), "x"); }),
            "cannot write '" + path("new/") + "': Is a directory");
}

TEST_F(FileIo, UnwritableFolder) {
  if (::geteuid() != 0) {
    ::chmod(folder_.c_str(), 0500);
    EXPECT_EQ(error_of([&] { write_file_atomically(path("x"), "x"); }),
              "cannot write '" + path("x") + "': Permission denied");
    ::chmod(folder_.c_str(), 0700);
  }
  EXPECT_NE(error_of([] { write_file_atomically("/proc/sinter-test", "x"); }),
            "no error");  // nobody may, not even root
}

TEST_F(FileIo, FullDisk) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ(error_of([] { write_file_atomically("/dev/full", "x"); }),
            "cannot write '/dev/full': No space left on device");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(FileIo, FailureInTheMiddleKeepsTheOldFile) {
  write_file_atomically(path("x"), "old");
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit small{100000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string error = error_of([&] { write_file_atomically(path("x"), std::string(200000, 'n')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(error, "cannot write '" + path("x") + "': File too large");
  EXPECT_EQ(read_file(path("x")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileIo, TheMappingOutlivesTheFile) {
  write_file_atomically(path("x"), "kept");
  std::shared_ptr<const MappedFile> mapped = MappedFile::snapshot(path("x"), 0);
  write_file_atomically(path("x"), "replaced");
  fs::remove(path("x"));
  EXPECT_EQ(mapped->text(), "kept");
}

TEST_F(FileIo, AFileThatIsCutWhileItIsReadIsAnError) {
  write_file_atomically(path("x"), std::string(100000, 'x'));
  const std::unique_ptr<FileReader> reader = FileReader::open(path("x"));
  std::string bytes(60000, ' ');
  reader->read(bytes.data(), 10);
  EXPECT_EQ(reader->left(), 99990u);
  fs::resize_file(path("x"), 50000);
  EXPECT_EQ(error_of([&] { reader->read(bytes.data(), 60000); }),
            "cannot read '" + path("x") + "': it is shorter than it was");
  EXPECT_EQ(FileReader::open("/dev/null"), nullptr);
}

TEST_F(FileIo, WhatHasNoEndIsNotReadToIt) {
  EXPECT_EQ(read_file("/dev/zero", "magic").substr(0, 2), std::string(2, '\0'));
  ::setenv("SINTER_MEMORY_LIMIT", "1M", 1);
  EXPECT_THROW((void)read_file("/dev/zero"), MemoryError);
  ::unsetenv("SINTER_MEMORY_LIMIT");
}

TEST_F(FileIo, ASnapshotIsOfOneMoment) {
  const std::string bytes(100000, 'a');
  write_file_atomically(path("x"), bytes);
  const std::shared_ptr<const MappedFile> copied = MappedFile::snapshot(path("x"));
  const std::shared_ptr<const MappedFile> mapped = MappedFile::snapshot(path("x"), 1000);
  EXPECT_EQ(copied->text(), bytes);
  EXPECT_EQ(mapped->text(), bytes);
  // Another file in its place is no harm to either.
  write_file_atomically(path("x"), std::string(100000, 'b'));
  EXPECT_EQ(mapped->text(), bytes);
  EXPECT_NO_THROW(mapped->check_unchanged());
  // A file that is written into: only the copy stays as it was, and the mapping says so.
  const std::shared_ptr<const MappedFile> second = MappedFile::snapshot(path("x"));
  const std::shared_ptr<const MappedFile> third = MappedFile::snapshot(path("x"), 1000);
  fs::resize_file(path("x"), 5);
  EXPECT_EQ(second->text(), std::string(100000, 'b'));
  EXPECT_NO_THROW(second->check_unchanged());
  EXPECT_EQ(error_of([&] { third->check_unchanged(); }),
            "cannot read '" + path("x") + "': it was changed meanwhile");
  EXPECT_EQ(MappedFile::snapshot(path("x"))->text(), "bbbbb");
}

}  // namespace
}  // namespace sinter

// Archives: there and back, and what must not come out of them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>

#include "core/file_io.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// Entries of a tar file, written here, as no tool makes what is refused.
class Tar {
 public:
  Tar& add(const std::string& name, char type, const std::string& content,
           const std::string& link = "") {
    char block[512] = {};
    const auto put = [&](size_t at, const std::string& text) {
      std::memcpy(block + at, text.data(), text.size());
    };
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", content.size()));
    put(136, "00000000000");
    put(148, "        ");
    block[156] = type;
    put(157, link);
    put(257, std::string("ustar\0"
                         "00",
                         8));
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    bytes_.append(block, sizeof block);
    bytes_ += content;
    bytes_.resize((bytes_.size() + 511) / 512 * 512);
    return *this;
  }
  Tar& file(const std::string& name, const std::string& content = "x") {
    return add(name, '0', content);
  }
  Tar& link(const std::string& name, const std::string& to) { return add(name, '2', "", to); }
  std::string bytes() const { return bytes_ + std::string(1024, '\0'); }

 private:
  std::string bytes_;
};

class Archives : public ::testing::Test {
 protected:
  std::string written(const std::string& name, const std::string& bytes) const {
    const std::string path = folder_.file(name);
    write_file_atomically(path, bytes);
    return path;
  }
  std::string target() const { return folder_.file("target"); }
  std::string refused(const Tar& tar, archive::ExtractOptions options = {}) const {
    const std::string path = written("bad.tar", tar.bytes());
    options.progress = false;
    const std::string said =
        error_of<FileError>([&] { archive::extract(path, target(), options); });
    for (const auto& one : fs::directory_iterator(folder_.path())) {
      const std::string found = one.path().filename().string();
      EXPECT_TRUE(found == "target" || found.ends_with(".tar")) << found << " is outside; " << said;
    }
    return said;
  }
  void unpack(const std::string& path) const {
    archive::extract(path, target(), {.progress = false});
  }
  TemporaryFolder folder_;
};

TEST_F(Archives, ThereAndBack) {
  const std::string letters = folder_.file("in/letters");
  fs::create_directories(letters + "/가나/empty");
  write_file_atomically(letters + "/가나/다.txt", "Korean");
  std::string large(300'000, 'a');
  for (size_t i = 0; i < large.size(); i += 7) large[i] = static_cast<char>(i * i >> 3);
  write_file_atomically(letters + "/large", large);
  write_file_atomically(letters + "/none", "");
  ::chmod((letters + "/none").c_str(), 0755);
  fs::create_symlink("large", letters + "/link");
  fs::create_symlink("../large", letters + "/가나/up");
  for (const char* name : {"a.tar", "a.tar.gz", "a.tgz", "a.zip"}) {
    const std::string path = folder_.file(name);
    archive::create(path, letters, {.progress = false});
    const std::string first = read_file(path);
    archive::create(path, letters + "/", {.progress = false});
    EXPECT_EQ(read_file(path), first) << "the same bytes each time";
    fs::remove_all(target());
    for (int again = 0; again < 2; ++again) unpack(path);
    const std::string out = target() + "/letters";
    EXPECT_EQ(read_file(out + "/large"), large) << name;
    EXPECT_EQ(read_file(out + "/가나/다.txt"), "Korean");
    EXPECT_TRUE(fs::is_directory(out + "/가나/empty"));
    EXPECT_EQ(read_file(out + "/none"), "");
    EXPECT_EQ(::access((out + "/none").c_str(), X_OK), 0);
    EXPECT_NE(fs::status(out + "/large").permissions() & fs::perms::owner_exec,
              fs::perms::owner_exec);
    EXPECT_EQ(fs::read_symlink(out + "/link"), "large");
    EXPECT_EQ(read_file(out + "/가나/up"), large);
    // Zip files know every other second.
    const auto difference =
        fs::last_write_time(out + "/large") - fs::last_write_time(letters + "/large");
    EXPECT_LT(std::chrono::abs(difference), std::chrono::seconds(3)) << name;
  }
}

TEST_F(Archives, DoesNotPackItself) {
  const std::string in = folder_.file("in");
  fs::create_directories(in);
  write_file_atomically(in + "/x", "x");
  for (int i = 0; i < 3; ++i) archive::create(in + "/a.tar", in, {.progress = false});
  EXPECT_LT(fs::file_size(in + "/a.tar"), 11'000u);
  archive::create(folder_.file("one.zip"), in + "/x", {.progress = false});
  unpack(folder_.file("one.zip"));
  EXPECT_EQ(read_file(target() + "/x"), "x");
}

TEST_F(Archives, SaysWhatItCannotPack) {
  const auto said = [&](const std::string& path, const std::string& what) {
    return error_of<FileError>([&] { archive::create(path, what, {.progress = false}); });
  };
  EXPECT_THAT(said(folder_.file("a.rar"), folder_.path()), HasSubstr("must end in .tar"));
  EXPECT_THAT(said(folder_.file("a.tar"), folder_.file("none")), HasSubstr("none"));
  fs::create_directories(folder_.file("in"));
  ::mkfifo(folder_.file("in/pipe").c_str(), 0600);
  EXPECT_THAT(said(folder_.file("a.tar"), folder_.file("in")), HasSubstr("pipe"));
  EXPECT_FALSE(fs::exists(folder_.file("a.tar")));
  EXPECT_THAT(said("/proc/none/a.tar", folder_.file("in/../in/.")), HasSubstr("pipe"));
}

TEST_F(Archives, NothingLeavesTheFolder) {
  for (const char* name : {"../x", "a/../../x", "/tmp/sinter_x", "a/..", ".."}) {
    EXPECT_THAT(refused(Tar().file("a/b").file(name)),
                AllOf(HasSubstr("cannot extract '"), HasSubstr("bad.tar"), HasSubstr(name),
                      HasSubstr("its name leaves the folder")));
  }
  EXPECT_EQ(read_file(target() + "/a/b"), "x") << "what came before is there";
  for (const auto& [name, to] : {std::pair("l", ".."),
                                 {"l", "/etc"},
                                 {"l", "../x"},
                                 {"a/l", "../../x"},
                                 {"l", "a/../.."},
                                 {"a/b/c/l", "../../../.."},
                                 {"l", "a/.."}})
    EXPECT_THAT(refused(Tar().link(name, to)), HasSubstr("a link out of the folder")) << to;
  // A link that was made, or was there, is not followed.
  EXPECT_THAT(refused(Tar().link("in", ".").file("in/x")), HasSubstr("is a link"));
  fs::remove_all(target());
  fs::create_directories(target());
  fs::create_symlink(folder_.path(), target() + "/out");
  EXPECT_THAT(refused(Tar().file("out/x")), HasSubstr("is a link"));
  EXPECT_THAT(refused(Tar().add("out/y/", '5', "")), HasSubstr("is a link"));
  // A file in its place replaces it.
  fs::create_symlink(folder_.file("x"), target() + "/x");
  unpack(written("good.tar", Tar().file("x", "new").bytes()));
  EXPECT_FALSE(fs::exists(folder_.file("x")));
  EXPECT_EQ(read_file(target() + "/x"), "new");
}

TEST_F(Archives, HardLinksAreToFilesOfTheArchive) {
  unpack(written("good.tar", Tar().file("a/x", "text").add("b/y", '1', "", "a/x").bytes()));
  EXPECT_EQ(read_file(target() + "/b/y"), "text");
  EXPECT_THAT(refused(Tar().add("y", '1', "", "../x")), HasSubstr("leaves the folder"));
  EXPECT_THAT(refused(Tar().add("y", '1', "", "none")), HasSubstr("a link to no file"));
  EXPECT_THAT(refused(Tar().link("l", "a").add("y", '1', "", "l")), HasSubstr("a link to no file"));
  EXPECT_THAT(refused(Tar().link("m", "a").add("y", '1', "", "m/x")), HasSubstr("is a link"));
}

TEST_F(Archives, NoDevicesNoPipes) {
  for (const char type : {'3', '4', '6'})
    EXPECT_THAT(refused(Tar().add("d", type, "")), HasSubstr("device, pipe or socket"));
}

TEST_F(Archives, LimitsAndBombs) {
  const Tar tar = Tar().file("a", std::string(1000, 'a')).file("b", std::string(1000, 'b'));
  EXPECT_THAT(refused(tar, {.most_bytes = 1999}), HasSubstr("'b': it holds more than"));
  EXPECT_THAT(refused(tar, {.most_entries = 1}), HasSubstr("more than 1 entries"));
  EXPECT_EQ(refused(tar, {.most_bytes = 2000, .most_entries = 2}), "no error");
  // A size that is not there.
  std::string lying = Tar().file("a", std::string(1000, 'a')).bytes();
  EXPECT_THAT(error_of<FileError>([&] { unpack(written("cut.tar", lying.substr(0, 900))); }),
              HasSubstr("cut.tar"));
  // 300 MiB of zeros in 0.3 MB: not all of it is written.
  const std::string zeros = folder_.file("in/zeros");
  fs::create_directories(folder_.file("in"));
  write_file_atomically(zeros, "");
  fs::resize_file(zeros, int64_t{300} << 20);
  for (const char* name : {"bomb.tar.gz", "bomb.zip"}) {
    archive::create(folder_.file(name), zeros, {.progress = false});
    EXPECT_THAT(error_of<FileError>([&] { unpack(folder_.file(name)); }),
                AllOf(HasSubstr(name), HasSubstr("is it a bomb?")));
    fs::remove_all(target());
  }
}

TEST_F(Archives, SaysWhatIsNoArchive) {
  const auto said = [&](const std::string& bytes) {
    return error_of<FileError>([&] { unpack(written("x.tar.gz", bytes)); });
  };
  EXPECT_THAT(said("just text, and long enough for a header" + std::string(600, '.')),
              HasSubstr("cannot extract '"));
  EXPECT_THAT(said(""), HasSubstr("x.tar.gz"));
  EXPECT_THAT(said("\x1f\x8b"), HasSubstr("x.tar.gz"));
  EXPECT_THAT(error_of<FileError>([&] { unpack(folder_.file("none.zip")); }),
              HasSubstr("none.zip"));
  EXPECT_THAT(error_of<FileError>([&] { unpack(folder_.path()); }), HasSubstr("no regular file"));
  EXPECT_THAT(said(""), HasSubstr("archive_test.cc:"));
  ::testing::internal::CaptureStderr();
  archive::extract(written("good.tar", Tar().file("x").bytes()), target());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("extract: 100%"));
}

}  // namespace
}  // namespace sinter::testing

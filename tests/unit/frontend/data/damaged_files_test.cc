// Files with bytes flipped, cut out, doubled and cut off: each is read, or refused with an Error
// that has the file's name. What must hold besides, sanitizers say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <random>

#include "core/file_io.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

namespace fs = std::filesystem;

std::string mutated(std::string bytes, std::mt19937& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : random() % n; };
  const size_t changes = 1 + below(3);
  for (size_t i = 0; i < changes && !bytes.empty(); ++i) {
    // More at the beginning, where sizes stand.
    const size_t at =
        below(2) == 0 ? below(std::min<size_t>(bytes.size(), 64)) : below(bytes.size());
    switch (below(6)) {
      case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
      case 1: bytes[at] = static_cast<char>(random()); break;
      case 2: bytes[at] = "\x00\xff\x7f\x80"[below(4)]; break;
      case 3: bytes.resize(at); break;
      case 4: bytes.erase(at, 1 + below(16)); break;
      case 5: bytes.insert(at, bytes.substr(below(bytes.size()), 1 + below(16))); break;
    }
  }
  return bytes;
}

class DamagedFiles : public ::testing::Test {
 protected:
  /// `read` a file of that name a number of times, each time with other damage; says how often it
  /// was refused.
  int damage(const std::string& name, const std::string& bytes, int times,
             const std::function<void(const std::string&)>& read) {
    std::mt19937 random(7);
    int refused = 0;
    const std::string path = folder_.file(name);
    for (int i = 0; i < times; ++i) {
      write_file_atomically(path, mutated(bytes, random), false);
      try {
        read(path);
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
        ++refused;
      }
    }
    return refused;
  }
  static std::string data(const std::string& name) {
    return read_file(std::string(SINTER_TEST_DATA) + "/images/" + name);
  }
  TemporaryFolder folder_;
};

TEST_F(DamagedFiles, Pictures) {
  for (const char* name : {"rgb.png", "palette.png", "adam7.png", "rgb16.png", "la.png", "rgb.jpg",
                           "progressive.jpg", "cmyk.jpg"}) {
    const int refused =
        damage(name, data(name), 300, [](const std::string& path) { read_image(path); });
    EXPECT_GT(refused, 50) << name;
  }
  for (const char* text : {"P1 4 2 0 1 0 1 1 0 1 0", "P2 2 2 255 1 2 3 4", "P6 2 1 255\nabcdef",
                           "P4 9 2\nabcd", "P5 2 1 999\nabcd"}) {
    EXPECT_GT(damage("x.pnm", text, 400, [](const std::string& path) { read_image(path); }), 50);
  }
}

TEST_F(DamagedFiles, Archives) {
  const std::string in = folder_.file("in");
  fs::create_directories(in + "/a");
  write_file_atomically(in + "/a/x", std::string(2000, 'x'));
  write_file_atomically(in + "/y", "y");
  fs::create_symlink("y", in + "/link");
  const std::string target = folder_.file("target");
  for (const char* name : {"a.tar", "a.tar.gz", "a.zip"}) {
    archive::create(folder_.file(name), in, {.progress = false});
    const int refused =
        damage(name, read_file(folder_.file(name)), 200, [&](const std::string& path) {
          archive::extract(path, target, {.most_bytes = 1 << 20, .progress = false});
        });
    EXPECT_GT(refused, 50) << name;
    // Nothing but these stands beside the archives.
    for (const auto& one : fs::directory_iterator(folder_.path())) {
      const std::string found = one.path().filename().string();
      EXPECT_TRUE(found == "in" || found == "target" || found.starts_with("a.")) << found;
    }
    fs::remove_all(target);
  }
}

// What comes out of a tar.gz is what went in: gzip has a checksum over all of it. (A flipped bit
// may mean the same: in the filling of the last byte, and among zeros.)
TEST_F(DamagedFiles, AGzipIsRightOrRefused) {
  const std::string in = folder_.file("in");
  fs::create_directories(in);
  std::string noise(3000, ' ');
  std::mt19937 random(1);
  for (char& c : noise) c = static_cast<char>(random());
  write_file_atomically(in + "/x", noise);
  const std::string path = folder_.file("a.tar.gz");
  archive::create(path, in, {.progress = false});
  const std::string good = read_file(path);
  size_t tries = 0, refused = 0;
  for (size_t at = 10; at < good.size(); at += at + 40 < good.size() ? 5 : 1) {
    ++tries;
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    write_file_atomically(path, bad, false);
    try {
      archive::extract(path, folder_.file("target"), {.progress = false});
      EXPECT_EQ(read_file(folder_.file("target/in/x")), noise) << at;
    } catch (const FileError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, tries - 10);
}

// Found by fuzz_data_libfuzzer: no values, by sides that no tensor has.
TEST_F(DamagedFiles, EmptyOnesOfHugeSides) {
  const std::string path = folder_.file("x-idx3-ubyte");
  write_file_atomically(path, std::string("\0\0\x08\x03\xff)canno\x01\0\0\0\0", 16));
  try {
    datasets::load_idx(path);
    ADD_FAILURE() << "no error";
  } catch (const FileError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("x-idx3-ubyte"));
  }
}

TEST_F(DamagedFiles, Tables) {
  save_npy(folder_.file("x.npy"), Tensor(float32, {3, 4}));
  EXPECT_GT(damage("x.npy", read_file(folder_.file("x.npy")), 400,
                   [](const std::string& path) { load_npy(path); }),
            50);
  for (const bool compressed : {false, true}) {
    save_npz(folder_.file("x.npz"), {{"x", Tensor(float32, {3, 4})}, {"y", Tensor(int32, {5})}},
             {.compressed = compressed});
    EXPECT_GT(damage("x.npz", read_file(folder_.file("x.npz")), 400,
                     [](const std::string& path) { load_npz(path); }),
              50);
  }
  EXPECT_GT(damage("x.csv", "1,2.5,nan\n-3e-2,4,\"5\"\n", 400,
                   [](const std::string& path) { load_csv(path); }),
            20);
  std::string idx("\0\0\x08\x03\0\0\0\x02\0\0\0\x03\0\0\0\x01", 16);
  idx += "abcdef";
  EXPECT_GT(
      damage("x-idx3-ubyte", idx, 400, [](const std::string& path) { datasets::load_idx(path); }),
      50);
}

}  // namespace
}  // namespace sinter::testing

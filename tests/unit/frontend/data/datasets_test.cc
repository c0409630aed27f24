// The embedded image sets, and IDX files written here.
#include "frontend/data/datasets.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/file_io.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_line.h"

namespace sinter {
namespace {

void check_split(const datasets::Split& split, int64_t count, int64_t pixels) {
  EXPECT_EQ(split.x.type(), (ValueType{DType::kFloat32, {count, pixels}}));
  EXPECT_EQ(split.y.type(), (ValueType{DType::kFloat32, {count, 10}}));
  EXPECT_EQ(split.labels.type(), (ValueType{DType::kInt32, {count}}));
  EXPECT_EQ(split.class_names.size(), 10u);
  std::set<float> levels;
  for (const float value : split.x.data<float>()) levels.insert(value);
  EXPECT_EQ(levels.size(), 16u);
  EXPECT_EQ(*levels.begin(), 0.0f);
  EXPECT_EQ(*levels.rbegin(), 1.0f);
  for (int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<int64_t>(split.labels.at(i));
    for (int64_t c = 0; c < 10; ++c) ASSERT_EQ(split.y.at(i * 10 + c), c == label ? 1.0 : 0.0);
  }
}

TEST(Datasets, Letters) {
  const auto [train, test] = datasets::letters();
  check_split(train, 2760, 784);
  check_split(test, 550, 784);
  for (int64_t i = 0; i < 2760; ++i) ASSERT_EQ(train.labels.at(i), static_cast<double>(i % 10));
  EXPECT_EQ(train.class_names[0], "A");
  EXPECT_EQ(train.class_names[9], "J");
  // The ink is bright, the corners are paper.
  double corner = 0, all = 0;
  for (int64_t i = 0; i < 2760; ++i) corner += train.x.at(i * 784);
  for (const float value : train.x.data<float>()) all += value;
  EXPECT_EQ(corner, 0.0);
  EXPECT_NEAR(all / (2760 * 784), 0.27, 0.1);
}

TEST(Datasets, NoFontFamilyIsOnBothSides) {
  std::ifstream file(SINTER_SOURCE_DIR "/frontend/data/letters_fonts.csv");
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "font,debian_package,licence,side");
  std::map<std::string, std::string> side_of;
  std::map<std::string, int> count;
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    std::string font, package, licence, side;
    std::getline(cells, font, ',');
    std::getline(cells, package, ',');
    std::getline(cells, licence, ',');
    std::getline(cells, side, ',');
    EXPECT_TRUE(licence == "OFL-1.1" || licence == "Apache-2.0") << line;
    EXPECT_EQ(side_of.try_emplace(package, side).first->second, side) << line;
    ++count[side];
  }
  EXPECT_EQ(count, (std::map<std::string, int>{{"train", 276}, {"test", 55}}));
}

TEST(Datasets, Digits) {
  const auto [train, test] = datasets::digits();
  check_split(train, 1437, 64);
  check_split(test, 360, 64);
  // The first image of the set is a 0: 0 0 5 13 9 1 0 0 of 16 in its first row, at 16 levels.
  const int first_row[] = {0, 0, 5, 12, 8, 1, 0, 0};
  for (int i = 0; i < 8; ++i) EXPECT_NEAR(train.x.at(i) * 15, first_row[i], 1e-5);
  EXPECT_EQ(train.labels.at(0), 0.0);
}

class Idx : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void gzip(const std::string& name, const std::string& bytes) const {
    gzFile file = ::gzopen(path(name).c_str(), "wb");
    ::gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    ::gzclose(file);
  }
  static std::string error_of(const auto& action) {
    return testing::without_line(testing::error_of<FileError>(action));
  }

  const testing::TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
  const std::string images_{"\0\0\x08\x03\0\0\0\2\0\0\0\1\0\0\0\2\x00\x33\x66\xff", 20};
  const std::string labels_{"\0\0\x08\x01\0\0\0\2\3\7", 10};
};

TEST_F(Idx, ReadsAFolderPlainAndGzipped) {
  write_file_atomically(path("train-images-idx3-ubyte"), images_);
  write_file_atomically(path("train-labels-idx1-ubyte"), labels_);
  gzip("t10k-images-idx3-ubyte.gz", images_);
  gzip("t10k-labels-idx1-ubyte.gz", labels_);
  const auto [train, test] = datasets::mnist(folder_);
  for (const datasets::Split& split : {train, test}) {
    EXPECT_EQ(split.x.shape(), (Shape{2, 2}));
    EXPECT_EQ(split.x.at(1), static_cast<double>(51.0f / 255.0f));
    EXPECT_EQ(split.x.at(3), 1.0);
    EXPECT_EQ(split.labels.at(0), 3.0);
    EXPECT_EQ(split.y.at(17), 1.0);
  }
  EXPECT_EQ(datasets::fashion_mnist(folder_).test.class_names[9], "Ankle boot");
  EXPECT_EQ(datasets::load_idx(path("t10k-images-idx3-ubyte.gz")).shape(), (Shape{2, 1, 2}));
}

TEST_F(Idx, DamagedFiles) {
  for (size_t length = 0; length < images_.size(); ++length) {
    write_file_atomically(path("x"), images_.substr(0, length), false);
    EXPECT_NE(error_of([&] { datasets::load_idx(path("x")); }), "no error") << length;
  }
  gzip("x.gz", images_);
  const std::string packed = read_file(path("x.gz"));
  for (size_t length = 2; length < packed.size(); ++length) {
    write_file_atomically(path("x"), packed.substr(0, length), false);
    EXPECT_EQ(error_of([&] { datasets::load_idx(path("x")); }),
              "'" + path("x") + "' is a damaged gzip file")
        << length;
  }
  std::string huge("\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
  write_file_atomically(path("x"), huge);
  EXPECT_NE(error_of([&] { datasets::load_idx(path("x")); }), "no error");
  write_file_atomically(path("x"), std::string("\0\0\x0d\x01\0\0\0\0", 8));
  EXPECT_EQ(error_of([&] { datasets::load_idx(path("x")); }),
            "'" + path("x") +
                "' holds IDX type 13 of rank 1; only bytes (type 8) of rank 1 to 3 are read");
}

TEST_F(Idx, LabelsAndImagesMustAgree) {
  write_file_atomically(path("train-images-idx3-ubyte"), images_);
  write_file_atomically(path("train-labels-idx1-ubyte"), std::string("\0\0\x08\x01\0\0\0\1\3", 9));
  EXPECT_NE(error_of([&] { datasets::mnist(folder_); }), "no error");
  write_file_atomically(path("train-labels-idx1-ubyte"),
                        std::string("\0\0\x08\x01\0\0\0\2\3\x0a", 10));
  EXPECT_EQ(error_of([&] { datasets::mnist(folder_); }),
            "'" + path("train-labels-idx1-ubyte") + "' holds label 10; expected 0 to 9");
  EXPECT_NE(error_of([&] { datasets::mnist(path("none")); }), "no error");
}

}  // namespace
}  // namespace sinter

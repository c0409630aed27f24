// Picture files, other sizes, many at once, folders of classes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "core/file_io.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string data(const std::string& name) {
  return std::string(SINTER_TEST_DATA) + "/images/" + name;
}

Tensor picture(int64_t height, int64_t width, int64_t channels) {
  Tensor t(DType::kUint8, {height, width, channels});
  for (int64_t i = 0; i < t.elements(); ++i) t.set(i, static_cast<double>(i * 37 % 256));
  return t;
}

class Images : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
};

// Values are those that Pillow reads (tests/data/images/make.py).
TEST_F(Images, ReadsWhatPillowReads) {
  for (const char* name : {"l.png", "la.png", "rgb.png", "rgba.png", "palette.png", "one_bit.png",
                           "adam7.png", "l.jpg", "rgb.jpg", "progressive.jpg"}) {
    const Tensor expected = load_npy(data(std::string(name) + ".npy"));
    const Tensor bytes = read_image(data(name), {.dtype = DType::kUint8});
    EXPECT_TRUE(bytes.identical(expected)) << name << bytes << expected;
    const Tensor floats = read_image(data(name));
    for (int64_t i = 0; i < floats.elements(); ++i)
      ASSERT_EQ(floats.at(i), static_cast<float>(expected.at(i)) / 255.0f) << name;
  }
  const Tensor wide = load_npy(data("rgb16.png.npy")), floats = read_image(data("rgb16.png")),
               bytes = read_image(data("rgb16.png"), {.dtype = DType::kUint8});
  for (int64_t i = 0; i < wide.elements(); ++i) {
    EXPECT_EQ(floats.at(i), static_cast<float>(wide.at(i)) / 65535.0f);
    EXPECT_EQ(bytes.at(i), std::nearbyint(wide.at(i) / 257));
  }
  // Pillow makes RGB of CMYK with another rounding.
  const Tensor cmyk = read_image(data("cmyk.jpg"), {.dtype = DType::kUint8}),
               expected = load_npy(data("cmyk.jpg.npy"));
  ASSERT_EQ(cmyk.shape(), expected.shape());
  for (int64_t i = 0; i < cmyk.elements(); ++i) EXPECT_NEAR(cmyk.at(i), expected.at(i), 1);
}

TEST_F(Images, ConvertsChannels) {
  const auto read = [](const char* name, int channels) {
    return read_image(data(name), {.channels = channels, .dtype = DType::kUint8});
  };
  const Tensor rgba = read("rgba.png", 0), rgb = read("rgba.png", 3), grey = read("rgba.png", 1);
  EXPECT_EQ(rgb.shape(), Shape({7, 9, 3}));
  for (int64_t i = 0; i < 63; ++i) {
    for (int64_t c = 0; c < 3; ++c) EXPECT_EQ(rgb.at(3 * i + c), rgba.at(4 * i + c));
    EXPECT_NEAR(grey.at(i),
                0.299 * rgb.at(3 * i) + 0.587 * rgb.at(3 * i + 1) + 0.114 * rgb.at(3 * i + 2),
                0.501);
  }
  const Tensor la = read("la.png", 0), from_la = read("la.png", 4), opaque = read("l.png", 4);
  EXPECT_EQ(la.shape(), Shape({7, 9, 2}));
  for (int64_t i = 0; i < 63; ++i) {
    EXPECT_EQ(from_la.at(4 * i + 2), la.at(2 * i));
    EXPECT_EQ(from_la.at(4 * i + 3), la.at(2 * i + 1));
    EXPECT_EQ(opaque.at(4 * i + 3), 255);
  }
  EXPECT_TRUE(
      read("la.png", 1)
          .identical(read("la.png", 3).reshaped({63, 3}).columns(0, 1).reshaped({7, 9, 1})));
  EXPECT_EQ(read_image(data("rgb16.png"), {.channels = 4}).at(3), 1);
  EXPECT_THAT(error_of([&] { read("l.png", 2); }), HasSubstr("channels must be 1, 3 or 4"));
  EXPECT_THAT(error_of([] { read_image(data("l.png"), {.dtype = int32}); }),
              HasSubstr("float32 or uint8, not as int32"));
}

TEST_F(Images, WritesWhatItReads) {
  for (const int64_t channels : {1, 2, 3, 4}) {
    const Tensor x = picture(5, 6, channels);
    const std::string png = folder_.file("x.PNG");
    write_image(png, x);
    EXPECT_TRUE(read_image(png, {.dtype = DType::kUint8}).identical(x));
    write_image(png, read_image(png), {.bits = 16});
    EXPECT_TRUE(read_image(png, {.dtype = DType::kUint8}).identical(x));
    if (channels % 2 == 0) continue;
    const std::string pnm = folder_.file("x.pnm"), jpeg = folder_.file("x.jpg");
    for (const int bits : {8, 16}) {
      write_image(pnm, read_image(png), {.bits = bits});
      EXPECT_TRUE(read_image(pnm, {.dtype = DType::kUint8}).identical(x));
    }
    write_image(jpeg, Tensor::full(DType::kUint8, {20, 20, channels}, 90), {.quality = 100});
    const Tensor read = read_image(jpeg, {.dtype = DType::kUint8});
    for (const uint8_t v : read.data<uint8_t>()) EXPECT_NEAR(v, 90, 1);
  }
  const std::string grey = folder_.file("g.pgm");
  write_image(grey, Tensor::from({{0.f, 0.5f}, {2.f, -1.f}}));
  EXPECT_TRUE(read_image(grey, {.dtype = DType::kUint8})
                  .identical(Tensor::from({2, 2, 1}, std::vector<uint8_t>{0, 128, 255, 0})));
  write_image(grey, Tensor::from({{0, 255}}), {.bits = 16});
  EXPECT_EQ(read_image(grey).at(1), 1);

  const Tensor x = picture(2, 2, 3);
  EXPECT_THAT(error_of<FileError>([&] { write_image("x.gif", x); }), HasSubstr("must end in .png"));
  EXPECT_THAT(error_of<ShapeError>([&] { write_image(grey, x); }), HasSubstr("takes 1 channels"));
  EXPECT_THAT(error_of<ShapeError>([&] {
                write_image("x.png", Tensor(DType::kUint8, {2, 2, 5}));
              }),
              HasSubstr("[2,2,5]"));
  EXPECT_THAT(error_of<ShapeError>([&] {
                write_image("x.png", Tensor(DType::kUint8, {0, 2}));
              }),
              HasSubstr("[0,2]"));
  EXPECT_THAT(error_of<ShapeError>([&] { write_image("x.png", Tensor()); }), HasSubstr("[]"));
  EXPECT_THAT(error_of([&] {
                write_image("x.png", Tensor::from({{0, 256}}));
              }),
              HasSubstr("holds 256 (element 1)"));
  EXPECT_THAT(
      error_of([&] {
        write_image("x.png", Tensor::from({{0.f, std::numeric_limits<float>::quiet_NaN()}}));
      }),
      HasSubstr("holds NaN (element 1)"));
  EXPECT_THAT(error_of([&] { write_image("x.jpg", x, {.bits = 16}); }), HasSubstr("8 bits"));
  EXPECT_THAT(error_of([&] { write_image("x.jpg", x, {.quality = 0}); }), HasSubstr("quality"));
}

TEST_F(Images, ReadsPnmOfEachKind) {
  const auto read = [&](const std::string& text) {
    const Tensor t = decode_image(text, "x.pnm", {.dtype = DType::kUint8});
    std::vector<int> values(t.data<uint8_t>().begin(), t.data<uint8_t>().end());
    return values;
  };
  EXPECT_THAT(read("P1\n# a comment\n3 2\n1 0 1\n010"), ElementsAre(0, 255, 0, 255, 0, 255));
  EXPECT_THAT(read("P2 2 1 15 0 15"), ElementsAre(0, 255));
  EXPECT_THAT(read("P3 1 1 255 1 2 3"), ElementsAre(1, 2, 3));
  EXPECT_THAT(read(std::string("P4 9 2\n\xff\x80\x00\x00", 11)),
              ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255));
  EXPECT_THAT(read(std::string("P5 2 1 255\n\x07\x00", 13)), ElementsAre(7, 0));
  EXPECT_THAT(read(std::string("P5 2 1 65535\n\xff\xff\x01\x01", 17)), ElementsAre(255, 1));
  EXPECT_THAT(read(std::string("P6 1 1 100\n\x64\x32\x00", 14)), ElementsAre(255, 128, 0));
  for (const char* bad :
       {"P5", "P5 ", "P5 2", "P5 2 2 255\nabc", "P5 2 2 0\nabcd", "P5 2 2 65536\nabcd",
        "P5 2147483648 1 255\n", "P5 2147483647 2147483647 255\n", "P1 2147483647 2147483647\n",
        "P4 2147483647 2147483647\n", "P2 1 1 15 16", "P2 1 1 15 x", "P1 1 1 2", "P5 0 1 255\n",
        "P5 -1 1 255\n", "P6 2147483647 1 255\n", "P5 99999999999999999999 1 255\n"})
    EXPECT_THAT(error_of<FileError>([&] { read(bad); }), HasSubstr("cannot read 'x.pnm': ")) << bad;
}

TEST_F(Images, NamesTheFileThatIsNone) {
  const auto said = [&](const std::string& bytes) {
    const std::string path = folder_.file("bad.png");
    write_file_atomically(path, bytes, false);
    return error_of<FileError>([&] { read_image(path); });
  };
  EXPECT_THAT(said(""), HasSubstr("bad.png': the file is empty"));
  EXPECT_THAT(said("GIF89a"), HasSubstr("bad.png': it is no PNG, JPEG or PNM file"));
  const std::string png = read_file(data("rgb.png")), jpeg = read_file(data("rgb.jpg"));
  for (size_t length = 8; length < png.size(); length += 3)
    EXPECT_THAT(said(png.substr(0, length)), HasSubstr("cannot read '")) << length;
  for (size_t length = 3; length + 2 < jpeg.size(); length += 7)
    EXPECT_THAT(said(jpeg.substr(0, length)), HasSubstr("cannot read '")) << length;
  EXPECT_THAT(error_of<FileError>([&] { read_image(folder_.file("none.png")); }),
              HasSubstr("none.png"));
  EXPECT_THAT(said(""), HasSubstr("image_test.cc:"));
}

// 0.6 MB that would be 20 GB, and the other way to ask for memory: sizes that nothing stands
// behind.
TEST_F(Images, BombsTakeNoMemory) {
  std::string jpeg = read_file(data("rgb.jpg"));
  const size_t frame = jpeg.find("\xff\xc0");
  for (size_t i = 5; i < 9; ++i) jpeg[frame + i] = '\xff';
  EXPECT_THAT(error_of<FileError>([&] { decode_image(jpeg, "b.jpg"); }), HasSubstr("b.jpg"));
  std::string grey = read_file(data("l.png"));
  // Another width and height, with the right checksum: libpng asks for it first.
  const auto crc = [](std::string_view bytes) {
    uint32_t c = 0xffffffff;
    for (const char b : bytes) {
      c ^= static_cast<uint8_t>(b);
      for (int k = 0; k < 8; ++k) c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
    }
    return ~c;
  };
  for (const uint32_t side : {20'000u, 1'000'000u, 0x7fffffffu, 0xffffffffu, 0u}) {
    const auto put = [&](size_t at, uint32_t v) {
      for (size_t i = 0; i < 4; ++i) grey[at + i] = static_cast<char>(v >> (24 - 8 * i));
    };
    put(16, side);
    put(20, side);
    put(29, crc(std::string_view(grey).substr(12, 17)));
    EXPECT_THAT(error_of<FileError>([&] { decode_image(grey, "b.png"); }), HasSubstr("b.png"));
  }
}

TEST_F(Images, ResizesAsTensorFlow) {
  const Tensor x = load_npy(data("resize_x.npy"));
  for (const char* method : {"nearest", "bilinear", "area"}) {
    for (const auto& [h, w] : {std::pair(3, 4), {6, 7}, {9, 5}, {13, 20}, {1, 1}, {2, 7}}) {
      const std::string name =
          std::string("resize_") + method + "_" + std::to_string(h) + "x" + std::to_string(w);
      const Tensor expected = load_npy(data(name + ".npy")), found = resize(x, {h, w}, method);
      ASSERT_EQ(found.shape(), expected.shape());
      for (int64_t i = 0; i < found.elements(); ++i)
        ASSERT_NEAR(found.at(i), expected.at(i), 2e-6) << name << " " << i;
    }
  }
  const Tensor bytes = picture(4, 4, 3);
  EXPECT_EQ(resize(bytes, {2, 2}, "nearest").dtype(), DType::kUint8);
  EXPECT_EQ(resize(bytes, {2, 2}).dtype(), float32);
  EXPECT_TRUE(resize(bytes, {4, 4}).cast(DType::kUint8).identical(bytes));
  EXPECT_EQ(resize(Tensor(DType::kUint8, {0, 4, 4, 3}), {2, 2}).shape(), Shape({0, 2, 2, 3}));
  EXPECT_THAT(error_of<NameError>([&] {
                resize(bytes, {2, 2}, "bilinar");
              }),
              HasSubstr("did you mean 'bilinear'"));
  EXPECT_THAT(error_of([&] { resize(bytes, {0, 2}); }), HasSubstr("at least 1 x 1"));
  EXPECT_THAT(error_of<ShapeError>([&] {
                resize(Tensor(DType::kUint8, {4, 4}), {2, 2});
              }),
              HasSubstr("[height,width,channels]"));
  EXPECT_THAT(error_of<ShapeError>([&] {
                resize(Tensor(DType::kUint8, {0, 4, 1}), {2, 2});
              }),
              HasSubstr("no pixels"));
}

TEST_F(Images, LoadsManyInOrder) {
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) {
    paths.push_back(folder_.file(std::to_string(i) + ".png"));
    write_image(paths.back(), Tensor::full(DType::kUint8, {3, 5, 1}, i));
  }
  const LoadImagesOptions quiet{.progress = false};
  const Tensor all = load_images(paths, quiet);
  EXPECT_EQ(all.type().to_string(), "float32[40,3,5,1]");
  for (int64_t i = 0; i < all.elements(); ++i)
    EXPECT_EQ(all.at(i), static_cast<float>(i / 15) / 255.0f);
  for (const int threads : {1, 2, 3, 8})
    EXPECT_TRUE(load_images(paths, {.threads = threads, .progress = false}).identical(all));
  const Tensor small = load_images(
      paths, {.size = ImageSize{2, 2}, .channels = 3, .dtype = DType::kUint8, .progress = false});
  EXPECT_EQ(small.type().to_string(), "uint8[40,2,2,3]");
  EXPECT_EQ(small.at(7 * 12), 7);

  // The first of those that fail, whatever thread is faster.
  write_image(paths[31], picture(3, 5, 3));
  write_file_atomically(paths[33], "broken");
  for (const int threads : {1, 2, 8})
    EXPECT_THAT(
        error_of<ShapeError>([&] { load_images(paths, {.threads = threads, .progress = false}); }),
        HasSubstr("31.png' is [3,5,3]"));
  EXPECT_THAT(error_of<FileError>([&] { load_images(paths, {.channels = 1, .progress = false}); }),
              HasSubstr("33.png"));
  EXPECT_THAT(error_of([&] { load_images({}, quiet); }), HasSubstr("no file"));
  ::testing::internal::CaptureStderr();
  (void)load_images({paths[0], paths[1]});
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("load_images: 100%"));
}

TEST_F(Images, GlobsAndShuffles) {
  for (const char* name : {"B/1.png", "A/2.png", "A/10.png", "A/.hidden.png", "A/x.txt"}) {
    const std::filesystem::path path = folder_.file(name);
    std::filesystem::create_directories(path.parent_path());
    write_file_atomically(path.string(), "");
  }
  const std::string root = folder_.path();
  EXPECT_THAT(glob(root + "/*/*.png"),
              ElementsAre(root + "/A/10.png", root + "/A/2.png", root + "/B/1.png"));
  EXPECT_THAT(glob(root + "/[A]/?.png"), ElementsAre(root + "/A/2.png"));
  EXPECT_THAT(glob(root + "/none/*"), ElementsAre());
  std::vector<std::string> a = {"1", "2", "3", "4", "5", "6", "7", "8"}, b = a, c = a;
  shuffle(a, 3);
  shuffle(b, 3);
  shuffle(c, 4);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_THAT(a, ::testing::UnorderedElementsAre("1", "2", "3", "4", "5", "6", "7", "8"));
  shuffle(c);
}

class ImageFolders : public Images {
 protected:
  void SetUp() override {
    for (const char* name : {"cat", "dog", "eel"}) {
      for (int i = 0; i < 7; ++i) {
        const std::string path = folder_.file(std::string(name) + "/" + std::to_string(i) + ".png");
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        write_image(path, Tensor::full(DType::kUint8, {4, 4, 1}, (name[0] - 'c') * 10 + i));
      }
    }
  }
  ImageDatasetOptions options_{.color_mode = "grayscale", .image_size = {2, 2}};
};

TEST_F(ImageFolders, LabelsAreTheFolders) {
  options_.shuffle = false;
  const ImageDataset sorted = image_dataset_from_directory(folder_.path(), options_);
  EXPECT_THAT(sorted.class_names, ElementsAre("cat", "dog", "eel"));
  EXPECT_EQ(sorted.file_paths.size(), 21u);
  EXPECT_EQ(sorted.cardinality(), 1);
  const auto& [x, y] = sorted.first();
  EXPECT_EQ(x.type().to_string(), "float32[21,2,2,1]");
  EXPECT_EQ(y.type().to_string(), "int32[21]");
  EXPECT_EQ(x.at(4 * 8), 11) << "0 to 255";
  EXPECT_EQ(y.at(8), 1);

  options_.label_mode = "categorical";
  options_.class_names = {"eel", "cat"};
  options_.batch_size = std::nullopt;
  const Element one = image_dataset_from_directory(folder_.path(), options_).first();
  EXPECT_EQ(one.x().shape(), Shape({2, 2, 1}));
  EXPECT_EQ(one.y().type().to_string(), "float32[2]");
  EXPECT_EQ(one.y().at(0), 1);
  options_.label_mode = "binary";
  EXPECT_EQ(image_dataset_from_directory(folder_.path(), options_).first().y().shape(), Shape({1}));
  options_.label_mode = "";
  options_.color_mode = "rgba";
  const ImageDataset unlabelled = image_dataset_from_directory(folder_.path(), options_);
  EXPECT_EQ(unlabelled.first().size(), 1u);
  EXPECT_EQ(unlabelled.first().x().shape(), Shape({2, 2, 4}));
  EXPECT_EQ(unlabelled.cardinality(), 21);
}

TEST_F(ImageFolders, SplitsAndShufflesBySeed) {
  const auto values = [](const Dataset& dataset) {
    std::vector<int> result;
    for (const auto& [x, y] : dataset) {
      for (int64_t i = 0; i < y.elements(); ++i) result.push_back(static_cast<int>(x.at(4 * i)));
    }
    return result;
  };
  options_.seed = 5;
  options_.validation_split = 0.25;
  options_.subset = "training";
  const std::vector<int> train = values(image_dataset_from_directory(folder_.path(), options_));
  options_.threads = 1;
  EXPECT_EQ(values(image_dataset_from_directory(folder_.path(), options_)), train);
  options_.subset = "validation";
  std::vector<int> all = values(image_dataset_from_directory(folder_.path(), options_));
  EXPECT_EQ(all.size(), 5u);
  EXPECT_EQ(train.size(), 16u);
  all.insert(all.end(), train.begin(), train.end());
  std::ranges::sort(all);
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST_F(ImageFolders, RefusesWhatKerasRefuses) {
  const auto said = [&](ImageDatasetOptions o, const std::string& folder = "") {
    return error_of([&] {
      image_dataset_from_directory(folder.empty() ? folder_.path() : folder, std::move(o));
    });
  };
  EXPECT_THAT(said({.label_mode = "ints"}), HasSubstr("did you mean 'int'"));
  EXPECT_THAT(said({.label_mode = "binary"}), HasSubstr("takes 2 classes"));
  EXPECT_THAT(said({.class_names = {"cat", "cow"}}), HasSubstr("unknown subfolder 'cow'"));
  EXPECT_THAT(said({.color_mode = "bgr"}), HasSubstr("color_mode"));
  EXPECT_THAT(said({.validation_split = 0.2, .subset = "training"}), HasSubstr("needs a seed"));
  EXPECT_THAT(said({.seed = 1, .validation_split = 0.2}), HasSubstr("needs a subset"));
  EXPECT_THAT(said({.seed = 1, .subset = "training"}), HasSubstr("needs a validation_split"));
  EXPECT_THAT(said({.seed = 1, .validation_split = 1.0, .subset = "training"}),
              HasSubstr("between 0 and 1"));
  EXPECT_THAT(said({}, folder_.file("none")), HasSubstr("cannot read the folder"));
  EXPECT_THAT(said({}, folder_.file("cat")), HasSubstr("holds no image in subfolders"));
  write_file_atomically(folder_.file("dog/3.png"), "no picture");
  options_.shuffle = false;
  const ImageDataset broken = image_dataset_from_directory(folder_.path(), options_);
  EXPECT_THAT(error_of<FileError>([&] { (void)broken.first(); }),
              ::testing::AllOf(HasSubstr("element 10: "), HasSubstr("dog/3.png")));
}

}  // namespace
}  // namespace sinter::testing

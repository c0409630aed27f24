// show_images and plot_confusion_matrix: sizes, pixels and texts of the pictures.
#include "frontend/show_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/data/image.h"
#include "frontend/plot_confusion_matrix.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

class ShowImages : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  /// One byte of a picture, by the pixel of the SVG that it stands for.
  static double pixel(const Tensor& picture, int64_t x, int64_t y, int64_t channel) {
    return picture.at({2 * y + 1, 2 * x + 1, channel});
  }
  Tensor read(const std::string& name) const {
    return read_image(path(name), {.channels = 3, .dtype = DType::kUint8});
  }
  TemporaryFolder folder_;
};

// Tiles begin at 18 and are 72 wide, 8 apart.
TEST_F(ShowImages, DrawsTheImages) {
  Tensor x(DType::kFloat32, {5, 2, 2});
  for (int64_t i = 0; i < 5; ++i) x.set({i, 0, 1}, 0.2 * static_cast<double>(i + 1));
  show_images(x, path("grid.png"));
  const Tensor picture = read("grid.png");
  EXPECT_EQ(picture.shape(), Shape({2 * (36 + 72 + 80), 2 * (36 + 72 + 160), 3}));
  for (int64_t i = 0; i < 5; ++i) {
    const int64_t left = 18 + i % 3 * 80, top = 18 + i / 3 * 80;
    EXPECT_EQ(pixel(picture, left + 10, top + 10, 0), 0) << i;
    EXPECT_EQ(pixel(picture, left + 60, top + 10, 1), std::lround(51.0 * (i + 1))) << i;
    EXPECT_EQ(pixel(picture, left + 60, top + 60, 2), 0) << i;
    EXPECT_EQ(pixel(picture, left + 76, top + 10, 2), 255) << "between " << i;
  }
}

TEST_F(ShowImages, TakesEveryKindOfPicture) {
  const auto first = [&](const Tensor& x, ShowImagesOptions options = {}) {
    show_images(x, path("one.png"), std::move(options));
    const Tensor picture = read("one.png");
    return std::vector<double>{pixel(picture, 30, 30, 0), pixel(picture, 30, 30, 1),
                               pixel(picture, 30, 30, 2)};
  };
  using Rgb = std::vector<double>;
  EXPECT_EQ(first(Tensor::from({1, 1, 1, 3}, {1.f, 0.f, 0.4f})), (Rgb{255, 0, 102}));
  EXPECT_EQ(first(Tensor::from({1, 1, 1, 3}, {200.f, -3.f, 300.f})), (Rgb{200, 0, 255}));
  EXPECT_EQ(first(Tensor::from({1, 1, 1, 1}, {1})), (Rgb{1, 1, 1}));
  EXPECT_EQ(first(Tensor::from({1, 1}, {0.2})), (Rgb{51, 51, 51}));
  EXPECT_EQ(first(Tensor::from({1, 1, 1, 4}, std::vector<uint8_t>{100, 0, 0, 51})),
            (Rgb{224, 204, 204}));
  EXPECT_EQ(first(Tensor::from({1, 1, 1}, std::vector<bool>{true})), (Rgb{255, 255, 255}));
  EXPECT_EQ(first(Tensor(DType::kFloat32, {100, 30, 20}), {.columns = 3, .count = 4, .size = 30}),
            (Rgb{0, 0, 0}));
  EXPECT_EQ(read("one.png").shape(), Shape({2 * (36 + 38 + 30), 2 * (36 + 2 * 28 + 20), 3}));
}

TEST_F(ShowImages, LabelsSayWhatIsRight) {
  const Tensor x(DType::kFloat32, {3, 4, 4}), y = Tensor::from({0, 1, 1});
  const Tensor scores = Tensor::from({{0.9f, 0.1f}, {0.2f, 0.8f}, {0.7f, 0.3f}});
  show_images(x, y, path("plain.svg"), {.class_names = {"A", "B"}, .title = "letters"});
  const std::string plain = read_file(path("plain.svg"));
  EXPECT_THAT(plain, HasSubstr("rgb(13%,16%,20%)"));
  EXPECT_EQ(plain.find("rgb(87%,36%,2%)"), std::string::npos);
  show_images(x, y, path("judged.svg"), {.class_names = {"A", "B"}, .predicted = scores});
  const std::string judged = read_file(path("judged.svg"));
  EXPECT_THAT(judged, HasSubstr("rgb(0%,40%,75%)"));
  EXPECT_THAT(judged, HasSubstr("stroke:rgb(87%,36%,2%)"));
  show_images(x, path("alone.png"), {.predicted = scores});
  // A frame of the wrong one's colour around the third image, and of no other.
  show_images(x, y, path("judged.png"), {.columns = 3, .predicted = scores});
  const Tensor picture = read("judged.png");
  for (const int64_t i : {0, 1, 2}) {
    const double blue = picture.at({2 * 40, 2 * (18 + 80 * i) - 1, 2});
    if (i == 2)
      EXPECT_LT(blue, 0.1 * 255);
    else
      EXPECT_GT(blue, 0.7 * 255);
  }
}

TEST_F(ShowImages, SaysWhatIsWrong) {
  const Tensor x(DType::kFloat32, {3, 4, 4});
  const auto error = [&](const Tensor& images, const Tensor& y, ShowImagesOptions options = {},
                         const std::string& name = "x.png") {
    return error_of([&] { show_images(images, y, path(name), std::move(options)); });
  };
  const Tensor y = Tensor::from({0, 1, 1});
  EXPECT_THAT(error(x, y, {}, "x.jpg"), HasSubstr("the name must end in .svg or .png"));
  EXPECT_THAT(error(Tensor(DType::kFloat32, {3, 5}), y), HasSubstr("found [3,5]"));
  EXPECT_THAT(error(Tensor(DType::kFloat32, {3, 5, 5, 2}), y), HasSubstr("found [3,5,5,2]"));
  EXPECT_THAT(error(x, Tensor::from({1, 2})), HasSubstr("x has 3 rows, y is [2]"));
  EXPECT_THAT(error(x, y, {.predicted = Tensor::from({1})}),
              HasSubstr("x has 3 rows, predicted is [1]"));
  EXPECT_THAT(error(x, y, {.class_names = {"A"}}),
              HasSubstr("y holds class 1 (row 1), which has no name among 1"));
  EXPECT_THAT(error(x, y, {.count = 0}), HasSubstr("count must be at least 1, found 0"));
  EXPECT_THAT(error(x, y, {.columns = -1}), HasSubstr("columns must not be negative, found -1"));
  EXPECT_THAT(error(Tensor(DType::kFloat32, {0, 4, 4}), Tensor(DType::kInt32, {0})),
              HasSubstr("there is no image"));
  EXPECT_THAT(error(Tensor::full(DType::kFloat32, {3, 4, 4}, std::nan("")), y),
              HasSubstr("x holds NaN (element 0)"));
  EXPECT_THAT(error(x, y, {.columns = 1, .size = 10000}), HasSubstr("pixels, more than"));
  EXPECT_THAT(error(x, y, {}, "no/x.png"), HasSubstr("cannot write"));
}

TEST_F(ShowImages, ConfusionMatrix) {
  const Tensor counts = Tensor::from<int64_t>({{20, 0}, {5, 15}});
  plot_confusion_matrix(counts, path("c.png"), {"cat", "dog"});
  const Tensor picture = read("c.png");
  // Fields are 34 wide and end 18 from the right edge; the axis, 42, is below them.
  const int64_t right = picture.shape()[1] / 2 - 18, top = 18;
  const auto field = [&](int64_t row, int64_t column) {
    return pixel(picture, right - 34 * (2 - column) + 3, top + 34 * row + 4, 0);
  };
  EXPECT_EQ(field(0, 0), 0);    // all: full blue
  EXPECT_EQ(field(0, 1), 255);  // none: white
  EXPECT_NEAR(field(1, 0), 0.75 * 255, 1);
  EXPECT_NEAR(field(1, 1), 0.25 * 255, 1);
  plot_confusion_matrix(Tensor::from({{0.25, 0.75}, {0.0, 0.0}}), path("c.svg"), {},
                        {.title = "shares"});
  EXPECT_TRUE(read_file(path("c.svg")).ends_with("</svg>\n"));
  plot_confusion_matrix(Tensor(DType::kFloat32, {300, 300}), path("large.png"));
  plot_confusion_matrix(counts, path("long.png"), {std::string(300, 'x'), "\xea\xb0\x80"});
  EXPECT_LT(read("long.png").shape()[1], 600);
}

TEST_F(ShowImages, ConfusionMatrixErrors) {
  const auto error = [&](const Tensor& matrix, const std::vector<std::string>& names = {},
                         const std::string& name = "c.png") {
    return error_of([&] { plot_confusion_matrix(matrix, path(name), names); });
  };
  EXPECT_THAT(error(Tensor(DType::kFloat32, {2, 3})), HasSubstr("[classes,classes], found [2,3]"));
  EXPECT_THAT(error(Tensor(DType::kFloat32, {2, 2}), {"a"}), HasSubstr("1 class name for 2"));
  EXPECT_THAT(error(Tensor::from({{1.0, -2.0}, {0.0, 1.0}})),
              HasSubstr("the matrix holds -2 (row 0, column 1)"));
  EXPECT_THAT(error(Tensor(DType::kFloat32, {1001, 1001})), HasSubstr("1001 classes are more"));
  EXPECT_THAT(error(Tensor(DType::kFloat32, {2, 2}), {}, "c.pdf"), HasSubstr(".svg or .png"));
}

}  // namespace
}  // namespace sinter::testing

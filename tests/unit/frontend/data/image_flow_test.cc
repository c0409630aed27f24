// ImageDataGenerator::flow_from_directory and save_to_dir: files in folders of their classes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <filesystem>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class FlowFromDirectory : public ::testing::Test {
 protected:
  // Ten files of a, four of b, five of c: grey, 3 x 4, each with a value of its own.
  void SetUp() override {
    int value = 0;
    for (const auto& [name, count] : {std::pair("a", 10), std::pair("b", 4), std::pair("c", 5)}) {
      fs::create_directories(folder() + "/" + name);
      for (int i = 0; i < count; ++i) {
        value += 10;
        write_image(folder() + "/" + name + "/" + std::to_string(i) + ".png",
                    Tensor::full(DType::kUint8, {3, 4}, value));
      }
    }
  }
  std::string folder() const { return folder_.file("data"); }
  static FlowFromDirectoryOptions plain() {
    return {.target_size = {3, 4}, .color_mode = "grayscale", .shuffle = false};
  }
  static std::vector<double> first_values(const Tensor& pictures) {
    std::vector<double> result;
    const int64_t n = pictures.shape()[0];
    for (int64_t i = 0; i < n; ++i) result.push_back(pictures.at(i * (pictures.elements() / n)));
    return result;
  }
  const ImageDataGenerator generator_, split_{{.validation_split = 0.25}};
  TemporaryFolder folder_;
};

TEST_F(FlowFromDirectory, PicturesWithTheirClasses) {
  const ImageDataset flow = generator_.flow_from_directory(folder(), plain());
  EXPECT_EQ(flow.class_names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(flow.file_paths.size(), 19u);
  EXPECT_TRUE(flow.file_paths[10].ends_with("/b/0.png"));
  EXPECT_EQ(flow.labels[10], 1);
  const auto [x, y] = flow.first();
  EXPECT_EQ(x.type().to_string(), "float32[19,3,4,1]");
  EXPECT_EQ(y.type().to_string(), "float32[19,3]");
  for (int64_t i = 0; i < 19; ++i) {
    EXPECT_EQ(x.at(12 * i), 10.0 * (i + 1));
    EXPECT_EQ(y.at({i, i < 10 ? 0 : i < 14 ? 1 : 2}), 1);
  }
  EXPECT_EQ(flow.cardinality(), 1);
}

TEST_F(FlowFromDirectory, EveryKindOfLabelsAndPictures) {
  FlowFromDirectoryOptions o = plain();
  const auto first = [&] { return generator_.flow_from_directory(folder(), o).first(); };
  o.class_mode = "sparse";
  o.classes = {"c", "a"};
  o.batch_size = 6;
  EXPECT_TRUE(first().y().identical(Tensor::from({0.f, 0.f, 0.f, 0.f, 0.f, 1.f})));
  EXPECT_EQ(first_values(first().x())[5], 10);
  o.class_mode = "binary";
  EXPECT_EQ(first().y().type().to_string(), "float32[6]");
  o.class_mode = "input";
  EXPECT_TRUE(first().y().identical(first().x()));
  o.class_mode = "";
  EXPECT_EQ(first().size(), 1u);
  o.color_mode = "rgb";
  o.target_size = {6, 2};
  EXPECT_EQ(first().x().shape(), Shape({6, 6, 2, 3}));
  o.color_mode = "rgba";
  EXPECT_EQ(first().x().at(3), 255);
}

TEST_F(FlowFromDirectory, TheFirstOfEachClassValidate) {
  FlowFromDirectoryOptions o = plain();
  o.class_mode = "sparse";
  o.subset = "validation";
  const ImageDataset validation = split_.flow_from_directory(folder(), o);
  o.subset = "training";
  const ImageDataset training = split_.flow_from_directory(folder(), o);
  EXPECT_EQ(validation.file_paths.size(), 2u + 1 + 1);
  EXPECT_EQ(training.file_paths.size(), 15u);
  EXPECT_EQ(first_values(validation.first().x()), (std::vector<double>{10, 20, 110, 150}));
  EXPECT_EQ(first_values(training.first().x())[8], 120);
}

TEST_F(FlowFromDirectory, ThreadsChangeNothingAndEpochsDo) {
  const ImageDataGenerator random({.rotation_range = 40, .zoom_range = 0.3, .fill_mode = "wrap"});
  const auto flow = [&](int threads) {
    FlowFromDirectoryOptions o = plain();
    o.target_size = {8, 8};
    o.batch_size = 4;
    o.shuffle = true;
    o.seed = 5;
    o.threads = threads;
    return random.flow_from_directory(folder(), o);
  };
  const auto all = [](const Dataset& dataset) {
    std::vector<Tensor> result;
    for (const auto& [x, y] : dataset) {
      result.push_back(x.clone());
      result.push_back(y.clone());
    }
    return result;
  };
  const ImageDataset one = flow(1);
  const auto first = all(one), second = all(one);
  EXPECT_EQ(first.size(), 10u);
  EXPECT_FALSE(first[0].identical(second[0]));
  for (const int threads : {2, 5}) {
    const ImageDataset many = flow(threads);
    for (const auto& expected : {first, second}) {
      const auto found = all(many);
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(found[i].identical(expected[i])) << i;
    }
  }
}

TEST_F(FlowFromDirectory, PicturesAreWrittenAsTheyCome) {
  FlowFromDirectoryOptions o = plain();
  o.save_to_dir = folder_.file("seen/here");
  o.save_prefix = "p";
  const ImageDataset flow = generator_.flow_from_directory(folder(), o);
  EXPECT_EQ(flow.first().x().shape()[0], 19);
  EXPECT_EQ(glob(folder_.file("seen/here") + "/p_*_0.png").size(), 19u);
  // Stretched from the least to the largest value of each picture.
  Tensor x(float32, {2, 1, 3, 1});
  for (int64_t i = 0; i < 6; ++i) x.set(i, static_cast<double>(i) - 10);
  generator_.flow(x, {.shuffle = false, .save_to_dir = folder_.file("rows"), .save_format = "pgm"})
      .first();
  EXPECT_TRUE(read_image(folder_.file("rows/_1_0.pgm"), {.dtype = DType::kUint8})
                  .identical(Tensor::from({1, 3, 1}, std::vector<uint8_t>{0, 128, 255})));
}

TEST_F(FlowFromDirectory, SaysWhatIsWrong) {
  const auto error = [&](const auto& change, const ImageDataGenerator& generator) {
    FlowFromDirectoryOptions o = plain();
    change(o);
    return error_of([&] { generator.flow_from_directory(folder(), o).first(); });
  };
  using Options = FlowFromDirectoryOptions;
  EXPECT_THAT(error([](Options& o) { o.class_mode = "categorial"; }, generator_),
              HasSubstr("unknown class_mode 'categorial'; did you mean 'categorical'"));
  EXPECT_THAT(error([](Options& o) { o.class_mode = "binary"; }, generator_),
              HasSubstr("class_mode \"binary\" takes 2 classes"));
  EXPECT_THAT(error([](Options& o) { o.classes = {"aa"}; }, generator_),
              HasSubstr("did you mean 'a'"));
  EXPECT_THAT(error([](Options& o) { o.color_mode = "gray"; }, generator_),
              HasSubstr("color_mode"));
  EXPECT_THAT(error([](Options& o) { o.subset = "training"; }, generator_),
              HasSubstr("a subset needs a validation_split"));
  EXPECT_THAT(error(
                  [](Options& o) {
                    o.target_size = {0, 4};
                  },
                  generator_),
              HasSubstr("at least 1 x 1, found 0 x 4"));
  EXPECT_THAT(error(
                  [](Options& o) {
                    o.classes = {"b"};
                    o.subset = "validation";
                  },
                  ImageDataGenerator({.validation_split = 0.1})),
              HasSubstr("the subset \"validation\" of"));
  EXPECT_THAT(error_of<FileError>([&] { generator_.flow_from_directory(folder_.file("none")); }),
              HasSubstr("none"));
  fs::create_directories(folder_.file("empty/x"));
  EXPECT_THAT(error_of<FileError>([&] { generator_.flow_from_directory(folder_.file("empty")); }),
              HasSubstr("holds no image in subfolders"));
  write_image(folder() + "/a/5.png", Tensor(float32, {1, 1}));
  fs::resize_file(folder() + "/a/5.png", 20);
  EXPECT_THAT(error([](Options&) {}, generator_), HasSubstr("/a/5.png"));
}

}  // namespace
}  // namespace sinter::testing

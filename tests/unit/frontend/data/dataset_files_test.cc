// Datasets of files, and elements kept in a file: Dataset::from_files and Dataset::cache(path).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <random>
#include <vector>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/data/dataset.h"
#include "frontend/data/npy.h"
#include "frontend/session.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<double> values(const Dataset& dataset) {
  std::vector<double> result;
  for (const Element& element : dataset) result.push_back(element.x().at(0));
  return result;
}

class DatasetFromFiles : public ::testing::Test {
 protected:
  DatasetFromFiles() {
    for (int i = 0; i < 20; ++i) {
      paths_.push_back(folder_.file(std::to_string(i) + ".npy"));
      save_npy(paths_.back(), Tensor::from({i, i + 1}));
    }
  }
  Dataset numbers(FromFilesOptions options = {}) const {
    return Dataset::from_files(
        paths_, [](const std::string& path) { return load_npy(path); }, options);
  }
  TemporaryFolder folder_;
  std::vector<std::string> paths_;
};

TEST_F(DatasetFromFiles, ElementsComeInTheOrderOfPaths) {
  std::vector<double> expected;
  for (int i = 0; i < 20; ++i) expected.push_back(i);
  for (const int calls : {1, 2, 7, Dataset::kAutotune})
    EXPECT_EQ(values(numbers({.num_parallel_calls = calls})), expected);
  EXPECT_EQ(numbers().cardinality(), 20);
  EXPECT_EQ(numbers().batch(6).first().x().shape(), Shape({6, 2}));
  const Dataset pairs = Dataset::from_files(
      paths_, [](const std::string& path) { return std::pair(load_npy(path), Tensor::scalar(1)); });
  EXPECT_EQ(pairs.first().size(), 2u);
  const Dataset sizes = Dataset::from_files(
      paths_, [](const std::string& path) { return static_cast<int64_t>(path.size()); });
  EXPECT_EQ(sizes.first().x().at(0), static_cast<double>(paths_[0].size()));
  const Dataset none = Dataset::from_files(
      {}, [](const std::string& path) { return load_npy(path); }, {.shuffle = true});
  EXPECT_TRUE(values(none).empty());
}

TEST_F(DatasetFromFiles, FilesAreShuffledAnewInEachIteration) {
  const Dataset shuffled = numbers({.shuffle = true, .seed = 3});
  std::vector<double> first = values(shuffled), second = values(shuffled);
  EXPECT_NE(first, second);
  EXPECT_EQ(values(numbers({.shuffle = true, .seed = 3})), first);
  const Dataset same = numbers({.shuffle = true, .seed = 3, .reshuffle_each_iteration = false});
  EXPECT_EQ(values(same), values(same));
  std::ranges::sort(first);
  EXPECT_EQ(first, values(numbers()));
}

TEST_F(DatasetFromFiles, ErrorsNameTheFile) {
  fs::resize_file(paths_[7], 20);
  const auto walk = [](const Dataset& dataset) {
    return error_of<FileError>([&] { (void)values(dataset); });
  };
  const std::string error = walk(numbers());
  EXPECT_THAT(error, HasSubstr("from_files (dataset_files_test.cc:"));
  EXPECT_THAT(error, HasSubstr("element 7: "));
  EXPECT_THAT(error, HasSubstr("'" + paths_[7] + "' ends within"));
  const Dataset own = Dataset::from_files(
      paths_, [](const std::string&) -> Tensor { throw ShapeError("no picture"); });
  EXPECT_THAT(error_of<ShapeError>([&] { (void)values(own); }),
              HasSubstr("element 0: '" + paths_[0] + "': no picture"));
  EXPECT_THAT(error_of([&] { numbers({.num_parallel_calls = 0}); }),
              HasSubstr("from_files: num_parallel_calls must be at least 1, found 0"));
}

class DatasetFileCache : public ::testing::Test {
 protected:
  /// 0 to n - 1, as (x, y); counts how many were made.
  Dataset counted(int64_t n, Shape shape = {2}) {
    return Dataset::range(n).map([this, shape](const Tensor& i) {
      ++made_;
      return std::pair(Tensor::full(DType::kFloat32, shape, i.at(0)), i);
    });
  }
  std::string path() const { return folder_.file("c.cache"); }
  std::string error(const Dataset& dataset) const {
    return error_of<FileError>([&] { (void)values(dataset); });
  }
  TemporaryFolder folder_;
  int made_ = 0;
};

TEST_F(DatasetFileCache, TheFirstWholeIterationWritesTheFile) {
  const Dataset cached = counted(10).cache(path());
  EXPECT_EQ(cached.cardinality(), 10);
  (void)cached.first();
  EXPECT_FALSE(fs::exists(path())) << "an iteration that came to no end";
  const std::vector<double> all = values(cached);
  EXPECT_EQ(all.size(), 10u);
  EXPECT_TRUE(fs::exists(path()));
  made_ = 0;
  EXPECT_EQ(values(cached), all);
  EXPECT_LE(made_, 1) << "one to see whether the file is of this dataset";
  EXPECT_EQ(values(cached), all);
  EXPECT_LE(made_, 1);
  // Another run of the program.
  made_ = 0;
  EXPECT_EQ(values(counted(10).cache(path(), {.check_first = false})), all);
  EXPECT_EQ(made_, 0);
  const Element last = *[&] {
    Dataset::Iterator it(cached);
    for (int i = 0; i < 9; ++i) (void)it.next();
    return it.next();
  }();
  EXPECT_TRUE(last.x().identical(Tensor::from({9.f, 9.f})));
  EXPECT_TRUE(last.y().identical(Tensor::scalar(int64_t{9})));
}

TEST_F(DatasetFileCache, KeepsEveryKindOfElement) {
  const std::vector<Element> elements = {
      Element{{Tensor::from({1.5}), Tensor::from({true, false})}, Tensor::scalar(3)},
      Element{Data{{"image", Tensor(DType::kUint8, {0, 3})}, {"age", Tensor::from({2.0f})}},
              Tensor::from({1.0f}).cast(DType::kBFloat16), Tensor::from({0.5f})}};
  const Dataset cached = Dataset::from_generator([&] { return elements; }).cache(path());
  for (int walk = 0; walk < 3; ++walk) {
    size_t at = 0;
    for (const Element& found : cached) {
      const Element& expected = elements[at++];
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i)
        EXPECT_EQ(found.part(i).names(), expected.part(i).names());
      const auto tensors = found.tensors(), wanted = expected.tensors();
      ASSERT_EQ(tensors.size(), wanted.size());
      for (size_t i = 0; i < tensors.size(); ++i) EXPECT_TRUE(tensors[i].identical(wanted[i])) << i;
    }
    EXPECT_EQ(at, 2u);
  }
  const Dataset nothing = Dataset::range(0).cache(folder_.file("none.cache"));
  EXPECT_TRUE(values(nothing).empty() && values(nothing).empty());
}

// What stands before is shuffled once; what stands behind goes on.
TEST_F(DatasetFileCache, OrderIsThatOfTheFile) {
  const Dataset cached = Dataset::from_tensor_slices({Tensor::from({1, 2, 3, 4, 5, 6, 7, 8})})
                             .shuffle(8, 3)
                             .cache(path());
  const std::vector<double> first = values(cached);
  EXPECT_EQ(values(cached), first);
  EXPECT_EQ(values(cached.prefetch(3)), first);
  EXPECT_NE(values(cached.shuffle(8, 4)), first);
}

TEST_F(DatasetFileCache, StaleFilesAreRefused) {
  (void)values(counted(10).cache(path(), {.key = "v1"}));
  EXPECT_EQ(error(counted(10).cache(path(), {.key = "v1"})), "no error");
  const std::string stale = "the cache '" + path() + "' is stale: ";
  EXPECT_THAT(error(counted(10).cache(path(), {.key = "v2"})),
              HasSubstr(stale + "its key is 'v1', not 'v2'; removing it makes a new one"));
  EXPECT_THAT(error(counted(12).cache(path(), {.key = "v1"})),
              HasSubstr(stale + "it holds 10 elements, the dataset 12"));
  EXPECT_THAT(error(counted(10, {3, 1}).cache(path(), {.key = "v1"})),
              HasSubstr(stale + "its elements are (float32[2], int64[]), those of the dataset "
                                "(float32[3,1], int64[])"));
  EXPECT_THAT(error(counted(10).cache(path())), HasSubstr("dataset_files_test.cc:"));
  EXPECT_THAT(error_of([&] { counted(10).cache(""); }), HasSubstr("the path is empty"));
}

TEST_F(DatasetFileCache, AnElementThatFailsLeavesNoFile) {
  std::atomic<bool> fails{true};
  const Dataset cached = Dataset::range(5)
                             .map([&](const Tensor& i) {
                               if (fails && i.at(0) == 3) throw Error("three");
                               return i;
                             })
                             .cache(path());
  Dataset::Iterator it(cached);
  EXPECT_THAT(error_of([&] {
                while (it.next()) {
                }
              }),
              HasSubstr("three"));
  while (it.next()) {
  }
  EXPECT_FALSE(fs::exists(path()));
  fails = false;
  EXPECT_EQ(values(cached).size(), 5u);
  EXPECT_TRUE(fs::exists(path()));
  EXPECT_THAT(error(Dataset::range(3).cache(folder_.file("no/x"))), HasSubstr("cannot write"));
}

TEST_F(DatasetFileCache, DamageIsFound) {
  const Dataset cached = counted(4).cache(path());
  const std::vector<double> all = values(cached);
  const std::string good = read_file(path());
  int refused = 0, tries = 0;
  for (size_t bit = 0; bit < 8 * good.size(); bit += 11, ++tries) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    write_file_atomically(path(), bad, false);
    const std::string text = error(counted(4).cache(path()));
    if (text == "no error") continue;
    EXPECT_THAT(text, HasSubstr("c.cache"));
    ++refused;
  }
  EXPECT_EQ(refused, tries);
  for (size_t size = 0; size < good.size(); size += 3) {
    write_file_atomically(path(), good.substr(0, size), false);
    EXPECT_THAT(error(counted(4).cache(path())), HasSubstr("c.cache")) << size;
  }
  write_file_atomically(path(), good + good, false);
  EXPECT_THAT(error(counted(4).cache(path())), HasSubstr("damaged"));
  fs::remove(path());
  EXPECT_EQ(values(cached), all) << "a new one is made";
}

}  // namespace
}  // namespace sinter::testing

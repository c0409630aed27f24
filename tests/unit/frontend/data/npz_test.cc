// .npz: files that NumPy wrote (tests/data/npy), files of our own, and damaged ones.
#include "frontend/data/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/data/npy.h"
#include "frontend/data/npy_format.h"
#include "frontend/data/zip_file.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

class Npz : public ::testing::Test {
 protected:
  static std::string numpy_file(const std::string& name) {
    return std::string(SINTER_TEST_DATA "/npy/") + name;
  }
  std::string path() const { return folder_.file("x.npz"); }
  std::string error_of_bytes(const std::string& bytes, LoadNpzOptions options = {}) const {
    write_file_atomically(path(), bytes, false);
    return error_of<FileError>([&] { load_npz(path(), std::move(options)); });
  }
  /// A zip file of these entries.
  std::string zip(const std::vector<std::pair<std::string, std::string>>& entries,
                  bool deflated = false, uint64_t large = 0xffffffff) const {
    ZipWriter file(path(), large);
    for (const auto& [name, bytes] : entries) {
      const std::string_view pieces[] = {bytes};
      file.add(name, pieces, deflated);
    }
    file.commit();
    return read_file(path());
  }
  static std::string npy(const Tensor& t) {
    return npy_prefix(t) +
           std::string(static_cast<const char*>(t.raw()), static_cast<size_t>(t.bytes()));
  }
  TemporaryFolder folder_;
};

TEST_F(Npz, ReadsWhatNumpyWrites) {
  for (const char* name : {"arrays.npz", "compressed.npz"}) {
    SCOPED_TRACE(name);
    const auto arrays = load_npz(numpy_file(name));
    ASSERT_EQ(arrays.size(), 4u);
    EXPECT_TRUE(arrays.at("x").identical(Tensor::from({{0.f, 1.f, 2.f}, {3.f, 4.f, 5.f}})));
    EXPECT_TRUE(arrays.at("labels").identical(Tensor::from<int64_t>({0, 1, 2})));
    EXPECT_TRUE(arrays.at("flag").identical(Tensor::scalar(true)));
    EXPECT_TRUE(arrays.at("turned").identical(Tensor::from({{0, 1, 2}, {3, 4, 5}})));
    const auto one = load_npz(numpy_file(name), {.names = {"labels"}});
    EXPECT_EQ(one.size(), 1u);
    EXPECT_THAT(error_of<NameError>([&] { load_npz(numpy_file(name), {.names = {"label"}}); }),
                HasSubstr("did you mean 'labels'"));
  }
  const auto numbered = load_npz(numpy_file("numbered.npz"));
  EXPECT_EQ(numbered.at("arr_0").shape(), Shape({2, 3}));
  EXPECT_EQ(numbered.at("arr_1").shape(), Shape({3}));
}

TEST_F(Npz, WhatIsWrittenComesBack) {
  Tensor zeros(DType::kFloat64, {300, 100}), empty(DType::kUint8, {0, 3});
  zeros.set({7, 7}, 1.5);
  const std::map<std::string, Tensor> arrays = {
      {"x", zeros},
      {"folder/y", Tensor::from({1, -2, 3})},
      {"leer", empty},
      {"\xea\xb0\x80", Tensor::scalar(2.5f)},
      {"b", Tensor::from({1.0f, 2.0f}).cast(DType::kBFloat16)}};
  size_t sizes[2] = {};
  for (const bool compressed : {false, true}) {
    save_npz(path(), arrays, {.compressed = compressed});
    const std::string bytes = read_file(path());
    sizes[compressed ? 1 : 0] = bytes.size();
    const auto loaded = load_npz(path());
    ASSERT_EQ(loaded.size(), arrays.size());
    for (const auto& [name, array] : arrays) {
      const Tensor wide = name == "b" ? array.cast(DType::kFloat32) : array;
      EXPECT_TRUE(loaded.at(name).identical(wide)) << name;
    }
    save_npz(path(), arrays, {.compressed = compressed});
    EXPECT_EQ(read_file(path()), bytes);
  }
  EXPECT_GT(sizes[0], 240000u);
  EXPECT_LT(sizes[1], 2500u);
  save_npz(path(), {zeros, empty});
  EXPECT_TRUE(load_npz(path()).at("arr_1").identical(empty));
  save_npz(path(), {{"x", zeros}, {"y", empty}});
  EXPECT_EQ(load_npz(path()).size(), 2u);
  save_npz(path(), Data());
  EXPECT_TRUE(load_npz(path()).empty());
}

// Sizes and places in 64 bits, as those of 4 GiB and more are written.
TEST_F(Npz, LargeFiles) {
  const Tensor x = Tensor::from({1, 2, 3}), y = Tensor::from({4.0});
  for (const bool deflated : {false, true}) {
    for (const uint64_t large : {uint64_t{1}, uint64_t{150}, uint64_t{300}}) {
      zip({{"x.npy", npy(x)}, {"y.npy", npy(y)}}, deflated, large);
      const auto loaded = load_npz(path());
      EXPECT_TRUE(loaded.at("x").identical(x)) << large;
      EXPECT_TRUE(loaded.at("y").identical(y)) << large;
    }
  }
}

TEST_F(Npz, FlippedBitsOfAnArrayAreFound) {
  const Tensor x = Tensor::from({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.5f}});
  for (const bool compressed : {false, true}) {
    save_npz(path(), {{"x", x}}, {.compressed = compressed});
    const std::string good = read_file(path());
    int refused = 0;
    for (size_t bit = 0; bit < 8 * good.size(); bit += 3) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      write_file_atomically(path(), bad, false);
      try {
        // What is not looked at may be anything: versions, times, attributes.
        const auto loaded = load_npz(path());
        ASSERT_EQ(loaded.size(), 1u) << bit;
        EXPECT_TRUE(loaded.begin()->second.identical(x)) << bit;
      } catch (const FileError& error) {
        EXPECT_THAT(error.what(), HasSubstr("x.npz"));
        ++refused;
      }
    }
    EXPECT_GT(refused, static_cast<int>(4 * good.size() / 3)) << compressed;
    for (size_t size = 0; size < good.size(); ++size)
      EXPECT_THAT(error_of_bytes(good.substr(0, size)), HasSubstr("x.npz")) << size;
  }
}

TEST_F(Npz, Bombs) {
  const Tensor zeros = Tensor::placeholder(DType::kUint8, {int64_t{257} << 20});
  save_npz(path(), {{"x", zeros}}, {.compressed = true});
  const std::string error = error_of<FileError>([&] { load_npz(path()); });
  EXPECT_THAT(error, HasSubstr("its arrays take 257 MiB, more than 200 times its own size"));
  EXPECT_EQ(load_npz(path(), {.most_expansion = 2000}).at("x").elements(), zeros.elements());
  // A claim that deflate cannot hold takes no memory.
  std::string bytes = zip({{"x.npy", npy(Tensor::from({1, 2}))}}, true);
  const size_t list = bytes.find("PK\x01\x02");
  bytes.replace(list + 24, 4, "\xff\xff\xff\x7f");
  EXPECT_THAT(error_of_bytes(bytes), HasSubstr("claims 2147483647 bytes of"));
}

TEST_F(Npz, SaysWhatIsWrong) {
  const std::string x = npy(Tensor::from({1, 2}));
  EXPECT_THAT(error_of_bytes(""), HasSubstr("it is no zip file"));
  EXPECT_THAT(error_of_bytes("hello"), HasSubstr("it is no zip file"));
  EXPECT_THAT(error_of_bytes("PK\x03\x04"), HasSubstr("the file ends too early"));
  EXPECT_THAT(error_of_bytes(zip({{"note.txt", "hello"}, {"x.npy", x}})),
              HasSubstr("its entry 'note.txt' is no .npy array; .names chooses those to read"));
  EXPECT_EQ(error_of_bytes(zip({{"note.txt", "hello"}, {"x.npy", x}}), {.names = {"x"}}),
            "no error");
  EXPECT_EQ(error_of_bytes(zip({{"folder/", ""}, {"folder/x.npy", x}})), "no error");
  EXPECT_THAT(error_of_bytes(zip({{"x.npy", x}, {"x.npy", x}})), HasSubstr("two arrays 'x'"));
  EXPECT_THAT(error_of_bytes(zip({{"x.npy", "hello"}})), HasSubstr("x.npz/x.npy' is no .npy file"));
  EXPECT_THAT(error_of_bytes(zip({{"x.npy", x + "?"}})), HasSubstr("holds 9 bytes of values"));
  EXPECT_THAT(error_of_bytes(zip({{"x.npy", x}}) + "?"), HasSubstr("the file ends too early"));
  const std::string two = zip({{"x.npy", x}, {"y.npy", x}});
  const auto changed = [&](const char* sign, size_t at, const std::string& to) {
    std::string bytes = two;
    bytes.replace(bytes.rfind(sign) + at, to.size(), to);
    return error_of_bytes(bytes);
  };
  EXPECT_THAT(changed("PK\x01\x02", 8, "\x01"), HasSubstr("its entry 'y.npy' is encrypted"));
  EXPECT_THAT(changed("PK\x01\x02", 10, "\x0c"), HasSubstr("packed by method 12"));
  EXPECT_THAT(changed("PK\x01\x02", 42, std::string(4, '\0')), HasSubstr("another name"));
  EXPECT_THAT(changed("PK\x01\x02", 20, "\xff"), HasSubstr("claims"));
  EXPECT_THAT(changed("PK\x05\x06", 4, "\x01"), HasSubstr("one part of several"));
  EXPECT_THAT(changed("PK\x05\x06", 8, std::string("\x03\0\x03", 3)), HasSubstr("list of entries"));
  // Two entries of one place.
  std::string same = zip({{"x.npy", x}, {"x.npy", x}});
  same.replace(same.rfind("PK\x01\x02") + 42, 4, std::string(4, '\0'));
  EXPECT_THAT(error_of_bytes(same), HasSubstr("its entries overlap"));
  EXPECT_THAT(error_of([&] {
                save_npz(path(), {{"", Tensor()}});
              }),
              HasSubstr("a name takes 1 to 65531 bytes, found 0"));
  EXPECT_THAT(error_of([&] { save_npz(path(), {{"\xff", Tensor()}}); }), HasSubstr("is not UTF-8"));
  EXPECT_THAT(error_of([&] {
                save_npz(path(), {{"x", Tensor()}, {"x", Tensor()}});
              }),
              HasSubstr("two arrays are named 'x'"));
  EXPECT_THAT(error_of<FileError>([&] { load_npz(folder_.file("none.npz")); }),
              HasSubstr("none.npz"));
}

}  // namespace
}  // namespace sinter::testing

// Reading and writing comma separated values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/file_io.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

class Csv : public ::testing::Test {
 protected:
  std::string written(const std::string& text) const {
    const std::string path = folder_.file("x.csv");
    write_file_atomically(path, text);
    return path;
  }
  Tensor read(const std::string& text, const CSVOptions& options = {}) const {
    return load_csv(written(text), options);
  }
  TemporaryFolder folder_;
};

TEST_F(Csv, ReadsRows) {
  const Tensor expected = Tensor::from({{1.f, 2.5f}, {-3e-2f, 4.f}});
  for (const char* text :
       {"1,2.5\n-3e-2,4\n", "1,2.5\n-3e-2,4", "a,b\r\n1,2.5\r\n-3e-2,4\r\n",
        "\n1 , 2.5\n\n  \n-3E-2,\t+4\n", "\"a,x\",\"b\"\n\"1\",2.5\n-0.03,\" 4\"",
        "\xef\xbb\xbf"
        "1,2.5\n-.03,4."})
    EXPECT_TRUE(read(text).identical(expected)) << text << read(text);
  EXPECT_TRUE(read("1;2.5\n-.03;4", {.separator = ';'}).identical(expected));
  EXPECT_EQ(read("1,2\n3,4", {.header = true}).shape(), Shape({1, 2}));
  EXPECT_EQ(read("1\n2\n3").shape(), Shape({3, 1}));
  EXPECT_EQ(read("1\t2\n\t\n4\t5\n", {.separator = '\t'}).shape(), Shape({3, 2}));
  EXPECT_EQ(read("1,2", {.dtype = float64}).dtype(), float64);
}

TEST_F(Csv, KnowsWhatIsNoOrdinaryNumber) {
  const Tensor x = read("nan,NA,,inf,-inf,1e400,-1e400,1e-400,NaN,Infinity", {.dtype = float64});
  for (const int64_t i : {0, 1, 2, 8}) EXPECT_TRUE(std::isnan(x.at(i))) << i;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const int64_t i : {3, 5, 9}) EXPECT_EQ(x.at(i), kInfinity) << i;
  for (const int64_t i : {4, 6}) EXPECT_EQ(x.at(i), -kInfinity) << i;
  EXPECT_EQ(x.at(7), 0);
}

// Rounded to double first, some numbers fall on the middle between two float32.
TEST_F(Csv, Float32IsRoundedOnce) {
  const auto bits = [&](const std::string& text) {
    return std::bit_cast<uint32_t>(read(text).data<float>()[0]);
  };
  // Just above the middle of 1 and the next number; at the largest; among the subnormal ones.
  EXPECT_EQ(bits("1.000000059604644775390626"), 0x3f800001u);
  EXPECT_EQ(bits("\"+1.000000059604644775390626\""), 0x3f800001u);
  EXPECT_EQ(bits("3.4028235677973366163e38"), 0x7f7fffffu);
  EXPECT_EQ(bits("3.4028235677973366164e38"), 0x7f800000u);
  EXPECT_EQ(bits("1e39"), 0x7f800000u);
  EXPECT_EQ(bits("-1e-300"), 0x80000000u);
  EXPECT_EQ(bits("7.006492321624085354618e-46"), 0u);
  EXPECT_EQ(bits("7.006492321624085354619e-46"), 1u);
  // Every pattern comes back.
  Tensor x(float32, {50000, 4});
  uint64_t state = 5;
  for (float& v : x.data<float>()) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = std::bit_cast<float>(static_cast<uint32_t>(state >> 32));
    if (std::isnan(v)) v = 0;
  }
  x.data<float>()[0] = std::bit_cast<float>(0x15ae43fdu);
  const std::string path = folder_.file("bits.csv");
  save_csv(path, x);
  EXPECT_TRUE(load_csv(path).identical(x));
  // What is beyond float32 is a number nevertheless, and no name of a column.
  EXPECT_NE(error_of([&] { read("name,1e39\n1,2"); }).find("'name' is no number"),
            std::string::npos);
}

TEST_F(Csv, NamesThePlaceOfAMistake) {
  const auto error = [&](const std::string& text, const CSVOptions& options = {}) {
    const std::string path = written(text);
    return error_of([&] { load_csv(path, options); });
  };
  EXPECT_THAT(error("1,2\n3,x4\n"), HasSubstr("x.csv': line 2, column 2: 'x4' is no number"));
  EXPECT_THAT(error("a,b\n\n1,2\n3\n"), HasSubstr("line 4, 1 fields, the lines before have 2"));
  EXPECT_THAT(error("a,b\nc,d\n"), HasSubstr("line 2, column 1: 'c' is no number"));
  // A first line of data is not lost for one odd field.
  EXPECT_THAT(
      error("1,2,N/A\n3,4,5\n"),
      HasSubstr("line 1, column 3: 'N/A' is no number; .header = true leaves the line out"));
  EXPECT_THAT(error("1,2\r3,4\r"), HasSubstr("line 1, column 2"));
  EXPECT_THAT(error("a,b\n1,2\n", {.header = false}), HasSubstr("line 1, column 1"));
  EXPECT_THAT(error("1 2\n3 4\n5 6"), HasSubstr("line 2, column 1: '3 4' is no number"));
  EXPECT_THAT(error("1,2", {.dtype = int32}), HasSubstr("not as int32"));
  for (const char* odd :
       {"1,\"2\n3,4", "0x10,1\n2,3\n0x10,1", "1,2,\n3,4,5,", "--1\n--1", "+-1\n+-1"})
    EXPECT_NO_THROW(error(odd)) << odd;
  EXPECT_THAT(error_of([&] { load_csv(folder_.file("none")); }), HasSubstr("none"));
  // Nothing to learn from is no table of no columns.
  for (const char* nothing : {"", "\n", " \r\n\n", "\xef\xbb\xbf"})
    EXPECT_THAT(error(nothing), HasSubstr("x.csv': it is empty, there are no rows in it"));
  EXPECT_THAT(error("a,b\n"),
              HasSubstr("x.csv': it has no rows below the line 'a,b', which was taken for names"));
  EXPECT_THAT(error("1,2\n", {.header = true}),
              HasSubstr("no rows below the line '1,2', which was left out as .header = true says"));
  // Another separator.
  EXPECT_THAT(error("1;2\n3;4"),
              HasSubstr("'3;4' is no number; do ';' separate fields? .separator = ';'"));
  EXPECT_THAT(error("1\t2"),
              HasSubstr("taken for names; do tabs separate fields? .separator = '\\t'"));
  EXPECT_THAT(error("1,2\n3,4", {.separator = ';'}), HasSubstr(".separator = ','"));
}

// Iris: four numbers and a name.
TEST_F(Csv, TakesTheColumnsThatAreAskedFor) {
  const std::string text = "a,b,c,species\n1,2,3,setosa\n4,5,6,virginica\n";
  EXPECT_TRUE(read(text, {.columns = {0, 2}}).identical(Tensor::from({{1.f, 3.f}, {4.f, 6.f}})));
  EXPECT_TRUE(read(text, {.columns = {2, 0, 0}})
                  .identical(Tensor::from({{3.f, 1.f, 1.f}, {6.f, 4.f, 4.f}})));
  const std::string path = written(text);
  EXPECT_THAT(error_of([&] { load_csv(path); }),
              HasSubstr("line 2, column 4: 'setosa' is no number"));
  EXPECT_THAT(error_of([&] {
                load_csv(path, {.columns = {0, 3}});
              }),
              HasSubstr("line 2, column 4: 'setosa' is no number"));
  EXPECT_THAT(error_of([&] { load_csv(path, {.columns = {4}}); }),
              HasSubstr("line 1, 4 fields, .columns asks for number 4 (the first is 0)"));
  const Tensor table = Tensor::from({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}});
  EXPECT_TRUE(table.columns(0, 2).identical(Tensor::from({{1.f, 2.f}, {4.f, 5.f}})));
  EXPECT_TRUE(table.columns(2, 3).identical(Tensor::from({{3.f}, {6.f}})));
  EXPECT_EQ(table.columns(1, 1).shape(), (Shape{2, 0}));
  EXPECT_THAT(error_of([&] { table.columns(2, 4); }),
              HasSubstr("columns 2..4 are out of range for shape [2,3]"));
  EXPECT_THAT(error_of([&] { Tensor::from({1.f}).columns(0, 1); }), HasSubstr("out of range"));
}

// Years over columns of numbers: a header that no line can tell from a row by itself.
TEST_F(Csv, AHeaderOfNumbersIsTold) {
  const std::string text = "country,2019,2020\nfr,5,3\nde,7,4\n";
  const CSVOptions last{.columns = {1, 2}};
  EXPECT_EQ(read(text, last).shape(), Shape({3, 2}));
  EXPECT_TRUE(read(text, {.header = true, .columns = {1, 2}})
                  .identical(Tensor::from({{5.f, 3.f}, {7.f, 4.f}})));
  // A name above numbers gives it away, and may be a gap in the first row nevertheless.
  const std::string by_number = "id,2019,2020\n17,5,3\n18,7,4\n";
  const std::string path = written(by_number);
  EXPECT_THAT(error_of([&] { load_csv(path, last); }),
              HasSubstr("line 1, column 1: 'id' may be a name or a number that is missing: .header "
                        "= true leaves the line out, .header = false takes it for a row"));
  EXPECT_EQ(load_csv(path, {.header = true, .columns = {1, 2}}).shape(), Shape({2, 2}));
  EXPECT_EQ(load_csv(path, {.header = false, .columns = {1, 2}}).shape(), Shape({3, 2}));
  EXPECT_EQ(load_csv(path, {.header = true}).shape(), Shape({2, 3}));
  EXPECT_EQ(read("a,2019\nb,5\n3,7\n", {.columns = {1}}).shape(), Shape({3, 1}));
}

TEST_F(Csv, WhatIsWrittenComesBack) {
  for (const DType dtype : {float32, float64}) {
    Tensor x(dtype, {40, 3});
    for (int64_t i = 0; i < x.elements(); ++i)
      x.set(i, std::pow(-1.7, static_cast<double>(i - 60)));
    x.set(5, std::numeric_limits<double>::infinity());
    const std::string path = folder_.file("y.csv");
    save_csv(path, x);
    EXPECT_TRUE(load_csv(path, {.dtype = dtype}).identical(x));
  }
  Tensor nan = Tensor::full(float32, {1}, -std::numeric_limits<double>::quiet_NaN());
  save_csv(folder_.file("n.csv"), nan);
  EXPECT_EQ(read_file(folder_.file("n.csv")), "nan\n");
}

}  // namespace
}  // namespace sinter::testing

// .npy: files that NumPy wrote (tests/data/npy), files of our own, and files that are damaged in
// every place.
#include "frontend/data/npy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "core/file_io.h"
#include "tests/support/error_of.h"
#include "tests/support/without_line.h"

namespace sinter {
namespace {

std::string numpy_file(const std::string& name) {
  return std::string(SINTER_TEST_DATA "/npy/") + name + ".npy";
}

std::string error_of(const auto& action) {
  return testing::without_line(testing::error_of<FileError>(action));
}

/// A header of version 1 around `text`, then `values` bytes of zeros.
std::string file_with(const std::string& text, size_t values) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(text.size() & 255);
  bytes += static_cast<char>(text.size() >> 8);
  return bytes + text + std::string(values, '\0');
}

TEST(Npy, ReadsEveryTypeOfNumpy) {
  const std::pair<const char*, DType> types[] = {
      {"f4", DType::kFloat32},       {"f8", DType::kFloat64},      {"f2", DType::kFloat16},
      {"i1", DType::kInt8},         {"i2", DType::kInt32},        {"i4", DType::kInt32},
      {"i8", DType::kInt64},         {"u1", DType::kUint8},        {"u2", DType::kInt32},
      {"u4", DType::kInt64},         {"u8", DType::kInt64},        {"f4_big", DType::kFloat32},
      {"version2", DType::kFloat32}, {"version3", DType::kFloat32}};
  for (const auto& [name, dtype] : types) {
    SCOPED_TRACE(name);
    const Tensor tensor = load_npy(numpy_file(name));
    EXPECT_EQ(tensor.type(), (ValueType{dtype, {2, 3}}));
    for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(tensor.at(i), static_cast<double>(i));
  }
  const Tensor bools = load_npy(numpy_file("b1"));
  EXPECT_EQ(bools.dtype(), DType::kBool);
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(bools.at(i), static_cast<double>(i % 2));
}

TEST(Npy, TurnsFortranOrderIntoRows) {
  const Tensor tensor = load_npy(numpy_file("f4_fortran"));
  EXPECT_EQ(tensor.shape(), (Shape{2, 3, 4}));
  for (int64_t i = 0; i < 24; ++i) EXPECT_EQ(tensor.at(i), static_cast<double>(i));
}

TEST(Npy, ReadsHalfExactly) {
  const Tensor tensor = load_npy(numpy_file("f2_special"));
  EXPECT_EQ(tensor.at(0), 0.333251953125);
  EXPECT_EQ(tensor.at(1), -2.0);
  EXPECT_EQ(tensor.at(2), 65504.0);
  EXPECT_EQ(tensor.at(3), 0x1p-24);
  EXPECT_EQ(tensor.at(4), 0.0);
  EXPECT_TRUE(std::signbit(tensor.at(4)));
  EXPECT_EQ(tensor.at(5), HUGE_VAL);
  EXPECT_EQ(tensor.at(6), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(tensor.at(7)));
}

TEST(Npy, ScalarAndEmpty) {
  EXPECT_TRUE(load_npy(numpy_file("scalar")).identical(Tensor::scalar(2.5f)));
  EXPECT_EQ(load_npy(numpy_file("empty")).shape(), (Shape{0, 3}));
}

TEST(Npy, RefusesWhatHasNoTypeHere) {
  EXPECT_EQ(error_of([] { parse_npy(read_file(numpy_file("c8")), "c8.npy"); }),
            "'c8.npy' holds NumPy type '<c8'; supported are bool, float16/32/64, int8 to int64 and "
            "uint8 to uint64");
  EXPECT_EQ(error_of([] { parse_npy(read_file(numpy_file("record")), "r.npy"); }),
            "'r.npy' holds records with fields; save one plain array instead");
  EXPECT_EQ(error_of([] { parse_npy(read_file(numpy_file("u8_too_large")), "u.npy"); }),
            "'u.npy' holds 9223372036854775808, too large for int64");
}

TEST(Npy, SavesWhatItLoads) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("sinter-npy-" + std::to_string(::getpid())))
          .string();
  for (const DType dtype : kAllDTypes) {
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{0}, Shape{2, 3}, Shape{2, 1, 3, 4}}) {
      Tensor tensor(dtype, shape);
      for (int64_t i = 0; i < tensor.elements(); ++i) tensor.set(i, static_cast<double>(i * 7 % 5));
      save_npy(path, tensor);
      // NumPy has no bfloat16: it is written as float32, which holds the same values.
      EXPECT_TRUE(load_npy(path).identical(
          dtype == DType::kBFloat16 ? tensor.cast(DType::kFloat32) : tensor))
          << tensor.type().to_string();
    }
  }
  std::vector<float> ramp{0, 1, 2, 3, 4, 5};
  save_npy(path, Tensor::from(Shape{2, 3}, ramp));
  EXPECT_EQ(read_file(path), read_file(numpy_file("f4"))) << "the same bytes as NumPy's";
  std::filesystem::remove(path);
}

TEST(Npy, ExactErrors) {
  EXPECT_EQ(error_of([] { parse_npy("PK", "x"); }), "'x' is no .npy file");
  EXPECT_EQ(error_of([] { parse_npy(std::string("\x93NUMPY\x04\x00\x00\x00", 10), "x"); }),
            "'x' has npy version 4.0; supported are 1.0, 2.0 and 3.0");
  EXPECT_EQ(error_of([] {
              parse_npy(file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2,3)}", 20),
                        "x");
            }),
            "'x' holds 20 bytes of values, but shape [2,3] of '<f4' takes 24");
  EXPECT_EQ(error_of([] {
              parse_npy(file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", 8),
                        "x");
            }),
            "'x' has a damaged npy header at position 52: a tuple of one needs a comma");
  EXPECT_EQ(
      error_of([] {
        parse_npy(
            file_with("{'descr':'<f4','fortran_order':False,'shape':(4294967296,4294967296)}", 0),
            "x");
      }),
      "'x' claims the impossible shape [4294967296,4294967296]");
  EXPECT_EQ(
      error_of([] {
        parse_npy(
            file_with("{'descr':'<f4','fortran_order':False,'shape':(0,4294967296,4294967296)}", 0),
            "x");
      }),
      "'x' claims the impossible shape [0,4294967296,4294967296]");
  EXPECT_EQ(error_of([] { load_npy("/no/such.npy"); }),
            "cannot read '/no/such.npy': No such file or directory");
}

TEST(Npy, BadHeaders) {
  const char* bad[] = {"",
                       "{",
                       "{}",
                       "[]",
                       "{'descr': '<f4'}",
                       "{'descr': '<f4', 'descr': '<f4', 'shape': ()}",
                       "{'descr': '<f4', 'fortran_order': Maybe, 'shape': ()}",
                       "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
                       "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                       "{'descr': '<f4', 'fortran_order': False, 'shape': ()} x",
                       "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
                       "{'descr': '<f4, 'fortran_order': False, 'shape': ()}",
                       "{'descr': '', 'fortran_order': False, 'shape': ()}"};
  for (const char* header : bad)
    EXPECT_NE(error_of([&] { parse_npy(file_with(header, 4), "x"); }), "no error") << header;
  std::string deep = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (int i = 0; i < 65; ++i) deep += "1, ";
  EXPECT_NE(error_of([&] { parse_npy(file_with(deep + ")}", 4), "x"); }), "no error");
}

TEST(Npy, CutAtEveryLength) {
  for (const char* name : {"f4", "version2", "version3", "b1"}) {
    const std::string bytes = read_file(numpy_file(name));
    for (size_t length = 0; length < bytes.size(); ++length) {
      const std::string cut =
          bytes.substr(0, length);  // its own allocation, so that sanitizers see a read beyond it
      EXPECT_NE(error_of([&] { parse_npy(cut, name); }), "no error")
          << name << " cut to " << length;
    }
  }
}

TEST(Npy, EveryBitFlipped) {
  for (const char* name : {"f4", "version2", "version3", "f4_fortran", "b1"}) {
    std::string bytes = read_file(numpy_file(name));
    int refused = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
        refused += error_of([&] { parse_npy(bytes, name); }) !=
                   "no error";  // anything else would end the test
        bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      }
    }
    EXPECT_GT(refused, 400) << name;
  }
}

}  // namespace
}  // namespace sinter

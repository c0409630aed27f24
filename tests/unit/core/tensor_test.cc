// Memory of tensors.
#include "core/tensor.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/error.h"

namespace sinter {
namespace {

// Of the whole pages within the elements.
double share_in_memory(const Tensor& t) {
  constexpr uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<uintptr_t>(t.raw()),
             end = begin + static_cast<uintptr_t>(t.bytes());
  const uintptr_t first = (begin + kPage - 1) / kPage, last = end / kPage;
  std::vector<unsigned char> present(last - first);
  EXPECT_EQ(
      ::mincore(reinterpret_cast<void*>(first * kPage), (last - first) * kPage, present.data()), 0);
  const auto count = std::ranges::count_if(present, [](unsigned char p) { return (p & 1) != 0; });
  return static_cast<double>(count) / static_cast<double>(present.size());
}

// A few tensors of each kind: on plain pages, in a shared region, on huge pages of their own.
TEST(Tensor, IsInMemoryOnceItIsMade) {
  std::vector<Tensor> tensors;
  for (const int64_t kib : {512, 512, 512, 512, 512, 700, 3000, 300, 5000}) {
    tensors.emplace_back(DType::kFloat32, Shape{kib * 256});
    EXPECT_EQ(share_in_memory(tensors.back()), 1) << kib;
  }
}

TEST(Tensor, PlaceholdersTakeNoMemory) {
  for (const int64_t kib : {512, 5000})
    EXPECT_EQ(share_in_memory(Tensor::placeholder(DType::kFloat32, {kib * 256})), 0);
}

TEST(Tensor, PlaceholdersAreZerosThatMayBeWritten) {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{3}, Shape{1 << 10, 1 << 10}}) {
    Tensor t = Tensor::placeholder(DType::kFloat32, shape);
    EXPECT_TRUE(t.identical(Tensor(DType::kFloat32, shape)));
    if (t.elements() == 0) continue;
    t.set(t.elements() - 1, 2);
    EXPECT_EQ(t.clone().at(t.elements() - 1), 2);
  }
  EXPECT_THROW(Tensor::placeholder(DType::kFloat32, {kBatch, 2}), ShapeError);
}

TEST(Tensor, WhatWasMovedFromIsEmpty) {
  Tensor a = Tensor::full(DType::kFloat32, {2, 3}, 1.0), b;
  const auto expect_empty = [](Tensor& t) {
    EXPECT_EQ(t.shape(), Shape{0});
    EXPECT_EQ(t.bytes(), 0);
    EXPECT_TRUE(t.data<float>().empty());
    EXPECT_THROW((void)t.at(0), ShapeError);
    EXPECT_THROW((void)t.number(0), ShapeError);
    EXPECT_THROW(t.set(0, 1), ShapeError);
    EXPECT_TRUE(t.clone().identical(t));
    EXPECT_NO_THROW(t.copy_from(Tensor(DType::kFloat32, {0})));
    EXPECT_EQ(t.cast(DType::kInt32).shape(), Shape{0});
    EXPECT_THROW((void)t.reshaped({1}), ShapeError);
  };
  const Tensor c = std::move(a);
  expect_empty(a);  // NOLINT: that is what is tested
  EXPECT_EQ(c.at(5), 1);
  a = c;
  EXPECT_EQ(a.at(5), 1);
  b = std::move(a);
  expect_empty(a);  // NOLINT
  EXPECT_EQ(b.at(5), 1);
  Tensor& self = b;
  b = std::move(self);
  EXPECT_EQ(b.at(5), 1);
}

TEST(Tensor, ElementsThatAreNotThereAreErrors) {
  Tensor t(DType::kFloat32, {2, 3});
  EXPECT_NO_THROW(t.set(5, 1));
  EXPECT_EQ(t.at(5), 1);
  for (const int64_t index : {int64_t{6}, int64_t{-1}, int64_t{1} << 62}) {
    EXPECT_THROW(t.set(index, 1), ShapeError);
    EXPECT_THROW(t.at(index), ShapeError);
  }
  EXPECT_THROW(Tensor(DType::kInt64, {0}).at(0), ShapeError);
  EXPECT_THROW(Tensor(DType::kBool, {4, 0}).set(0, 1), ShapeError);
}

}  // namespace
}  // namespace sinter

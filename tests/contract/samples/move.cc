#include "core/graph.h"
#include "core/kernel_ops.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void move_samples(Samples& out) {
  using Ints = std::vector<int64_t>;
  const auto ints = [](Ints v) { return v; };
  out.push_back({"reshape", {{Shape{4, 6}}}, {{"shape", Shape{2, 12}}}});
  out.push_back({"reshape", {{Shape{5}, 0, 9, DType::kInt64}}, {{"shape", Shape{5, 1, 1}}}});
  out.push_back({"transpose", {{Shape{5, 7}}}, {{"perm", ints({1, 0})}}});
  out.push_back({"transpose", {{Shape{2, 3, 4}}}, {{"perm", ints({2, 0, 1})}}});
  out.push_back({"transpose", {{Shape{33, 17}, 0, 255, DType::kUint8}}, {{"perm", ints({1, 0})}}});
  out.push_back({"broadcast", {{Shape{5}}}, {{"shape", Shape{3, 5}}, {"dims", ints({1})}}});
  out.push_back({"broadcast", {{Shape{3}}}, {{"shape", Shape{3, 5}}, {"dims", ints({0})}}});
  out.push_back({"broadcast", {{Shape{}}}, {{"shape", Shape{2, 9}}, {"dims", ints({})}}});
  out.push_back(
      {"broadcast", {{Shape{2, 1, 3}}}, {{"shape", Shape{2, 4, 3}}, {"dims", ints({0, 1, 2})}}});
  out.push_back(
      {"slice",
       {{Shape{6, 9}}},
       {{"begin", ints({1, 2})}, {"end", ints({5, kSliceEnd})}, {"stride", ints({2, 3})}}});
  out.push_back({"slice",
                 {{Shape{20}, -9, 9, DType::kInt32}},
                 {{"begin", ints({3})}, {"end", ints({20})}, {"stride", ints({1})}}});
  out.push_back(
      {"slice", {{Shape{4}}}, {{"begin", ints({2})}, {"end", ints({2})}, {"stride", ints({1})}}});
  // A diagonal, windows that overlap, a row for all rows, one element many times, nothing.
  out.push_back({"as_strided", {{Shape{5, 7}}}, {{"shape", Shape{5}}, {"strides", ints({8})}}});
  out.push_back({"as_strided",
                 {{Shape{20}}},
                 {{"shape", Shape{9, 3}}, {"strides", ints({2, 1})}, {"offset", int64_t{1}}}});
  out.push_back(
      {"as_strided",
       {{Shape{4, 33}, -9, 9, DType::kInt32}},
       {{"shape", Shape{3, 2, 33}}, {"strides", ints({0, 33, 1})}, {"offset", int64_t{66}}}});
  out.push_back({"as_strided",
                 {{Shape{3}}},
                 {{"shape", Shape{2, 4}}, {"strides", ints({0, 0})}, {"offset", int64_t{2}}}});
  out.push_back({"as_strided", {{Shape{3}}}, {{"shape", Shape{0, 4}}, {"strides", ints({9, 9})}}});
  out.push_back(
      {"as_strided", {{Shape{0, 2}}}, {{"shape", Shape{3, 0}}, {"strides", ints({7, 1})}}});
  out.push_back(
      {"pad", {{Shape{2, 3}}}, {{"low", ints({1, 0})}, {"high", ints({0, 2})}, {"value", 1.5}}});
  out.push_back({"pad",
                 {{Shape{17}, 0, 9, DType::kInt64}},
                 {{"low", ints({16})}, {"high", ints({1})}, {"value", 0.0}}});
  out.push_back({"concat", {{Shape{2, 3}}, {Shape{2, 5}}, {Shape{2, 1}}}, {{"axis", int64_t{1}}}});
  out.push_back({"concat", {{Shape{2, 3}}, {Shape{4, 3}}}, {{"axis", int64_t{0}}}});
  out.push_back({"concat",
                 {{Shape{3, 1, 2}, 0, 1, DType::kBool}, {Shape{3, 4, 2}, 0, 1, DType::kBool}},
                 {{"axis", int64_t{1}}}});
  out.push_back(
      {"iota", {}, {{"shape", Shape{3, 21}}, {"axis", int64_t{1}}, {"dtype", DType::kInt32}}});
  out.push_back(
      {"iota", {}, {{"shape", Shape{4, 5}}, {"axis", int64_t{0}}, {"dtype", DType::kFloat32}}});
  out.push_back({"size", {{Shape{7, 3}}}, {{"axis", int64_t{0}}, {"dtype", DType::kFloat32}}});
  out.push_back(
      {"gather", {{Shape{6, 4}}, {Shape{5}, 0, 5, DType::kInt32}}, {{"axis", int64_t{0}}}});
  out.push_back(
      {"gather", {{Shape{3, 6, 2}}, {Shape{2, 2}, 0, 5, DType::kInt64}}, {{"axis", int64_t{1}}}});
  out.push_back({.op = "gather",
                 .inputs = {{Shape{4}}, {Shape{3}, 0, 0, DType::kInt32, {-3, 9, 1}}},
                 .attributes = {{"axis", int64_t{0}}},
                 .note = "indices are clamped"});
  out.push_back({"gather",
                 {{Shape{3, 5, 2}}, {Shape{3, 4}, 0, 4, DType::kInt32}},
                 {{"axis", int64_t{1}}, {"batch_dims", int64_t{1}}}});
  out.push_back({"gather",
                 {{Shape{2, 3, 4, 5}}, {Shape{2, 2, 3}, 0, 4, DType::kInt64}},
                 {{"axis", int64_t{3}}, {"batch_dims", int64_t{1}}}});
  out.push_back({"gather",
                 {{Shape{2, 3, 4}}, {Shape{2, 3}, 0, 3, DType::kInt32}},
                 {{"axis", int64_t{2}}, {"batch_dims", int64_t{2}}}});
  out.push_back({"scatter_add",
                 {{Shape{6}, 0, 3, DType::kInt32}, {Shape{6, 5}}},
                 {{"axis", int64_t{0}}, {"size", int64_t{4}}}});
  out.push_back({"scatter_add",
                 {{Shape{3}, 0, 4, DType::kInt64}, {Shape{2, 3, 4}}},
                 {{"axis", int64_t{1}}, {"size", int64_t{5}}}});
  out.push_back({"scatter_add",
                 {{Shape{3, 6}, 0, 3, DType::kInt32}, {Shape{3, 6, 5}}},
                 {{"axis", int64_t{1}}, {"size", int64_t{4}}, {"batch_dims", int64_t{1}}}});
  out.push_back({"scatter_add",
                 {{Shape{2, 3, 2}, 0, 4, DType::kInt64}, {Shape{2, 4, 3, 2}}},
                 {{"axis", int64_t{2}}, {"size", int64_t{5}}, {"batch_dims", int64_t{1}}}});
}

}  // namespace sinter::contract

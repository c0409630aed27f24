#include "core/graph.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void compare_samples(Samples& out) {
  const std::vector<double> few = {-1, 0, 1, 2};
  for (const char* op : {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}) {
    out.push_back({op,
                   {{Shape{4, 4}, 0, 0, DType::kFloat32, few},
                    {Shape{4, 4}, 0, 0, DType::kFloat32, {0, 1, 1, kNaN, 2}}}});
    out.push_back({op, {{Shape{9}, -2, 2, DType::kInt32}, {Shape{9}, -2, 2, DType::kInt32}}});
    out.push_back({op, {{Shape{19}, 0, 3, DType::kUint8}, {Shape{19}, 0, 3, DType::kUint8}}});
  }
  for (const char* op : {"logical_and", "logical_or"})
    out.push_back({op, {{Shape{17}, 0, 1, DType::kBool}, {Shape{17}, 0, 1, DType::kBool}}});
  out.push_back({"logical_not", {{Shape{35}, 0, 1, DType::kBool}}});
  out.push_back({"select", {{Shape{3, 7}, 0, 1, DType::kBool}, {Shape{3, 7}}, {Shape{3, 7}}}});
  out.push_back({"select",
                 {{Shape{18}, 0, 1, DType::kBool},
                  {Shape{18}, -9, 9, DType::kInt64},
                  {Shape{18}, -9, 9, DType::kInt64}}});
  for (DType to : {DType::kFloat32, DType::kInt32, DType::kInt64, DType::kUint8, DType::kBool}) {
    out.push_back({"cast",
                   {{Shape{20}, 0, 0, DType::kFloat32, {0, 1.7, 200.2, 3.5, 0.25}}},
                   {{"dtype", to}}});
    out.push_back({"cast", {{Shape{20}, 0, 100, DType::kInt32}}, {{"dtype", to}}});
    out.push_back({"cast", {{Shape{21}, 0, 1, DType::kBool}}, {{"dtype", to}}});
    out.push_back({"cast", {{Shape{21}, 0, 255, DType::kUint8}}, {{"dtype", to}}});
  }
  // Ties, the largest value, overflow, a subnormal number, NaN.
  out.push_back({.op = "cast",
                 .inputs = {{Shape{40},
                             0,
                             0,
                             DType::kFloat32,
                             {1.00390625, 1.01171875, -1.00390625, 3.3895314e38, 3.4e38, 1e-40,
                              -0.0, kNaN, kInf, 0.1}}},
                 .attributes = {{"dtype", DType::kBFloat16}},
                 .tolerance = 0,
                 .orders = 0,
                 .note = "to bfloat16"});
  for (DType to : {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kBool}) {
    out.push_back({.op = "cast",
                   .inputs = {{Shape{37}, -3, 200, DType::kBFloat16}},
                   .attributes = {{"dtype", to}},
                   .tolerance = 0,
                   .orders = 0});
  }
  out.push_back(
      {.op = "cast",
       .inputs = {{Shape{5}, 0, 0, DType::kFloat32, {kNaN, 1e20, -1e20, -1.9, 2147483647.0}}},
       .attributes = {{"dtype", DType::kInt32}},
       .note = "NaN becomes 0, the rest saturates"});
  out.push_back({.op = "stop_gradient",
                 .inputs = {{Shape{2, 3}}},
                 .orders = 0,
                 .note = "its gradient is zero on purpose"});
}

}  // namespace sinter::contract

#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void arithmetic_samples(Samples& out) {
  const Shape s{3, 5};
  for (const char* op : {"add", "subtract", "multiply", "maximum", "minimum"}) {
    out.push_back({op, {{s}, {s}}});
    out.push_back({op, {{Shape{7}, -9, 9, DType::kInt32}, {Shape{7}, -9, 9, DType::kInt32}}});
    out.push_back({op, {{Shape{}}, {Shape{}}}});
    out.push_back({op, {{Shape{0, 4}}, {Shape{0, 4}}}});
  }
  for (const char* op : {"maximum", "minimum"}) {
    out.push_back({.op = op,
                   .inputs = {{Shape{4}, 0, 0, DType::kFloat32, {kNaN, 1, kInf, -kInf}},
                              {Shape{4}, 0, 0, DType::kFloat32, {1, kNaN, 2, 3}}},
                   .orders = 0,
                   .note = "NaN is propagated"});
  }
  out.push_back({"divide", {{s}, {s, 0.5, 3}}});
  out.push_back({"divide", {{s}, {s, -3, -0.5}}});
  out.push_back({"divide_no_nan", {{s}, {s, 0.5, 3}}});
  out.push_back({"divide_no_nan", {{s}, {s, -3, -0.5}}});
  out.push_back({.op = "divide_no_nan",
                 .inputs = {{Shape{6}, 0, 0, DType::kFloat32, {0, 2, -3, kInf, kNaN, 4}},
                            {Shape{6}, 0, 0, DType::kFloat32, {0, 0, -0.0, 0, 0, 2}}},
                 .orders = 0,
                 .note = "0 of a division by 0"});
  out.push_back({"power", {{s, 0.3, 3}, {s, -2, 2}}});
  for (const char* op : {"negative", "abs", "square", "sin", "cos", "erf", "exp", "expm1"}) {
    out.push_back({op, {{s, 0.1, 2}}});
    out.push_back({op, {{s, -2, -0.1}}});
    out.push_back({op, {{Shape{17}, -4, 4}}});
  }
  for (const char* op : {"negative", "abs", "square", "sign"})
    out.push_back({op, {{Shape{33}, -100, 100, DType::kInt64}}});
  for (const char* op : {"sign", "floor", "ceil", "round"})
    out.push_back(
        {op,
         {{Shape{31}, 0, 0, DType::kFloat32, {-2.7, -1.2, -0.3, 0.4, 1.6, 2.3, 1000.4, -999.7}}}});
  out.push_back({.op = "round",
                 .inputs = {{Shape{6}, 0, 0, DType::kFloat32, {0.5, 1.5, 2.5, -0.5, -1.5, -2.5}}},
                 .orders = 0,
                 .note = "ties to even"});
  for (const char* op : {"sqrt", "rsqrt", "log", "reciprocal"}) out.push_back({op, {{s, 0.2, 5}}});
  out.push_back({"log1p", {{s, -0.7, 4}}});
  out.push_back({.op = "exp",
                 .inputs = {{Shape{5}, 0, 0, DType::kFloat32, {-200, -88, 88, 0, 1}}},
                 .tolerance = 1e-5,
                 .orders = 0});
  out.push_back({"clip", {{s, -3, 3}}, {{"low", -1.01}, {"high", 0.75}}});
}

}  // namespace sinter::contract

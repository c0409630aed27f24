#include "core/graph.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void reduce_samples(Samples& out) {
  using Ints = std::vector<int64_t>;
  const std::vector<Ints> axes = {{0}, {1}, {0, 1}, {2}, {0, 2}, {0, 1, 2}};
  for (const char* kind : {"sum", "prod", "max", "min"}) {
    const std::string name = kind;
    for (const Ints& a : axes) {
      out.push_back({"reduce",
                     {{Shape{3, 4, 5}, 0.5, 1.5}},
                     {{"kind", name}, {"axes", a}, {"keepdims", a.size() == 1}},
                     5e-6});
    }
    out.push_back({"reduce",
                   {{Shape{2, 33}}},
                   {{"kind", name}, {"axes", Ints{1}}, {"keepdims", false}},
                   1e-5});
    out.push_back({"reduce",
                   {{Shape{67, 19}}},
                   {{"kind", name}, {"axes", Ints{0}}, {"keepdims", false}},
                   1e-5});
    out.push_back({"reduce",
                   {{Shape{29}, -3, 3, DType::kInt64}},
                   {{"kind", name}, {"axes", Ints{0}}, {"keepdims", false}}});
  }
  out.push_back({"reduce",
                 {{Shape{0, 3}}},
                 {{"kind", std::string("sum")}, {"axes", Ints{0}}, {"keepdims", false}}});
  out.push_back(
      {.op = "reduce",
       .inputs = {{Shape{2, 3}, 0, 0, DType::kFloat32, {1, kNaN, 3}}},
       .attributes = {{"kind", std::string("max")}, {"axes", Ints{1}}, {"keepdims", false}},
       .orders = 0,
       .note = "NaN is propagated"});
  out.push_back(
      {.op = "reduce",
       .inputs = {{Shape{4, 4},
                   0,
                   0,
                   DType::kFloat32,
                   {0, 2, 3, 1.5, 0.5, 1.25, 4, 2, 3, 0, 0.5, 0, 0, 0, 2, 0}}},
       .attributes = {{"kind", std::string("prod")}, {"axes", Ints{1}}, {"keepdims", false}},
       .note = "no, one, two and three factors are zero"});
  for (const char* kind : {"argmax", "argmin"}) {
    for (int64_t axis : {0, 1, 2})
      out.push_back({"arg_reduce",
                     {{Shape{3, 4, 5}}},
                     {{"kind", std::string(kind)}, {"axis", axis}, {"keepdims", axis == 1}}});
    out.push_back({"arg_reduce",
                   {{Shape{2, 4}, 0, 0, DType::kFloat32, {1, 3, 3, 0}}},
                   {{"kind", std::string(kind)}, {"axis", int64_t{1}}}});
    out.push_back({"arg_reduce",
                   {{Shape{2, 40}, -5, 5, DType::kInt32}},
                   {{"kind", std::string(kind)}, {"axis", int64_t{1}}}});
  }
  for (const Ints& a : axes) {
    out.push_back({"normalize", {{Shape{3, 4, 5}}}, {{"axes", a}}, 5e-6});
    out.push_back({"normalize", {{Shape{3, 4, 5}}}, {{"axes", a}, {"epsilon", 1e2}}, 5e-6});
  }
  out.push_back({.op = "norm",
                 .inputs = {{Shape{2, 3}, 0, 0, DType::kFloat32, {0, 0, 0, 1, -2, 2}}},
                 .attributes = {{"axes", Ints{1}}},
                 .orders = 0,
                 .note = "the zero vector"});
  for (const char* op : {"mean", "variance", "norm"}) {
    for (const Ints& a : axes)
      out.push_back({op, {{Shape{3, 4, 5}}}, {{"axes", a}, {"keepdims", a.size() == 2}}, 5e-6});
  }
}

}  // namespace sinter::contract

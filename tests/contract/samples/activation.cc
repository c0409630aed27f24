#include "core/graph.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void activation_samples(Samples& out) {
  // No sample lies on a kink: relu6 and hard_sigmoid bend at 0, 3, 6.
  const InputSpec both{
      Shape{4, 9}, 0, 0, DType::kFloat32, {-5.1, -2.3, -0.7, -0.05, 0.04, 0.6, 1.9, 4.4, 7.3}};
  const InputSpec extreme{Shape{7}, 0, 0, DType::kFloat32, {-kInf, -1e4, -90, 90, 1e4, kInf, kNaN}};
  const auto add = [&](const char* op, Attributes a = {}) {
    out.push_back({.op = op, .inputs = {both}, .attributes = a, .tolerance = 4e-6});
    out.push_back({.op = op, .inputs = {{Shape{17}, -3, 3}}, .attributes = a, .tolerance = 4e-6});
    out.push_back({.op = op,
                   .inputs = {extreme},
                   .attributes = a,
                   .tolerance = 4e-6,
                   .orders = 0,
                   .note = "extremes and NaN"});
  };
  for (const char* op : {"linear",      "relu",      "relu6",      "selu",        "sigmoid",
                         "tanh",        "softplus",  "softsign",   "mish",        "hard_sigmoid",
                         "log_sigmoid", "hard_silu", "hard_tanh",  "tanh_shrink", "hard_shrink",
                         "soft_shrink", "celu",      "squareplus", "sparse_plus", "sparse_sigmoid"})
    add(op);
  add("hard_shrink", {{"threshold", 2.0}});
  add("soft_shrink", {{"threshold", 2.0}});
  add("threshold", {{"threshold", 0.25}, {"default_value", -1.5}});
  add("celu", {{"alpha", 0.5}});
  add("squareplus", {{"b", 0.25}});
  for (double b : {1e-10, 0x1p-130, 0x1p-149, 1e20}) {
    out.push_back({.op = "squareplus",
                   .inputs = {extreme},
                   .attributes = {{"b", b}},
                   .orders = 0,
                   .note = "of a tiny or huge b"});
  }
  out.push_back({"exponential", {{Shape{3, 6}, -4, 4}}});
  add("leaky_relu");
  add("leaky_relu", {{"negative_slope", 0.1}});
  add("elu");
  add("elu", {{"alpha", 0.5}});
  add("swish");
  add("swish", {{"beta", 1.7}});
  for (bool approximate : {false, true}) add("gelu", {{"approximate", approximate}});
  out.push_back({"maxout", {{Shape{5, 12}}}, {{"pieces", int64_t{3}}}});
  out.push_back({"maxout", {{Shape{2, 2, 4}}}, {{"pieces", int64_t{2}}}});
}

}  // namespace sinter::contract

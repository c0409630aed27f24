// map and fusion, which only passes make.
#include <memory>

#include "core/scalar_expr.h"
#include "core/text.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {
namespace {

std::shared_ptr<const ScalarExpr> expr(const char* text) {
  return std::make_shared<const ScalarExpr>(ScalarExpr::parse(text));
}
std::shared_ptr<const Graph> region(const char* text) {
  return std::make_shared<const Graph>(parse_graph(text));
}

}  // namespace

void fusion_samples(Samples& out) {
  out.push_back(
      {"map",
       {{Shape{5, 7}}, {Shape{5, 7}}},
       {{"body", expr("(float32, float32) -> t0 = tanh(a0); mul(t0, a1), add(t0, 1:float32)")}},
       4e-6});
  out.push_back({"map",
                 {{Shape{40}, 0, 1, DType::kBool}, {Shape{40}}},
                 {{"body", expr("(bool, float32) -> select(a0, neg(a1), a1)")}}});
  // Regions in the canonical form that passes make (core/region_form.h).
  out.push_back({"fusion",
                 {{Shape{6, 9}}, {Shape{9}}},
                 {{"kind", std::string("map")}, {"body", region(R"g(graph "r" {
    %x = input() : float32[6,9]
    %b = input() : float32[9]
    %2 = reshape(%b) {shape=[1,9]}
    %3 = broadcast(%2) {shape=[6,9], dims=[0,1]}
    %4 = map(%x, %3) {body="(float32, float32) -> max(add(a0, a1), 0:float32)"}
    output "y" = %4 })g")}},
                 4e-6});
  out.push_back({"fusion",
                 {{Shape{6, 19}}},
                 {{"kind", std::string("reduce")}, {"body", region(R"g(graph "softmax" {
    %x = input() : float32[6,19]
    %1 = reduce(%x) {kind="max", axes=[1], keepdims=true}
    %2 = broadcast(%1) {shape=[6,19], dims=[0,1]}
    %3 = map(%x, %2) {body="(float32, float32) -> exp(sub(a0, a1))"}
    %4 = reduce(%3) {kind="sum", axes=[1], keepdims=true}
    %5 = broadcast(%4) {shape=[6,19], dims=[0,1]}
    %6 = map(%3, %5) {body="(float32, float32) -> div(a0, a1)"}
    output "y" = %6 })g")}},
                 4e-6});
  out.push_back({"fusion",
                 {{Shape{6, 9}}, {Shape{9, 20}}, {Shape{20}}},
                 {{"kind", std::string("contract")}, {"body", region(R"g(graph "dense" {
    %x = input() : float32[6,9]
    %w = input() : float32[9,20]
    %b = input() : float32[20]
    %3 = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
    %4 = reshape(%b) {shape=[1,20]}
    %5 = broadcast(%4) {shape=[6,20], dims=[0,1]}
    %6 = map(%3, %5) {body="(float32, float32) -> max(add(a0, a1), 0:float32)"}
    output "y" = %6 })g")}},
                 1e-5});
}

const Samples& all_samples() {
  static const Samples samples = [] {
    Samples s;
    arithmetic_samples(s);
    compare_samples(s);
    move_samples(s);
    reduce_samples(s);
    matmul_samples(s);
    activation_samples(s);
    softmax_samples(s);
    loss_samples(s);
    convolution_samples(s);
    pooling_samples(s);
    batch_norm_samples(s);
    layer_norm_samples(s);
    dropout_samples(s);
    fusion_samples(s);
    return s;
  }();
  return samples;
}

}  // namespace sinter::contract

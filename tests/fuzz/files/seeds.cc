// The seeds, as text.
#include "tests/fuzz/files/seeds.h"

namespace sinter::fuzz_files {

const std::vector<std::string>& seed_graphs() {
  static const std::vector<std::string> graphs = {
      R"g(graph "dense" {
  %x = input() : float32[batch,4]
  %w = variable() : float32[4,3]
  %b = variable() : float32[3]
  %3 = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]} @ "dense" "a.cc":3
  %4 = broadcast(%b) {shape=[batch,3], dims=[1]}
  %5 = map(%3, %4) {body="(float32, float32) -> t0 = add(a0, a1); max(t0, 0:float32), mul(t0, t0)"}
  %6 = reduce(%5#1) {kind="sum", axes=[0]}
  output "y" = %5#0
  update %b = %6
})g",
      R"g(graph "moves" {
  %x = input() : float32[2,3,4]
  %i = input() : int32[3]
  %2 = reshape(%x) {shape=[6,4]}
  %3 = transpose(%x) {perm=[2,0,1]}
  %4 = slice(%x) {begin=[0,1,0], end=[2,3,end], stride=[1,2,3]}
  %5 = pad(%2) {low=[1,0], high=[0,2], value=1.5}
  %6 = concat(%2, %2) {axis=1}
  %7 = iota() {shape=[2,3], axis=1, dtype=int32}
  %8 = gather(%3, %i) {axis=1}
  %9 = scatter_add(%i, %3) {axis=2, size=5}
  %10 = arg_reduce(%x) {kind="argmax", axis=2}
  %11 = reduce(%8) {kind="max", axes=[0,2], keepdims=true}
  %12 = constant() {value=tensor<float32[2,2]>(1, -0, inf, 0.5)}
  %13 = size(%x) {axis=0}
  output "a" = %4
  output "b" = %5
  output "c" = %6
  output "d" = %7
  output "e" = %9
  output "f" = %10
  output "g" = %11
  output "h" = %12
  output "i" = %13
})g",
      R"g(graph "batched" {
  %x = input() : float64[2,3,4]
  %y = input() : float64[4,2,5]
  %s = variable() : int64[2]
  %3 = contract(%x, %y) {lhs_batch=[0], rhs_batch=[1], lhs_contract=[2], rhs_contract=[0]}
  %4 = random(%s) {shape=[2,3,5], dtype=float64, stream=3}
  %5 = map(%3, %4) {body="(float64, float64) -> select(less(a0, a1), exp(neg(a0)), cast<float64>(1:int32))"}
  %6 = map(%s) {body="(int64) -> add(a0, 1:int64)"}
  output "y" = %5
  update %s = %6
})g",
      R"g(graph "regions" {
  %x = input() : float32[6,9]
  %b = input() : float32[9]
  %w = input() : float32[9,5]
  %3 = fusion(%x, %b) {kind="map", body=graph "m" {
    %x = input() : float32[6,9]
    %b = input() : float32[9]
    %2 = reshape(%b) {shape=[1,9]}
    %3 = broadcast(%2) {shape=[6,9], dims=[0,1]}
    %4 = map(%x, %3) {body="(float32, float32) -> max(add(a0, a1), 0:float32)"}
    output "y" = %4 }}
  %4 = fusion(%3) {kind="reduce", body=graph "softmax" {
    %x = input() : float32[6,9]
    %1 = reduce(%x) {kind="max", axes=[1], keepdims=true}
    %2 = broadcast(%1) {shape=[6,9], dims=[0,1]}
    %3 = map(%x, %2) {body="(float32, float32) -> exp(sub(a0, a1))"}
    %4 = reduce(%3) {kind="sum", axes=[1], keepdims=true}
    %5 = broadcast(%4) {shape=[6,9], dims=[0,1]}
    %6 = map(%3, %5) {body="(float32, float32) -> div(a0, a1)"}
    output "y" = %6 }}
  %5 = fusion(%4, %w) {kind="contract", body=graph "product" {
    %x = input() : float32[6,9]
    %w = input() : float32[9,5]
    %2 = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
    %3 = map(%2) {body="(float32) -> tanh(a0)"}
    %4 = reduce(%3) {kind="sum", axes=[0], keepdims=true}
    %5 = reshape(%4) {shape=[5]}
    output "y" = %3
    output "s" = %5 }}
  output "y" = %5#0
  output "s" = %5#1
})g",
      R"g(graph "views" {
  %x = input() : float32[6,20]
  %m = input() : bool[2,1,5]
  %s = input() : uint8[7]
  %3 = as_strided(%x) {shape=[2,3,5], strides=[60,20,2], offset=9}
  %4 = as_strided(%s) {shape=[5,3], strides=[1,1]}
  %5 = as_strided(%x) {shape=[0,4], strides=[9,9], offset=3}
  %6 = fusion(%x, %m) {kind="map", body=graph "masked" {
    %x = input() : float32[6,20]
    %m = input() : bool[2,1,5]
    %2 = as_strided(%x) {shape=[2,3,5], strides=[60,20,2], offset=9}
    %3 = broadcast(%m) {shape=[2,3,5], dims=[0,1,2]}
    %4 = map(%3, %2) {body="(bool, float32) -> select(a0, a1, 0:float32)"}
    output "y" = %4 }}
  %7 = fusion(%x) {kind="reduce", body=graph "channels" {
    %x = input() : float32[6,20]
    %1 = reshape(%x) {shape=[2,3,20]}
    %2 = map(%1) {body="(float32) -> mul(a0, a0)"}
    %3 = reduce(%2) {kind="sum", axes=[0,2], keepdims=true}
    %4 = reshape(%3) {shape=[3]}
    output "y" = %4 }}
  %8 = fusion(%x, %x) {kind="contract", body=graph "heads" {
    %x = input() : float32[6,20]
    %y = input() : float32[6,20]
    %2 = as_strided(%x) {shape=[2,3,4], strides=[60,20,1], offset=4}
    %3 = as_strided(%y) {shape=[2,4,5], strides=[0,1,20]}
    %4 = contract(%2, %3) {lhs_batch=[0], rhs_batch=[0], lhs_contract=[2], rhs_contract=[1]}
    %5 = reshape(%4) {shape=[6,5]}
    %6 = map(%5) {body="(float32) -> tanh(a0)"}
    %7 = reshape(%6) {shape=[2,3,5]}
    output "y" = %7 }}
  output "a" = %3
  output "b" = %4
  output "c" = %5
  output "d" = %6
  output "e" = %7
  output "f" = %8
})g",
      R"g(graph "dtypes" {
  %a = input() : bool[3]
  %b = input() : uint8[3]
  %c = input() : int32[3]
  %d = input() : bfloat16[3]
  %4 = map(%a, %b) {body="(bool, uint8) -> select(a0, a1, 7:uint8)"}
  %5 = map(%b, %c) {body="(uint8, int32) -> div(cast<int32>(a0), a1)"}
  %6 = map(%d) {body="(bfloat16) -> cast<float32>(a0)"}
  %7 = reduce(%5) {kind="prod", axes=[0]}
  %8 = reduce(%4) {kind="min", axes=[0]}
  %9 = pad(%c) {low=[1], high=[1], value=3}
  output "a" = %6
  output "b" = %7
  output "c" = %8
  output "d" = %9
})g",
      R"g(graph "empty" {
  %x = input() : float32[0,3]
  %s = input() : float32[]
  %2 = reduce(%x) {kind="sum", axes=[0]}
  %3 = broadcast(%s) {shape=[2,0], dims=[]}
  %4 = concat(%x, %x) {axis=0}
  %5 = contract(%x, %x) {lhs_contract=[0], rhs_contract=[0]}
  output "a" = %2
  output "b" = %3
  output "c" = %4
  output "d" = %5
})g",
      R"g(graph "layers" {
  %x = input() : float32[batch,6]
  %t = input() : float32[batch,4]
  %w = variable() : float32[6,4]
  %g = variable() : float32[4]
  %s = variable() : int64[2]
  %5 = dense(%x, %w, %g) {activation=leaky_relu{negative_slope=0.25}}
  %6 = dropout(%5, %s) {rate=0.5, stream=1, noise_shape=[batch,4]}
  %7 = softmax(%6) {axis=1}
  %8 = categorical_crossentropy(%t, %7) {from_logits=false}
  %9 = mean(%8) {axes=[0]}
  %10 = gelu(%5)
  %11 = clip(%10) {low=-1, high=1}
  %12 = maximum(%11, %7)
  output "loss" = %9
  output "y" = %12
})g",
  };
  return graphs;
}

}  // namespace sinter::fuzz_files

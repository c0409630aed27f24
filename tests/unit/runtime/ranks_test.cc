// Values of every legal rank, on every backend: dimensions of 1 put between others change no
// number.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "core/error.h"
#include "core/graph.h"
#include "core/sizes.h"
#include "core/text.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

// [2, 3, 4] with ones in between, and where those three stand.
struct Spread {
  explicit Spread(int rank) : dims(static_cast<size_t>(rank), 1), at{0, rank / 2, rank - 1} {
    for (int i = 0; i < 3; ++i) dims[static_cast<size_t>(at[i])] = 2 + i;
  }
  Ints all_but(std::initializer_list<int> left_out) const {
    Ints axes;
    for (int d = 0; d < static_cast<int>(dims.size()); ++d) {
      if (std::ranges::find(left_out, d) == left_out.end()) axes.push_back(d);
    }
    return axes;
  }
  Ints dims;
  int at[3];
};

// Every kernel op on x, which is the spread one of float32.
void add_outputs(Graph& g, Symbol x, const Spread& s) {
  std::vector<Symbol> y;
  const auto [first, middle, last] = s.at;
  y.push_back(sum(x, {middle}));
  y.push_back(sum(x, {first, last}, true));
  y.push_back(reduce_max(x, s.all_but({middle})));
  y.push_back(prod(exp(x), s.all_but({first, last})));
  y.push_back(argmax(x, last));
  y.push_back(transpose(x));
  y.push_back(sin(transpose(x)) * transpose(x + 1.0));
  y.push_back(slice(x, middle, 1, 3) * 2.0);
  Ints low(s.dims.size(), 0), high = low;
  low[static_cast<size_t>(first)] = high[static_cast<size_t>(last)] = 1;
  y.push_back(pad(x, low, high, 0.5));
  y.push_back(concat({x, x * 2.0}, middle));
  const Symbol rows = g.constant(Tensor::from({2}, Ints{2, 0}));
  const Symbol gathered = gather(x, rows, middle);
  y.push_back(gathered);
  y.push_back(softmax(x, middle));
  y.push_back(iota(g, Shape(s.dims), last, DType::kFloat32) + x);
  y.push_back(reshape(x, Shape{24}));
  const auto contract = [&](const Ints& batch, const Ints& depth) {
    return g.add1("contract", {x, x * 0.5},
                  {{"lhs_batch", batch},
                   {"rhs_batch", batch},
                   {"lhs_contract", depth},
                   {"rhs_contract", depth}});
  };
  y.push_back(contract({}, s.all_but({last})));
  y.push_back(contract(s.all_but({middle, last}), {last}));
  const Symbol state = g.constant(Tensor::from({2}, Ints{7, 3}));
  y.push_back(random_uniform(state, Shape(s.dims), 1) + x);
  y.push_back(gradients(sum(square(gathered)) + sum(exp(transpose(x))), {x})[0]);
  for (size_t i = 0; i < y.size(); ++i) g.add_output("y" + std::to_string(i), y[i].id());
}

Tensor values(const Spread& s) {
  Tensor x(DType::kFloat32, Shape(s.dims));
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i * 7 % 24) / 16 - 0.5);
  return x;
}

void expect_same(const std::vector<Tensor>& got, const std::vector<Tensor>& want,
                 const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t k = 0; k < got.size(); ++k) {
    ASSERT_EQ(got[k].elements(), want[k].elements()) << what << ", y" << k;
    for (int64_t i = 0; i < got[k].elements(); ++i)
      ASSERT_NEAR(got[k].at(i), want[k].at(i), 2e-6) << what << ", y" << k << " at " << i;
  }
}

Graph graph_of(const Spread& s, bool constant) {
  register_ops();
  Graph g("ranks");
  add_outputs(g, constant ? g.constant(values(s)) : g.input("x", {DType::kFloat32, Shape(s.dims)}),
              s);
  return g;
}

TEST(Ranks, UpToTheLargestGiveTheSameNumbers) {
  const std::vector<Tensor> want =
      evaluate_graph(graph_of(Spread(3), false), std::vector<Tensor>{values(Spread(3))});
  for (const int rank : {5, 16, 17, 33, kMaxValueRank}) {
    const Spread s(rank);
    for (const bool constant : {false, true}) {  // folded
      const Graph graph = graph_of(s, constant);
      std::vector<Tensor> inputs;
      if (!constant) inputs.push_back(values(s));
      for (const std::string& backend : backend_names()) {
        for (const bool passes : {true, false}) {
          CompileOptions options;
          options.backend = backend;
          if (!passes) options.disabled_passes = {"all"};
          expect_same(compile(graph, options)->run(inputs), want,
                      backend + " rank " + std::to_string(rank));
        }
      }
    }
  }
  EXPECT_THROW(graph_of(Spread(kMaxValueRank + 1), false), ShapeError);
}

// Inside a region a value may have more dimensions than all that go in and come out.
TEST(Ranks, InsideARegionAreWalkedToo) {
  const Graph region = parse_graph(R"g(graph "region" {
    %x = input() : float32[3,4]
    %0 = fusion(%x) {kind="loop", body=graph "region" {
      %a = input() : float32[3,4]
      %1 = reshape(%a) {shape=[3,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4]}
      %2 = map(%1) {body="(float32) -> sin(a0)"}
      %3 = reduce(%2) {kind="sum", axes=[0,1,2,3,4,5,6]}
      output "r" = %3
}
} : float32[1,1,1,1,1,1,1,1,1,1,4]
    output "y" = %0
})g");
  const Tensor x = Tensor::full(DType::kFloat32, {3, 4}, 0.5);
const Tensor y = evaluate_graph(region, std::vector<Tensor>{x})[0];
for (int64_t i = 0; i < 4; ++i) EXPECT_NEAR(y.at(i), 3 * std::sin(0.5), 1e-6);
}

// The columns of a reference product are walked in pieces: its scratch does not grow with them.
TEST(Ranks, AReferenceProductNeedsNoTables) {
  register_ops();
  constexpr int64_t kColumns = 10'000'000;
  const Graph graph = parse_graph(R"(graph "g" {
    %x = input() : float32[1]
    %y = input() : float32[1,10000000]
    %1 = contract(%x, %y) {lhs_contract=[0], rhs_contract=[0]}
    output "t" = %1 })");
  CompileOptions options;
  options.backend = "reference";
  Tensor y(DType::kFloat32, {1, kColumns});
  std::iota(y.data<float>().begin(), y.data<float>().begin() + 10000, 0.0F);
  ::setenv("SINTER_MEMORY_LIMIT", "100M", 1);
  std::vector<Tensor> t;
  EXPECT_NO_THROW(t = compile(graph, options)
                          ->run(std::vector<Tensor>{Tensor::full(DType::kFloat32, {1}, 2), y}));
  ::unsetenv("SINTER_MEMORY_LIMIT");
  ASSERT_EQ(t.size(), 1u);
  for (const int64_t i : {0, 1, 4095, 4096, 8192, 9999})
    EXPECT_EQ(t[0].at(i), 2.0 * static_cast<double>(i));
}

}  // namespace
}  // namespace sinter

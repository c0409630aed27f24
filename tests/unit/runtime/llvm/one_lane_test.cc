// Vectors of which a single lane is stored or taken, as of the last of 17 columns: LLVM makes
// scalars of what computes that lane.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/compile_options.h"

namespace sinter {
namespace {

/// (a - z) / q, but a where `none` of q: the comparison chooses twice. The quotient is read twice
/// as well.
void add_guarded_quotients(Graph& g, Symbol none, Symbol q, Symbol a, Symbol z) {
  const Symbol y = select(none, a, (a - z) / select(none, scalar_like(q, 1.0), q));
  g.add_output("y", y.id());
  g.add_output("twice", (y + y * scalar_like(y, 2.0)).id());
}

/// Whole numbers from -2 to 2, so that every result is exact; 1 and 0 for inputs of those names.
std::vector<Tensor> whole_numbers(const Graph& g, DType dtype) {
  std::vector<Tensor> inputs;
  for (const int32_t node : g.inputs()) {
    Tensor t(dtype, g.node(node).types[0].shape);
    const std::string& name = g.node(node).name;
    for (int64_t i = 0; i < t.elements(); ++i) {
      const int64_t number = (i * 3 + static_cast<int64_t>(inputs.size())) % 5 - 2;
      t.set(i, name == "one" ? 1.0 : name == "zero" ? 0.0 : static_cast<double>(number));
    }
    inputs.push_back(std::move(t));
  }
  return inputs;
}

void expect_as_reference(const Graph& g, DType dtype) {
  const std::vector<Tensor> inputs = whole_numbers(g, dtype);
  const auto run = [&](const char* backend) {
    return compile(g, {.backend = backend, .cache = false})->run(inputs);
  };
  const std::vector<Tensor> found = run("llvm"), expected = run("reference");
  for (size_t o = 0; o < expected.size(); ++o) {
    for (int64_t i = 0; i < expected[o].elements(); ++i)
      ASSERT_EQ(found[o].at(i), expected[o].at(i)) << g.name() << ", element " << i;
  }
}

class OneLane : public testing::TestWithParam<DType> {};

TEST_P(OneLane, ComparisonsThatChooseTwice) {
  register_ops();
  const std::vector<std::function<Symbol(Symbol, Symbol)>> comparisons = {
      [](Symbol a, Symbol b) { return equal(a, b); },
      [](Symbol a, Symbol b) { return not_equal(a, b); },
      [](Symbol a, Symbol b) { return less(a, b); },
      [](Symbol a, Symbol b) { return logical_not(less_equal(a, b)); },
      [](Symbol a, Symbol b) { return logical_or(equal(a, b), less(b, a)); },
  };
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{17}, Shape{9}, Shape{3, 1}, Shape{2, 33}}) {
    for (size_t k = 0; k < comparisons.size(); ++k) {
      Graph g("comparison " + std::to_string(k) + " of " + shape.to_string());
      const auto input = [&](const char* name, Shape of) {
        return g.input(name, {GetParam(), std::move(of)});
      };
      const Symbol a = input("a", shape), z = input("z", shape);
      const Symbol q = input("x", shape) * input("one", {}) + input("zero", {});
      add_guarded_quotients(g, comparisons[k](q, scalar_like(q, 0.0)), q, a, z);
      expect_as_reference(g, GetParam());
    }
  }
}

TEST_P(OneLane, BehindAProductOfOneColumn) {
  register_ops();
  struct Case {
    int64_t rows, depth, columns;
    bool transposed;
  };
  for (const auto& [rows, depth, columns, transposed] : std::vector<Case>{{4, 6, 1, false},
                                                                          {4, 6, 17, false},
                                                                          {1, 6, 1, false},
                                                                          {2, 7, 1, true},
                                                                          {3, 1, 1, true},
                                                                          {8, 40, 1, true},
                                                                          {9, 7, 1, true},
                                                                          {17, 7, 1, true},
                                                                          {5, 7, 17, true}}) {
    Graph g(fmt::format("product of {}x{}x{}{}", rows, depth, columns, transposed ? ", x^T" : ""));
    const auto input = [&](const char* name, Shape shape) {
      return g.input(name, {GetParam(), std::move(shape)});
    };
    const Shape shape = {rows, columns};
    const Symbol a = input("a", shape), z = input("z", shape);
    const Symbol product = matmul(input("x", transposed ? Shape{depth, rows} : Shape{rows, depth}),
                                  input("w", {depth, columns}), transposed);
    const Symbol q = product / input("one", {}) + input("zero", {});
    const Symbol none = equal(q, scalar_like(q, 0.0));
    add_guarded_quotients(g, none, q, a, a - z * q);  // z, or a
    g.add_output("sum", sum(square(a), {0}).id());
    expect_as_reference(g, GetParam());
  }
}

// What is chosen twice is reduced: the last step of it takes one lane.
TEST_P(OneLane, InReductions) {
  register_ops();
  for (const Shape& shape : {Shape{1, 2}, Shape{3, 4}, Shape{2, 16}, Shape{3, 17}}) {
    Graph g("reductions of " + shape.to_string());
    const auto input = [&](const char* name, Shape of) {
      return g.input(name, {GetParam(), std::move(of)});
    };
    const auto guarded = [](Symbol q, Symbol a) {
      const Symbol none = equal(q, scalar_like(q, 0.0));
      return select(none, a, a * q / select(none, scalar_like(q, 1.0), q));
    };
    const Symbol y = guarded(input("x", shape) * input("one", {}), input("a", shape));
    const Symbol best = reduce_max(y, {1});
    g.add_output("max", best.id());
    g.add_output("min", reduce_min(y, {1}).id());
    g.add_output("sum", sum(y, {1}).id());
    g.add_output("argmax", argmax(y, 1).id());
    g.add_output("max of all", reduce_max(y).id());
    g.add_output("chosen", guarded(best, sum(y, {1})).id());
    expect_as_reference(g, GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Floats, OneLane,
                         testing::Values(DType::kFloat32, DType::kFloat64, DType::kBFloat16),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

}  // namespace
}  // namespace sinter

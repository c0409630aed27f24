// Operands of a product's region in every shape that stands for its rows and columns: as the graph
// has them, behind reshapes, read as elements, summed over rows, columns and everything.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "tests/unit/runtime/llvm/kernel_runs.h"
#include "tests/unit/runtime/llvm/matmul_cases.h"

namespace sinter {
namespace {

using testing_support::check_kernels, testing_support::random_tensor;
using Ints = std::vector<int64_t>;

int64_t product(const Ints& dims) {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

Symbol reduced(Symbol x, Ints axes, bool keepdims = false) {
  return x.graph().add1("reduce", {x},
                        {{"kind", std::string("sum")}, {"axes", axes}, {"keepdims", keepdims}});
}

// A product with the free dimensions `rows` and `columns`, and what is done with it and `e`.
struct Space {
  Ints rows, columns;
  Graph g{"g"};
  Symbol p;
  Space(const Space&) = delete;
  Space(Ints r, Ints c) : rows(std::move(r)), columns(std::move(c)) {
    Ints lhs = rows, rhs = {3};
    lhs.push_back(3);
    rhs.insert(rhs.end(), columns.begin(), columns.end());
    const Symbol x = g.input("x", {DType::kFloat32, Shape(lhs)}),
                 w = g.input("w", {DType::kFloat32, Shape(rhs)});
    p = g.add1(
        "contract", {x, w},
        {{"lhs_contract", Ints{static_cast<int64_t>(rows.size())}}, {"rhs_contract", Ints{0}}});
  }
  Shape full() const { return p.shape(); }
  // The axes of the rows, of the columns, or all.
  Ints axes(bool of_rows, bool of_columns) const {
    Ints result;
    for (int64_t d = 0; d < static_cast<int64_t>(rows.size() + columns.size()); ++d) {
      if (d < static_cast<int64_t>(rows.size()) ? of_rows : of_columns) result.push_back(d);
    }
    return result;
  }
};

int product_regions = 0;

void expect_right(const Space& s, const std::string& what) {
  CompileOptions options;
  options.backend = "llvm";
  options.pipeline = "training";
  const Graph low = lower(s.g, options);
  for (const Node& node : low.nodes())
    product_regions +=
        node.is(KernelOp::kFusion) && node.attributes.get_string("kind") == "contract" ? 1 : 0;
  EXPECT_EQ(check_kernels(low, 1e-5), "") << what << to_text(s.g);
}

template <typename Body>
void for_each_space(const Body& body) {
  for (const Ints& rows : std::vector<Ints>{{}, {1}, {13}, {2, 5}, {1, 6}, {6, 1}, {2, 1, 3}}) {
    for (const Ints& columns : std::vector<Ints>{{}, {1}, {4}, {2, 3}, {1, 19}, {20}}) {
      Space space(rows, columns);
      body(space);
    }
  }
}

Symbol total(Symbol x) {
  Ints axes;
  for (int64_t d = 0; d < x.rank(); ++d) axes.push_back(d);
  return reduced(x, axes);
}

TEST(RegionOperands, SumsOfElementsInOtherShapes) {
  register_ops();
  product_regions = 0;
  int variant = 0;
  for_each_space([&](Space& space) {
    const int64_t r = product(space.rows), c = product(space.columns);
    // All sums of one operand at once, and it has another shape each time.
    const std::vector<Shape> shapes = {space.full(), Shape{r * c},      Shape{1, r * c},
                                       Shape{r, c},  Shape{r * c, 1},   Shape{1, r, 1, c},
                                       Shape{c, r},  Shape{1, 1, r * c}};
    const Shape& shape = shapes[static_cast<size_t>(variant++) % shapes.size()];
    const Symbol e = space.g.input("e", {DType::kFloat32, shape});
    const Symbol as_full = shape == space.full() ? e : reshape(e, space.full());
    space.g.add_output("y", (space.p + as_full).id());
    space.g.add_output("total", total(e).id());
    if (!space.rows.empty())
      space.g.add_output("columns", reduced(as_full, space.axes(true, false)).id());
    if (!space.columns.empty())
      space.g.add_output("rows", reduced(as_full, space.axes(false, true)).id());
    space.g.add_output("squares", reduced(square(as_full), space.axes(true, true)).id());
    expect_right(space, "");
  });
  EXPECT_GE(product_regions, 25);
}

// One sum at a time, for together they may fit no region.
TEST(RegionOperands, EachSumAlone) {
  register_ops();
  product_regions = 0;
  for (const auto& [of_rows, of_columns] :
       std::vector<std::pair<bool, bool>>{{true, false}, {true, true}, {false, true}}) {
    for_each_space([&](Space& space) {
      if (space.full().elements() > 40) return;
      const Symbol e = space.g.input("e", {DType::kFloat32, space.full()});
      space.g.add_output("y", (space.p + e).id());
      space.g.add_output("s", reduced(e, space.axes(of_rows, of_columns), of_rows).id());
      space.g.add_output("p", reduced(space.p, space.axes(of_rows, of_columns)).id());
      expect_right(space, of_rows ? of_columns ? "total " : "columns " : "rows ");
    });
  }
  EXPECT_GE(product_regions, 40);
}

// A vector beside the rows or columns, and its own sums.
TEST(RegionOperands, VectorsInOtherShapes) {
  register_ops();
  product_regions = 0;
  int variant = 0;
  for_each_space([&](Space& space) {
    const bool of_rows = variant % 2 == 0;
    const Ints& dims = of_rows ? space.rows : space.columns;
    const int64_t n = product(dims);
    const std::vector<Shape> shapes = {Shape(dims), Shape{n}, Shape{1, n}, Shape{n, 1}};
    const Symbol v = space.g.input(
        "v", {DType::kFloat32, shapes[static_cast<size_t>(variant++ / 2) % shapes.size()]});
    const Symbol spread =
        space.g.add1("broadcast", {reshape(v, Shape(dims))},
                     {{"shape", space.full()}, {"dims", space.axes(of_rows, !of_rows)}});
    space.g.add_output("y", (space.p * spread).id());
    space.g.add_output("s", reduced(spread, space.axes(true, false)).id());
    space.g.add_output("t", reduced(spread + space.p, space.axes(true, true)).id());
    space.g.add_output("v", total(square(v)).id());
    expect_right(space, "");
  });
  EXPECT_GE(product_regions, 25);
}

// Weights that all samples of a batch share are packed once, whatever the batch.
TEST(RegionOperands, SharedWeightsArePackedOnce) {
  register_ops();
  const auto packed_bytes = [](int64_t batch, int64_t rows, int64_t columns) {
    Graph g("g");
    const Symbol x = g.input("x", {DType::kFloat32, {batch, rows, 9}}),
                 w = g.variable("w", {DType::kFloat32, {9, columns}});
    const Symbol shared = broadcast_to(w, {batch, 9, columns});
    g.add_output("y", tanh(matmul(x, shared)).id());
    const std::vector<Tensor> inputs = {random_tensor(x.type(), 1)};
    std::vector<Tensor> variables = {random_tensor(w.type(), 2)}, results;
    int64_t bytes = 0;
    for (const char* backend : {"reference", "llvm"}) {
      CompileOptions options;
      options.backend = backend;
      const auto executable = compile(g, options);
      executable->bind(variables);
      results.push_back(executable->run(inputs)[0].clone());
      for (const Step& step : executable->program().steps) bytes += step.kernel->prepared_bytes();
    }
    for (int64_t i = 0; i < results[0].elements(); ++i)
      EXPECT_NEAR(results[1].at(i), results[0].at(i), 1e-5)
          << fmt::format("{} x {}x9x{}, element {}", batch, rows, columns, i);
    return bytes;
  };
  int64_t all = 0;
  for (const int64_t rows : {1, 40}) {
    for (const int64_t columns : {3, 20, 150}) {
      const int64_t once = packed_bytes(1, rows, columns);
      EXPECT_LE(packed_bytes(7, rows, columns), once);
      all += once;
    }
  }
  EXPECT_GE(all, 9 * 150 * 4);
}

// A matrix that is both a factor and summed as a column, written back in place.
TEST(RegionOperands, TotalOfAFactorThatIsUpdated) {
  register_ops();
  const Graph graph = parse_graph(R"g(graph "a" {
    %w0 = variable() : float32[1,13]
    %c = input() : float32[1,1]
    %b = input() : float32[1,13]
    %3 = reduce(%w0) {kind="sum", axes=[0,1]}
    %4 = contract(%w0, %c) {lhs_contract=[0], rhs_contract=[0]}
    %5 = transpose(%4) {perm=[1,0]}
    %6 = add(%b, %5)
    %7 = subtract(%w0, %6)
    output "y" = %3
    update %w0 = %7
  })g");
  for (const char* backend : {"reference", "onednn", "llvm", "auto"}) {
    CompileOptions options;
    options.backend = backend;
    options.pipeline = "training";
    const auto executable = compile(graph, options);
    const std::vector<float> values = {-2, 1, 1, 0, -1, 0, 0, 1, 2, -2, -2, 2, 1}, zeros(13, 0);
    std::vector<Tensor> variables = {Tensor::from<float>({1, 13}, values)};
    executable->bind(variables);
    const std::vector<Tensor> inputs = {Tensor(DType::kFloat32, {1, 1}),
                                        Tensor::from<float>({1, 13}, zeros)};
    EXPECT_EQ(executable->run(inputs)[0].at(0), 1) << backend;
    for (int64_t i = 0; i < 13; ++i)
      EXPECT_EQ(variables[0].at(i), values[static_cast<size_t>(i)]) << backend;
  }
}

}  // namespace
}  // namespace sinter

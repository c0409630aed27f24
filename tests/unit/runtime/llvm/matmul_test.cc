// Generated matmul kernels against the double reference: all forms, odd sizes, epilogues, any order
// of pieces.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "core/graph.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/kernel.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

enum class Form { kForward, kWeightGradient, kInputGradient };  // x.W, x^T.dy, dy.W^T
enum class Epilogue { kNone, kBiasRelu, kMaskAndSums, kRowsAndScalar, kHeavy };

struct Case {
  Form form = Form::kForward;
  int64_t rows = 1, depth = 1, columns = 1;
  Epilogue epilogue = Epilogue::kNone;
  DType dtype = DType::kFloat32;
  bool frozen = false;  // the right side is a variable
  bool rounds = false;  // bfloat16: the right side is float32

  std::string to_string() const {
    return fmt::format("form {} {}x{}x{} epilogue {} {}{}{}", static_cast<int>(form), rows, depth,
                       columns, static_cast<int>(epilogue), dtype_name(dtype),
                       frozen ? " frozen" : "", rounds ? " rounds" : "");
  }
};

Symbol map(Graph& g, std::initializer_list<Symbol> inputs, const std::string& body) {
  return g.add1("map", inputs,
                {{"body", std::make_shared<const ScalarExpr>(ScalarExpr::parse(body))}});
}

// The product of bfloat16 is float32, and so is what follows it.
DType result_dtype(DType dtype) { return dtype == DType::kBFloat16 ? DType::kFloat32 : dtype; }

// "$" in a body stands for the dtype of the result.
std::string typed(std::string body, DType dtype) {
  const std::string name(dtype_name(result_dtype(dtype)));
  for (size_t at = 0; (at = body.find('$', at)) != std::string::npos; at += name.size())
    body.replace(at, 1, name);
  return body;
}

// A graph with one node, the contract or its fusion.
Graph graph_of(const Case& c) {
  const bool lhs_turned = c.form == Form::kWeightGradient,
             rhs_turned = c.form == Form::kInputGradient;
  const ValueType lhs{c.dtype, lhs_turned ? Shape{c.depth, c.rows} : Shape{c.rows, c.depth}};
  const ValueType rhs{c.rounds ? DType::kFloat32 : c.dtype, rhs_turned ? Shape{c.columns, c.depth} : Shape{c.depth, c.columns}};
  const Attributes axes{{"lhs_contract", Ints{lhs_turned ? 0 : 1}},
                        {"rhs_contract", Ints{rhs_turned ? 1 : 0}}};
  const Shape full{c.rows, c.columns};

  Graph g("matmul");
  std::vector<Symbol> arguments{g.input("lhs", lhs)};
  arguments.push_back(c.frozen ? g.variable("rhs", rhs) : g.input("rhs", rhs));
  if (c.epilogue == Epilogue::kNone) {
    g.add_output("y", g.add1("contract", arguments, axes).id());
    return g;
  }
  Graph body("region");
  const Symbol product =
      body.add1("contract", {body.input("lhs", lhs), body.input("rhs", rhs)}, axes);
  const auto operand = [&](const char* name, Shape shape) {
    arguments.push_back(g.input(name, {result_dtype(c.dtype), shape}));
    return body.input(name, {result_dtype(c.dtype), std::move(shape)});
  };
  const auto spread = [&](Symbol x) {
    return body.add1("broadcast", {x}, {{"shape", full}, {"dims", Ints{0, 1}}});
  };
  const auto shaped = [&](Symbol x, Shape shape) {
    return body.add1("reshape", {x}, {{"shape", std::move(shape)}});
  };
  const auto sums = [&](Symbol x) {
    const Symbol s = body.add1(
        "reduce", {x}, {{"kind", std::string("sum")}, {"axes", Ints{0}}, {"keepdims", true}});
    return shaped(s, Shape{c.columns});
  };
  switch (c.epilogue) {
    case Epilogue::kNone: break;
    case Epilogue::kBiasRelu: {
      const Symbol bias = spread(shaped(operand("bias", Shape{c.columns}), Shape{1, c.columns}));
      body.add_output(
          "y", map(body, {product, bias}, typed("($, $) -> max(add(a0, a1), 0:$)", c.dtype)).id());
      break;
    }
    case Epilogue::kMaskAndSums: {
      const Symbol h = operand("h", full);
      const Symbol dz =
          map(body, {product, h}, typed("($, $) -> select(less(0:$, a1), a0, 0:$)", c.dtype));
      body.add_output("dz", dz.id());
      body.add_output("db", sums(dz).id());
      break;
    }
    case Epilogue::kRowsAndScalar: {
      const Symbol scale = spread(operand("scale", Shape{c.rows, 1}));
      const Symbol shift = spread(shaped(operand("shift", Shape{}), Shape{1, 1}));
      const Symbol residual = operand("residual", full);
      const Symbol y = map(body, {product, scale, shift, residual},
                           typed("($, $, $, $) -> add(add(mul(a0, a1), a2), a3)", c.dtype));
      body.add_output("y", y.id());
      body.add_output("product", product.id());
      break;
    }
    case Epilogue::kHeavy: {
      const Symbol bias = spread(operand("bias", Shape{1, c.columns}));
      const auto both =
          body.add("map", std::vector<Symbol>{product, bias},
                   {{"body", std::make_shared<const ScalarExpr>(ScalarExpr::parse(
                                 typed("($, $) -> t0 = add(a0, a1); t1 = tanh(mul(t0, 0.5:$)); "
                                       "div(t1, add(abs(exp(t1)), 1:$)), less(0:$, t0)",
                                       c.dtype)))}});
      body.add_output("y", both[0].id());
      body.add_output("positive", both[1].id());
      body.add_output("sums", sums(both[0]).id());
      break;
    }
  }
  const auto results =
      g.add("fusion", arguments,
            {{"kind", std::string("contract")}, {"body", std::make_shared<const Graph>(body)}});
  for (size_t i = 0; i < results.size(); ++i) g.add_output(fmt::format("r{}", i), results[i].id());
  return g;
}

Tensor random_tensor(ValueType type, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Tensor t(type.dtype, type.shape);
  for (int64_t i = 0; i < t.elements(); ++i) t.set(i, uniform(engine));
  return t;
}

struct Run {
  std::vector<Tensor> inputs;  // of the node
  std::vector<Tensor> results;
};

// Runs the only kernel of `g`, the pieces of each phase in an order drawn from `order`.
Run run_kernel(const Graph& g, unsigned order, const std::vector<Tensor>& given = {}) {
  const int32_t node = g.outputs()[0].value.node;
  const Node& n = g.node(node);
  const std::vector<int32_t> nodes{node};
  const auto kernels = llvm_backend().compile(g, nodes, {.backend = "llvm", .cache = false});
  const Kernel& kernel = *kernels[0];
  Run run;
  std::vector<void*> buffers;
  unsigned seed = 1;
  for (ValueId input : n.inputs) {
    run.inputs.push_back(given.empty() ? random_tensor(g.type(input), seed++)
                                       : given[run.inputs.size()].clone());
    buffers.push_back(run.inputs.back().raw());
  }
  for (const ValueType& type : n.types) {
    run.results.push_back(
        Tensor::full(type.dtype, type.shape, type.dtype == DType::kBool ? 1 : 77));
    buffers.push_back(run.results.back().raw());
  }
  // NaN in memory that a kernel has yet to write.
  Tensor scratch = Tensor::full(DType::kUint8, Shape{kernel.scratch_bytes()}, 255);
  Tensor prepared = Tensor::full(DType::kUint8, Shape{kernel.prepared_bytes()}, 255);
  Tensor workspace = Tensor::full(DType::kUint8, Shape{kernel.workspace_bytes()}, 255);
  buffers.push_back(kernel.scratch_bytes() > 0 ? scratch.raw() : nullptr);
  buffers.push_back(prepared.raw());
  buffers.push_back(workspace.raw());
  if (kernel.prepared_bytes() > 0) kernel.prepare(buffers.data(), prepared.raw());
  std::mt19937 engine(order);
  for (int phase = 0; phase < kernel.phases(); ++phase) {
    std::vector<int> pieces(static_cast<size_t>(kernel.pieces(phase)));
    for (size_t i = 0; i < pieces.size(); ++i) pieces[i] = static_cast<int>(i);
    if (order != 0) std::shuffle(pieces.begin(), pieces.end(), engine);
    for (int piece : pieces) kernel.run(phase, piece, buffers.data());
  }
  return run;
}

// `wide` is the same graph in float64.
void expect_as_reference(const Graph& g, const Graph& wide, double depth,
                         const std::string& what) {
  const Run run = run_kernel(g, 0);
  const Run shuffled = run_kernel(g, 7);
  std::vector<Tensor> inputs, variables;
  const Node& node = g.node(g.outputs()[0].value);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    // A float32 beside bfloat16 is rounded to it.
    const bool rounds = i < 2 && run.inputs[0].dtype() == DType::kBFloat16;
    const Tensor factor = rounds ? run.inputs[i].cast(DType::kBFloat16) : run.inputs[i];
    (g.node(node.inputs[i]).is("variable") ? variables : inputs)
        .push_back(factor.cast(DType::kFloat64));
  }
  const std::vector<Tensor> expected = evaluate_graph(wide, inputs, variables);
  for (size_t i = 0; i < expected.size(); ++i) {
    const Tensor& found = run.results[i];
    EXPECT_TRUE(found.identical(shuffled.results[i]))
        << what << ": the order of pieces changes result " << i;
    // Every addition rounds a partial sum that grows as the root of its terms, so the errors of a
    // random sum grow as `depth` (about depth * epsilon / 4 for one sum, four times that for the
    // worst of thousands). Column sums add one term a row.
    const double unit = found.dtype() == DType::kFloat64 ? 1.2e-15 : 6e-7;
    const double rows =
        found.shape().rank() == 1 ? static_cast<double>(node.types[0].shape[0]) : 1.0;
    const double tolerance = unit * (3 + depth / 6) * (1 + std::sqrt(rows));
    double worst = 0;
    for (int64_t k = 0; k < found.elements(); ++k) {
      const double difference = std::abs(found.at(k) - expected[i].at(k));
      worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
    }
    if (found.dtype() == DType::kBool) {
      int64_t wrong = 0;
      for (int64_t k = 0; k < found.elements(); ++k) wrong += found.at(k) != expected[i].at(k);
      EXPECT_LE(wrong, found.elements() / 1000)
          << what;  // a sum next to zero may fall on either side
    } else {
      EXPECT_LE(worst, tolerance) << what << ", result " << i;
    }
  }
}

void check(const Case& c) {
  SCOPED_TRACE(c.to_string());
  Case wide = c;
  wide.dtype = DType::kFloat64;
  wide.rounds = false;
  expect_as_reference(graph_of(c), graph_of(wide), static_cast<double>(c.depth), c.to_string());
}

constexpr Epilogue kAll[] = {Epilogue::kNone, Epilogue::kBiasRelu, Epilogue::kMaskAndSums,
                             Epilogue::kRowsAndScalar, Epilogue::kHeavy};
constexpr Form kForms[] = {Form::kForward, Form::kWeightGradient, Form::kInputGradient};

class MatmulTest : public testing::Test {
 protected:
  void SetUp() override { register_ops(); }
};

TEST_F(MatmulTest, EdgesInEveryFormWithEveryEpilogue) {
  const int64_t sizes[] = {1, 2, 15, 16, 17, 31, 33, 61};
  std::mt19937 engine(3);
  const auto size = [&] { return sizes[engine() % std::size(sizes)]; };
  for (Form form : kForms) {
    for (Epilogue epilogue : kAll) {
      for (int i = 0; i < 4; ++i) check({form, size(), size(), size(), epilogue});
    }
  }
}

TEST_F(MatmulTest, OneOfEachDimension) {
  for (Form form : kForms) {
    check({form, 1, 37, 100, Epilogue::kBiasRelu});
    check({form, 100, 1, 37, Epilogue::kMaskAndSums});
    check({form, 37, 100, 1, Epilogue::kMaskAndSums});
    check({form, 1, 1, 1, Epilogue::kHeavy});
  }
}

TEST_F(MatmulTest, LargeEnoughForSeveralPieces) {
  for (Form form : kForms) {
    check({form, 128, 128, 128, Epilogue::kMaskAndSums});
    check({form, 131, 97, 211, Epilogue::kHeavy});
    check({form, 128, 128, 10, Epilogue::kMaskAndSums});
    check({form, 3, 401, 509, Epilogue::kBiasRelu});
    check({form, 70, 40, 1100, Epilogue::kBiasRelu});
  }
}

// Fewer columns than lanes: lanes along the rows, which are turned in registers where they are rows
// of the left side.
TEST_F(MatmulTest, FewColumns) {
  std::mt19937 engine(5);
  for (Form form : kForms) {
    for (int64_t columns : {1, 2, 3, 7, 10, 15}) {
      for (int64_t rows : {31, 97}) {
        const int64_t depth = std::array{1, 3, 16, 17, 61}[engine() % 5];
        check({form, rows, depth, columns, kAll[engine() % std::size(kAll)]});
      }
    }
    for (Epilogue epilogue : kAll) check({form, 261, 33, 10, epilogue});
    check({form, 300, 401, 10, Epilogue::kMaskAndSums});
    check({form, 67, 19, 3, Epilogue::kHeavy, DType::kFloat64});
    check({form, 67, 16, 1, Epilogue::kMaskAndSums, DType::kFloat64});
  }
  check({Form::kForward, 67, 33, 10, Epilogue::kBiasRelu, DType::kFloat32, true});
}

TEST_F(MatmulTest, DeepSumsInChunks) {
  for (Form form : kForms) {
    check({form, 9, 2049, 33, Epilogue::kMaskAndSums});
    check({form, 5, 4096, 70, Epilogue::kHeavy});
    check({form, 7, 3001, 17, Epilogue::kNone});
  }
}

// Deep, and the right side too large for the second-level cache: tiles ask for the next panel.
TEST_F(MatmulTest, LargeRightSide) {
  check({Form::kForward, 65, 1030, 1030, Epilogue::kBiasRelu});
  check({Form::kInputGradient, 65, 2051, 250, Epilogue::kMaskAndSums});
  check({Form::kForward, 65, 2051, 250, Epilogue::kNone, DType::kFloat32, true});
  check({Form::kWeightGradient, 1030, 515, 33,
         Epilogue::kMaskAndSums});  // and the left side far apart
}

TEST_F(MatmulTest, FrozenWeightsArePacked) {
  for (Form form : {Form::kForward, Form::kInputGradient}) {
    for (Epilogue epilogue : kAll) check({form, 33, 65, 130, epilogue, DType::kFloat32, true});
    check({form, 1, 784, 128, Epilogue::kBiasRelu, DType::kFloat32, true});
    check({form, 64, 2500, 47, Epilogue::kNone, DType::kFloat32, true});
  }
}

TEST_F(MatmulTest, Float64) {
  for (Form form : kForms) {
    for (Epilogue epilogue : kAll) check({form, 33, 31, 61, epilogue, DType::kFloat64});
    check({form, 128, 128, 128, Epilogue::kMaskAndSums, DType::kFloat64});
  }
}

// Leading dimensions, batches and axes that no single stride describes.
TEST_F(MatmulTest, OtherAxes) {
  struct Axes {
    Shape lhs, rhs;
    Ints lhs_batch, rhs_batch, lhs_contract, rhs_contract;
    double depth;
  };
  const Axes cases[] = {
      {Shape{4, 5, 7}, Shape{7, 20}, {}, {}, {2}, {0}, 7},        // leading dims are rows
      {Shape{3, 17, 9}, Shape{3, 9, 21}, {0}, {0}, {2}, {1}, 9},  // batched
      {Shape{2, 3, 17, 9}, Shape{2, 3, 21, 9}, {0, 1}, {0, 1}, {3}, {3}, 9},
      {Shape{9, 6, 17}, Shape{21, 6, 9}, {1}, {1}, {0}, {2}, 9},      // batch in the middle
      {Shape{5, 8, 6}, Shape{8, 6, 30}, {}, {}, {1, 2}, {0, 1}, 48},  // two summed axes that merge
      {Shape{5, 8, 6}, Shape{6, 8, 30}, {}, {}, {1, 2}, {1, 0}, 48},  // and that do not
      {Shape{8, 5, 6}, Shape{30, 8, 4, 6}, {}, {}, {0, 2}, {1, 3}, 48},  // rows between summed axes
      {Shape{48}, Shape{48}, {}, {}, {0}, {0}, 48},                      // a dot product
      {Shape{3}, Shape{5}, {}, {}, {}, {}, 1},                           // an outer product
      {Shape{16, 40, 40}, Shape{16, 40, 40}, {0}, {0}, {2}, {2}, 40},    // batches in pieces
  };
  for (const Axes& a : cases) {
    const auto graph = [&](DType dtype) {
      Graph g("contract");
      const Symbol y =
          g.add1("contract", {g.input("lhs", {dtype, a.lhs}), g.input("rhs", {dtype, a.rhs})},
                 {{"lhs_batch", a.lhs_batch},
                  {"rhs_batch", a.rhs_batch},
                  {"lhs_contract", a.lhs_contract},
                  {"rhs_contract", a.rhs_contract}});
      g.add_output("y", y.id());
      return g;
    };
    const Graph wide = graph(DType::kFloat64);
    for (DType dtype : {DType::kFloat32, DType::kBFloat16})
      expect_as_reference(graph(dtype), wide, a.depth,
                          a.lhs.to_string() + " " + a.rhs.to_string() +
                              std::string(dtype_name(dtype)));
  }
}

// Pairs of terms: odd depths end in half a pair; each side is paired in place, across or along.
TEST_F(MatmulTest, BFloat16) {
  const int64_t sizes[] = {1, 2, 3, 15, 16, 17, 31, 33, 61, 97};
  std::mt19937 engine(11);
  const auto size = [&] { return sizes[engine() % std::size(sizes)]; };
  for (Form form : kForms) {
    for (Epilogue epilogue : kAll) {
      for (int i = 0; i < 6; ++i)
        check({form, size(), size(), size(), epilogue, DType::kBFloat16, i % 3 == 2});
    }
    for (int64_t depth : {1, 2, 31, 32, 33}) check({form, 33, depth, 47, Epilogue::kNone, DType::kBFloat16});
    check({form, 1, 37, 100, Epilogue::kBiasRelu, DType::kBFloat16});
    check({form, 37, 100, 1, Epilogue::kMaskAndSums, DType::kBFloat16});
  }
}

TEST_F(MatmulTest, BFloat16LargeAndDeep) {
  for (Form form : kForms) {
    check({form, 128, 128, 128, Epilogue::kMaskAndSums, DType::kBFloat16});
    check({form, 131, 97, 211, Epilogue::kHeavy, DType::kBFloat16});
    check({form, 261, 401, 10, Epilogue::kMaskAndSums, DType::kBFloat16});
    check({form, 3, 401, 509, Epilogue::kBiasRelu, DType::kBFloat16});
    check({form, 70, 40, 1100, Epilogue::kBiasRelu, DType::kBFloat16});
    check({form, 9, 4099, 33, Epilogue::kMaskAndSums, DType::kBFloat16});
    check({form, 65, 2051, 530, Epilogue::kMaskAndSums, DType::kBFloat16});
    check({form, 64, 5000, 47, Epilogue::kNone, DType::kBFloat16, true});
  }
}

// A right side of float32 is rounded as it is packed.
TEST_F(MatmulTest, BFloat16RoundsItsRightSide) {
  const int64_t sizes[] = {1, 2, 15, 16, 17, 31, 33, 61, 97};
  std::mt19937 engine(13);
  const auto size = [&] { return sizes[engine() % std::size(sizes)]; };
  for (Form form : kForms) {
    for (Epilogue epilogue : kAll) {
      for (int i = 0; i < 4; ++i)
        check({form, size(), size(), size(), epilogue, DType::kBFloat16, i % 2 == 1, true});
    }
    check({form, 128, 128, 128, Epilogue::kMaskAndSums, DType::kBFloat16, false, true});
    check({form, 131, 97, 211, Epilogue::kHeavy, DType::kBFloat16, false, true});
    check({form, 65, 2051, 530, Epilogue::kMaskAndSums, DType::kBFloat16, false, true});
  }
}

// Infinities and NaN are found where they belong and nowhere else: neither the zeros beside the last
// term of an odd depth nor the terms of the next row come near them.
TEST_F(MatmulTest, BFloat16InfinitiesAtOddDepths) {
  for (Form form : kForms) {
    for (const auto& [frozen, rounds] : {std::pair(false, false), {true, false}, {false, true}, {true, true}}) {
      for (const auto& [rows, depth, columns] :
           {std::array<int64_t, 3>{5, 7, 37}, {33, 33, 10}, {2, 1, 20}, {1, 5, 3}}) {
        const Case c{form, rows, depth, columns, Epilogue::kNone, DType::kBFloat16, frozen,
                     rounds};
        const Graph g = graph_of(c);
        std::vector<Tensor> inputs;
        for (ValueId input : g.node(g.outputs()[0].value).inputs)
          inputs.push_back(random_tensor(g.type(input), 5));
        const auto at = [&](size_t side, int64_t free, int64_t k) {
          const bool depth_first = side == 0 ? form == Form::kWeightGradient
                                             : form != Form::kInputGradient;
          return depth_first ? k * (side == 0 ? rows : columns) + free : free * depth + k;
        };
        inputs[0].set(at(0, 0, depth - 1), INFINITY);
        inputs[0].set(at(0, rows - 1, 0), -INFINITY);
        inputs[1].set(at(1, columns - 1, depth - 1), NAN);
        inputs[1].set(at(1, 1, 0), INFINITY);
        const Tensor found = run_kernel(g, 0, inputs).results[0];
        for (int64_t i = 0; i < rows; ++i) {
          for (int64_t j = 0; j < columns; ++j) {
            double sum = 0;
            for (int64_t k = 0; k < depth; ++k)
              sum += inputs[0].at(at(0, i, k)) * bfloat16(inputs[1].at(at(1, j, k)));
            const double y = found.at(i * columns + j);
            EXPECT_TRUE(std::isfinite(sum) ? std::abs(y - sum) < 1e-4
                                           : y == sum || (std::isnan(y) && std::isnan(sum)))
                << c.to_string() << " at " << i << ", " << j << ": " << y << ", expected " << sum;
          }
        }
      }
    }
  }
}

// VDPBF16PS takes numbers below 2^-126 for zero, factors and sums alike; other CPUs need not.
TEST_F(MatmulTest, BFloat16SubnormalsAreZeroAtMost) {
  const Graph g = graph_of({Form::kForward, 1, 3, 16, Epilogue::kNone, DType::kBFloat16});
  std::vector<Tensor> inputs{Tensor(DType::kBFloat16, Shape{1, 3}),
                             Tensor::full(DType::kBFloat16, Shape{3, 16}, 3)};
  for (int64_t k = 0; k < 3; ++k) inputs[0].set(k, std::ldexp(1.0, k == 1 ? -126 : -130));
  const double found = run_kernel(g, 0, inputs).results[0].at(7);
  const double normal = 3 * std::ldexp(1.0, -126), all = normal + 6 * std::ldexp(1.0, -130);
  EXPECT_TRUE(found == normal || found == all) << found;
}

TEST_F(MatmulTest, ResultMayTakeTheMemoryOfAMask) {
  const Graph g = graph_of({Form::kInputGradient, 33, 20, 40, Epilogue::kMaskAndSums});
  const std::vector<int32_t> nodes{g.outputs()[0].value.node};
  const auto kernels = llvm_backend().compile(g, nodes, {.backend = "llvm", .cache = false});
  EXPECT_TRUE(kernels[0]->can_alias(0, 2));   // dz over h
  EXPECT_FALSE(kernels[0]->can_alias(0, 0));  // never over a factor
  EXPECT_FALSE(kernels[0]->can_alias(1, 2));  // never column sums
}

TEST_F(MatmulTest, EmptySums) {
  Graph g("contract");
  g.add_output("y", g.add1("contract",
                           {g.input("lhs", {DType::kFloat32, Shape{3, 0}}),
                            g.input("rhs", {DType::kFloat32, Shape{0, 5}})},
                           {{"lhs_contract", Ints{1}}, {"rhs_contract", Ints{0}}})
                        .id());
  for (int64_t i = 0; i < 15; ++i) EXPECT_EQ(run_kernel(g, 0).results[0].at(i), 0);
}

}  // namespace
}  // namespace sinter

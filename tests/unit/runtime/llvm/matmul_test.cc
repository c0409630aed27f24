// Generated matmul kernels against the double reference: all forms, odd sizes, epilogues, any order
// of pieces.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "core/graph.h"
#include "core/target.h"
#include "ops/ops.h"
#include "runtime/backend.h"
#include "runtime/compile.h"
#include "runtime/llvm/matmul/region.h"
#include "tests/unit/runtime/llvm/matmul_cases.h"

namespace sinter {
namespace {

using namespace testing_support;
using Ints = std::vector<int64_t>;

class MatmulTest : public testing::Test {
 protected:
  void SetUp() override { register_ops(); }
};

TEST_F(MatmulTest, EdgesInEveryFormWithEveryEpilogue) {
  const int64_t sizes[] = {1, 2, 15, 16, 17, 31, 33, 61};
  std::mt19937 engine(3);
  const auto size = [&] { return sizes[engine() % std::size(sizes)]; };
  for (Form form : kForms) {
    for (Epilogue epilogue : kAllEpilogues) {
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

// So many rows that their sums are made in runs, on several levels.
TEST_F(MatmulTest, SumsOfManyRows) {
  for (const int64_t columns : {1, 3, 10, 16}) {
    for (Epilogue epilogue :
         {Epilogue::kMaskAndSums, Epilogue::kCrossEntropy, Epilogue::kRowBounds})
      check({Form::kForward, 9001, 2, columns, epilogue});
  }
  check({Form::kForward, 100'003, 1, 7, Epilogue::kMaskAndSums});
  check({Form::kForward, 30'003, 1, 16, Epilogue::kRowBounds});
  check({Form::kForward, 20'011, 3, 40, Epilogue::kMaskAndSums});
  check({Form::kWeightGradient, 20'011, 3, 20, Epilogue::kMaskAndSums});
}

// Fewer columns than lanes: lanes along the rows, which are turned in registers where they are rows
// of the left side.
TEST_F(MatmulTest, FewColumns) {
  std::mt19937 engine(5);
  for (Form form : kForms) {
    for (int64_t columns : {1, 2, 3, 7, 10, 15}) {
      for (int64_t rows : {31, 97}) {
        const int64_t depth = std::array{1, 3, 16, 17, 61}[engine() % 5];
        check({form, rows, depth, columns, kAllEpilogues[engine() % std::size(kAllEpilogues)]});
      }
    }
    for (Epilogue epilogue : kAllEpilogues) check({form, 261, 33, 10, epilogue});
    check({form, 300, 401, 10, Epilogue::kMaskAndSums});
    check({form, 67, 19, 3, Epilogue::kHeavy, DType::kFloat64});
    check({form, 67, 16, 1, Epilogue::kMaskAndSums, DType::kFloat64});
  }
  check({Form::kForward, 67, 33, 10, Epilogue::kBiasRelu, DType::kFloat32, true});
}

// Rows that are in registers whole, of one vector or several, a row or a vector of rows at a time.
TEST_F(MatmulTest, WholeRows) {
  std::mt19937 engine(11);
  for (Epilogue epilogue : kWholeRowEpilogues) {
    for (int64_t rows : {1, 2, 15, 16, 17, 31, 33, 97, 128}) {
      for (int i = 0; i < 4; ++i) {
        const int64_t columns = std::array{1, 2, 3, 5, 7, 8, 10, 13, 15, 16}[engine() % 10];
        const int64_t depth = std::array{1, 3, 16, 17, 61}[engine() % 5];
        check({kForms[engine() % 3], rows, depth, columns, epilogue});
      }
    }
    for (Form form : kForms) {
      check({form, 300, 401, 10, epilogue});  // in pieces
      check({form, 9, 2049, 10, epilogue});   // in chunks
      check({form, 67, 19, 3, epilogue, DType::kFloat64});
      check({form, 31, 19, 13, epilogue, DType::kFloat64});
      check({form, 67, 33, 10, epilogue, DType::kBFloat16});
    }
    check({Form::kForward, 67, 33, 10, epilogue, DType::kFloat32, true});
    check({Form::kForward, 1, 128, 10, epilogue, DType::kFloat32, true});
  }
}

// Factors so small that every product is exact; among them many equal ones, NaN and infinities.
void check_indices(const Case& c, unsigned seed) {
  SCOPED_TRACE(c.to_string());
  std::mt19937 engine(seed);
  const auto below = [&](int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); };
  const Graph g = graph_of(c);
  std::vector<Tensor> given, doubles, variables;
  for (ValueId input : g.node(g.outputs()[0].value).inputs) {
    const std::string& name = g.node(input).name;
    Tensor t(g.type(input).dtype, g.type(input).shape);
    for (int64_t i = 0; i < t.elements(); ++i) {
      double value = below(4) - 2;
      if (name == "shift") {
        const double odd[] = {std::nan(""), INFINITY, -INFINITY, -0.0};
        value = below(12) == 0 ? odd[below(4)] : 0.0;
      } else if (name == "labels") {
        value = below(3);
      } else if (name == "classes") {
        value = below(static_cast<int>(c.columns) + 2) - 1;  // one of them is none
      }
      t.set(i, value);
    }
    given.push_back(t);
    const Tensor wide = is_floating(t.dtype()) ? t.cast(DType::kFloat64) : t;
    (g.node(input).is(KernelOp::kVariable) ? variables : doubles).push_back(wide);
  }
  Case of_doubles = c;
  of_doubles.dtype = DType::kFloat64;
  const std::vector<Tensor> want = evaluate_graph(graph_of(of_doubles), doubles, variables);
  for (unsigned order : {0u, 7u}) {
    const Run run = run_kernel(g, order, given);
    for (size_t i = 0; i < want.size(); ++i) {
      for (int64_t k = 0; k < want[i].elements(); ++k)
        ASSERT_EQ(run.results[i].at(k), want[i].at(k)) << "result " << i << ", element " << k;
    }
  }
}

// The first of the largest, where NaN is the largest and the smallest, and counts of several
// dtypes.
TEST_F(MatmulTest, Indices) {
  unsigned seed = 1;
  for (int64_t columns = 1; columns <= kWholeRowColumns; ++columns) {
    for (int i = 0; i < 4; ++i, ++seed) {
      const int64_t rows = std::array{1, 2, 15, 16, 17, 31, 33, 97, 16}[seed % 9];
      const int64_t depth = std::array{1, 3, 17, 5, 2}[seed % 5];
      check_indices({kForms[seed % 3], rows, depth, columns, Epilogue::kIndices}, seed);
    }
  }
  for (Form form : kForms) {
    check_indices({form, 1200, 401, 10, Epilogue::kIndices}, seed++);  // in pieces
    check_indices({form, 9, 2049, 10, Epilogue::kIndices}, seed++);    // in chunks
    check_indices({form, 67, 19, 3, Epilogue::kIndices, DType::kFloat64}, seed++);
    check_indices({form, 31, 19, 13, Epilogue::kIndices, DType::kFloat64}, seed++);
    check_indices({form, 67, 33, 10, Epilogue::kIndices, DType::kBFloat16}, seed++);
  }
  check_indices({Form::kForward, 1, 128, 10, Epilogue::kIndices, DType::kFloat32, true}, seed++);
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

// A large right side that pieces of rows share: a phase of its own packs all panels.
TEST_F(MatmulTest, PanelsPackedFirst) {
  check({Form::kForward, 260, 2051, 2053, Epilogue::kMaskAndSums});
  check({Form::kInputGradient, 517, 2053, 1027, Epilogue::kBiasRelu, DType::kFloat64});
}

// Terms of the left side on pages of their own: each piece packs its rows tile by tile.
TEST_F(MatmulTest, LeftSidePackedByTiles) {
  check({Form::kWeightGradient, 2053, 2051, 37, Epilogue::kMaskAndSums});
  check({Form::kWeightGradient, 1029, 2061, 17, Epilogue::kBiasRelu, DType::kFloat64});
}

// One tile of rows and weights from memory: short chunks. Two tiles: panels are copied.
TEST_F(MatmulTest, FewRowsOfALargeRightSide) {
  for (int64_t rows : {2, 5, 8}) {
    check({Form::kForward, rows, 515, 1031, Epilogue::kMaskAndSums});
    check({Form::kForward, rows, 518, 1040, Epilogue::kHeavy});
  }
  check({Form::kForward, 7, 521, 1031, Epilogue::kBiasRelu, DType::kFloat64});
  check({Form::kForward, 17, 515, 1031, Epilogue::kMaskAndSums});
  check({Form::kWeightGradient, 1031, 8, 1033, Epilogue::kMaskAndSums});
}

TEST_F(MatmulTest, FrozenWeightsArePacked) {
  for (Form form : {Form::kForward, Form::kInputGradient}) {
    for (Epilogue epilogue : kAllEpilogues)
      check({form, 33, 65, 130, epilogue, DType::kFloat32, true});
    check({form, 1, 784, 128, Epilogue::kBiasRelu, DType::kFloat32, true});
    check({form, 64, 2500, 47, Epilogue::kNone, DType::kFloat32, true});
  }
}

TEST_F(MatmulTest, Float64) {
  for (Form form : kForms) {
    for (Epilogue epilogue : kAllEpilogues) check({form, 33, 31, 61, epilogue, DType::kFloat64});
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
      expect_as_reference(
          graph(dtype), wide, a.depth,
          a.lhs.to_string() + " " + a.rhs.to_string() + std::string(dtype_name(dtype)));
  }
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

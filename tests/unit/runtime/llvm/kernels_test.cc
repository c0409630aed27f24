// Every kernel op on the llvm backend against the double reference, on sizes on and around vector
// lanes and pieces.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "ops/ops.h"
#include "tests/unit/runtime/llvm/kernel_runs.h"

namespace sinter {
namespace {

using testing_support::check_kernels;

constexpr int64_t kSizes[] = {0, 1, 2, 3, 15, 16, 17, 31, 33, 64, 65, 100, 127, 257, 1000};
constexpr double kFloat = 2e-6, kDouble = 1e-13;

Symbol map(Graph& g, std::initializer_list<Symbol> inputs, std::string_view body) {
  return g.add1("map", inputs,
                {{"body", std::make_shared<const ScalarExpr>(ScalarExpr::parse(body))}});
}

#define EXPECT_KERNELS(graph, tolerance) EXPECT_EQ(check_kernels(graph, tolerance), "")

class Kernels : public testing::Test {
 protected:
  void SetUp() override { register_ops(); }
};

TEST_F(Kernels, MapsOfAllSizes) {
  for (const int64_t n : kSizes) {
    Graph g;
    const Symbol a = g.input("a", {DType::kFloat32, Shape{n}}),
                 b = g.input("b", {DType::kFloat32, Shape{n}});
    g.add_output(
        "y",
        map(g, {a, b}, "(float32, float32) -> t0 = mul(a0, a1); max(add(t0, 1:float32), t0)").id());
    EXPECT_KERNELS(g, kFloat);
  }
}

TEST_F(Kernels, LargeMapInPieces) {
  Graph g;
  const Symbol a = g.input("a", {DType::kFloat32, Shape{301, 1007}});
  g.add_output("y", map(g, {a}, "(float32) -> mul(a0, a0)").id());
  EXPECT_KERNELS(g, kFloat);
}

// bfloat16 is read, rounded, moved and multiplied.
TEST_F(Kernels, BFloat16) {
  for (const int64_t n : {1, 15, 17, 64, 257}) {
    Graph g;
    const Symbol a = g.input("a", {DType::kBFloat16, Shape{3, n}});
    const Symbol b = g.input("b", {DType::kFloat32, Shape{n, 33}});
    const Symbol twice =
        map(g, {a}, "(bfloat16) -> cast<bfloat16>(mul(cast<float32>(a0), 3:float32))");
    const Symbol rounded = map(g, {b}, "(float32) -> cast<bfloat16>(a0)");
    g.add_output("twice", twice.id());
    g.add_output("turned", transpose(twice, {1, 0}).id());
    g.add_output("joined", concat(std::vector<Symbol>{a, twice}, 1).id());
    g.add_output("wide", map(g, {a}, "(bfloat16) -> cast<float64>(a0)").id());
    g.add_output("product", g.add1("contract", {a, rounded},
                                   {{"lhs_contract", std::vector<int64_t>{1}},
                                    {"rhs_contract", std::vector<int64_t>{0}}})
                                .id());
    EXPECT_KERNELS(g, kFloat);
  }
}

// Larger than the caches: stored past them where the result begins on a cache line. Buffers here
// end where a page ends, so the first size does and the second does not.
TEST_F(Kernels, StreamedResults) {
  for (const int64_t more : {1040, 1037}) {
    Graph g;
    const Symbol a = g.input("a", {DType::kFloat32, Shape{(int64_t{8} << 20) + more}});
    g.add_output("y", map(g, {a}, "(float32) -> add(a0, 1:float32)").id());
    EXPECT_KERNELS(g, kFloat);
  }
}

TEST_F(Kernels, MapsOfMixedTypes) {
  for (const int64_t n : {1, 17, 50}) {
    Graph g;
    const Symbol a = g.input("a", {DType::kFloat64, Shape{n}}),
                 b = g.input("b", {DType::kInt32, Shape{n}}),
                 c = g.input("c", {DType::kBool, Shape{n}}),
                 d = g.input("d", {DType::kUint8, Shape{n}}),
                 e = g.input("e", {DType::kInt64, Shape{n}}),
                 f = g.input("f", {DType::kInt8, Shape{n}}),
                 h = g.input("h", {DType::kFloat16, Shape{n}});
    const auto cast_to = [&](Symbol x, DType t) {
      return map(g, {x},
                 fmt::format("({0}) -> cast<{1}>(a0)", dtype_name(x.dtype()), dtype_name(t)));
    };
    int k = 0;
    for (const Symbol x : {a, b, c, d, e, f, h}) {
      for (const DType t : kAllDTypes) {
        if (t != x.dtype()) g.add_output(fmt::format("y{}", k++), cast_to(x, t).id());
      }
    }
    EXPECT_KERNELS(g, kDouble);
  }
}

TEST_F(Kernels, IntegerArithmetic) {
  for (const std::string_view type : {"int32", "int64", "int8", "uint8", "bool"}) {
    for (const std::string_view op : {"add", "sub", "mul", "div", "max", "min"}) {
      const bool logic = type == "bool";  // add, mul and comparisons are defined for it, no more
      if (logic && (op == "sub" || op == "div")) continue;
      Graph g;
      const Symbol a = g.input("a", {parse_dtype(type), Shape{77}}),
                   b = g.input("b", {parse_dtype(type), Shape{77}});
      g.add_output("y", map(g, {a, b}, fmt::format("({}, {}) -> {}(a0, a1)", type, type, op)).id());
      for (const std::string_view compare : {"less", "less_equal", "equal"})
        g.add_output(
            std::string(compare),
            map(g, {a, b}, fmt::format("({}, {}) -> {}(a0, a1)", type, type, compare)).id());
      for (const std::string_view one : {"neg", "abs", "sign"}) {
        if (logic && one != "abs") continue;
        g.add_output(std::string(one), map(g, {a}, fmt::format("({}) -> {}(a0)", type, one)).id());
      }
      EXPECT_KERNELS(g, 0);
    }
  }
}

// Whole and partial squares of each element size, one piece and many, whichever dimension is cut.
TEST_F(Kernels, SquaresAreTurned) {
  constexpr int64_t kEdges[] = {1, 2, 15, 16, 17, 31, 33, 53};
  for (const DType type : kAllDTypes) {
    Graph g;
    for (const int64_t m : kEdges) {
      for (const int64_t n : {int64_t{3}, int64_t{16}, int64_t{31}, int64_t{67}}) {
        const std::string name = fmt::format("{}x{}", m, n);
        g.add_output(name, transpose(g.input("x" + name, {type, Shape{m, n}})).id());
      }
    }
    const auto input = [&](std::string name, Shape shape) {
      return g.input(std::move(name), {type, std::move(shape)});
    };
    g.add_output("tall", transpose(input("tall", {1009, 131})).id());
    g.add_output("wide", transpose(input("wide", {7, 20011})).id());
    const Symbol many = input("many", {13, 37, 211});
    for (const std::vector<int64_t>& order :
         {std::vector<int64_t>{0, 2, 1}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}})
      g.add_output(fmt::format("many{}{}{}", order[0], order[1], order[2]),
                   transpose(many, order).id());
    const Symbol heads = input("heads", {3, 19, 4, 24});
    g.add_output("heads", transpose(heads, {0, 2, 3, 1}).id());
    g.add_output("mixed", transpose(heads, {3, 1, 2, 0}).id());
    EXPECT_KERNELS(g, 0);
  }
}

TEST_F(Kernels, Moves) {
  for (const DType type : {DType::kFloat32, DType::kUint8, DType::kBool, DType::kInt64}) {
    for (const int64_t m : {1, 17, 40}) {
      for (const int64_t n : {0, 1, 15, 33, 70}) {
        Graph g;
        const Symbol x = g.input("x", {type, Shape{m, n}}), row = g.input("row", {type, Shape{n}});
        const Symbol y = g.input("y", {type, Shape{m, 3, n}});
        g.add_output("t", transpose(x).id());
        g.add_output("t3", transpose(y, {1, 2, 0}).id());
        g.add_output("t4", transpose(y, {2, 1, 0}).id());
        g.add_output("b", broadcast_to(row, Shape{m, n}).id());
        g.add_output("c", broadcast_to(reshape(x, Shape{m, 1, n}), Shape{m, 5, n}).id());
        if (n > 2) g.add_output("s", slice(x, 1, 1, n - 1, 2).id());
        g.add_output("s2", slice(y, 1, 0, 3, 2).id());
        g.add_output("p", pad(x, {1, 2}, {0, 3}, 1).id());
        const Symbol parts[] = {x, slice(x, 1, 0, n, 1), x};
        g.add_output("k", concat(parts, 1).id());
        g.add_output("k0", concat(parts, 0).id());
        EXPECT_KERNELS(g, 0);
      }
    }
  }
  Graph g;
  for (int axis = 0; axis < 3; ++axis) {
    for (const DType type : {DType::kFloat32, DType::kInt32, DType::kInt64})
      g.add_output(fmt::format("i{}{}", axis, dtype_name(type)),
                   iota(g, Shape{3, 5, 37}, axis, type).id());
  }
  EXPECT_KERNELS(g, 0);
}

TEST_F(Kernels, Reductions) {
  for (const DType type : {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kInt64}) {
    for (const std::string kind : {"sum", "prod", "max", "min"}) {
      for (const int64_t n : {0, 1, 17, 64}) {
        Graph g;
        const Symbol x = g.input("x", {type, Shape{5, n, 19}});
        int k = 0;
        for (const std::vector<int64_t>& axes :
             std::vector<std::vector<int64_t>>{{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}}) {
          if (kind == "prod" && type != DType::kFloat64) continue;  // overflows or drifts
          g.add_output(
              fmt::format("y{}", k++),
              g.add1("reduce", {x}, {{"kind", kind}, {"axes", axes}, {"keepdims", k % 2 == 0}})
                  .id());
        }
        if (k > 0)
          EXPECT_KERNELS(g, type == DType::kFloat64 ? kDouble : 3e-5);  // sums of both signs
      }
    }
  }
}

TEST_F(Kernels, LargeReductionsInPieces) {
  for (const Shape& shape :
       {Shape{1000, 300}, Shape{3, 100000}, Shape{100000, 3}, Shape{300, 1}, Shape{1, 100000}}) {
    Graph g;
    const Symbol x = map(g, {g.input("x", {DType::kFloat32, shape})},
                         "(float32) -> abs(a0)");  // no cancellation
    g.add_output("rows", sum(x, {1}).id());
    g.add_output("columns", sum(x, {0}).id());
    g.add_output("all", sum(x).id());
    g.add_output("max", reduce_max(x).id());
    EXPECT_KERNELS(g, 1e-5);
  }
}

TEST_F(Kernels, ArgReductions) {
  for (const DType type :
       {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kUint8, DType::kBool}) {
    for (const int64_t n : {1, 2, 10, 16, 17, 33, 100, 1000}) {
      Graph g;
      const Symbol x = g.input("x", {type, Shape{7, n, 3}});
      g.add_output("a0", argmax(x, 0).id());
      g.add_output("a1", argmax(x, 1).id());
      g.add_output("a2", argmin(x, 2).id());
      const Symbol y = g.input("y", {type, Shape{9, n}});
      g.add_output("b1", argmax(y, 1).id());
      g.add_output("b2", argmin(y, 1).id());
      EXPECT_KERNELS(g, 0);
    }
  }
}

TEST_F(Kernels, Contractions) {
  for (const DType type : {DType::kFloat32, DType::kFloat64, DType::kInt32}) {
    for (const int64_t m : {0, 1, 7, 17}) {
      for (const int64_t k : {0, 1, 16, 33}) {
        for (const int64_t n : {1, 10, 31, 64}) {
          Graph g;
          const auto contract = [&](Shape a, Shape b, std::vector<int64_t> ab,
                                    std::vector<int64_t> bb, std::vector<int64_t> ac,
                                    std::vector<int64_t> bc, const char* name) {
            const Symbol x = g.input(fmt::format("{}a", name), {type, a}),
                         y = g.input(fmt::format("{}b", name), {type, b});
            g.add_output(name, g.add1("contract", {x, y},
                                      {{"lhs_batch", ab},
                                       {"rhs_batch", bb},
                                       {"lhs_contract", ac},
                                       {"rhs_contract", bc}})
                                   .id());
          };
          contract(Shape{m, k}, Shape{k, n}, {}, {}, {1}, {0}, "nn");
          contract(Shape{m, k}, Shape{n, k}, {}, {}, {1}, {1}, "nt");
          contract(Shape{k, m}, Shape{k, n}, {}, {}, {0}, {0}, "tn");
          contract(Shape{3, m, k}, Shape{3, k, n}, {0}, {0}, {2}, {1}, "batch");
          contract(Shape{m, k, 2}, Shape{k, 2, n}, {}, {}, {1, 2}, {0, 1}, "two");
          EXPECT_KERNELS(g, type == DType::kFloat64 ? kDouble : 1e-5);
        }
      }
    }
  }
}

TEST_F(Kernels, GatherAndScatter) {
  for (const DType index : {DType::kInt32, DType::kInt64}) {
    for (const int64_t inner : {1, 3, 17, 64}) {
      Graph g;
      const Symbol x = g.input("x", {DType::kFloat32, Shape{6, inner}}),
                   i = g.input("i", {index, Shape{5, 4}});  // some indices out of range
      g.add_output("rows", gather(x, i, 0).id());
      g.add_output("columns", gather(x, i, 1).id());
      const Symbol u = g.input("u", {DType::kFloat32, Shape{5, 4, inner}}),
                   w = g.input("w", {DType::kFloat32, Shape{inner, 5, 4}});
      g.add_output(
          "s", g.add1("scatter_add", {i, u}, {{"axis", int64_t{0}}, {"size", int64_t{6}}}).id());
      g.add_output(
          "s1", g.add1("scatter_add", {i, w}, {{"axis", int64_t{1}}, {"size", int64_t{7}}}).id());
      // Each of five samples by its own four indices, next to them and behind a dimension.
      const Symbol y = g.input("y", {DType::kFloat32, Shape{5, 6, inner}}),
                   z = g.input("z", {DType::kFloat32, Shape{5, 3, 6, inner}});
      g.add_output("rows of each", gather(y, i, 1, 1).id());
      g.add_output("behind", gather(z, i, 2, 1).id());
      g.add_output("of both", gather(gather(z, i, 2, 1), argmax(gather(y, i, 1, 1), 2), 2, 1).id());
      const Symbol v = g.input("v", {DType::kFloat32, Shape{5, 3, 4, inner}});
      const auto added = [&](Symbol updates, int64_t axis) {
        return g.add1("scatter_add", {i, updates},
                      {{"axis", axis}, {"size", int64_t{6}}, {"batch_dims", int64_t{1}}});
      };
      g.add_output("sum of each", added(u, 1).id());
      g.add_output("sum behind", added(v, 2).id());
      EXPECT_KERNELS(g, kFloat);
    }
  }
}

// Many rows of few columns: lanes hold rows, and columns come one after the other.
TEST_F(Kernels, GatherOfPixels) {
  for (const int64_t channels : {1, 2, 3, 4, 5}) {
    for (const int64_t width : {15, 16, 19, 40}) {
      Graph g;
      const Shape pixels{2, 3, width, channels};
      const Symbol x = g.input("x", {DType::kFloat32, pixels}),
                   b = g.input("b", {DType::kBool, pixels}),
                   i = g.input("i", {DType::kInt32, Shape{width}}),  // some out of range
          places = g.input("places", {DType::kInt64, Shape{2, 3, width}}),
                   scale = g.input("scale", {DType::kFloat32, Shape{channels}}),
                   share = g.input("share", {DType::kFloat32, Shape{2, 3, width, 1}});
      const Symbol turned = gather(x, i, 2);
      g.add_output("turned", turned.id());
      g.add_output("bits", gather(b, i, 2).id());
      g.add_output("either", map(g, {turned, x}, "(float32, float32) -> max(a0, a1)").id());
      const char* product = "(float32, float32) -> mul(a0, a1)";
      const Symbol sampled = map(
          g,
          {gather(reshape(x, {2, 3 * width, channels}), places, 1, 1), broadcast_to(share, pixels)},
          product);
      g.add_output("sampled", sampled.id());
      g.add_output("scaled", map(g, {sampled, broadcast_to(scale, pixels)}, product).id());
      g.add_output("numbered", map(g, {turned, iota(g, pixels, 3, DType::kFloat32)}, product).id());
      g.add_output("across", transpose(sampled, {0, 3, 1, 2}).id());
      g.add_output("sums", sum(turned, {3}).id());
      g.add_output("means", sum(sampled, {0, 1, 2}).id());
      EXPECT_KERNELS(g, kFloat);
    }
  }
}

TEST_F(Kernels, RandomBits) {
  for (const int64_t n : {1, 15, 64, 65, 1000, 70000}) {
    Graph g;
    const Symbol state = g.input("state", {DType::kInt64, Shape{2}});
    g.add_output("f", random_uniform(state, Shape{n}, 3).id());
    g.add_output("d", random_uniform(state, Shape{n}, 4, DType::kFloat64).id());
    g.add_output("m", random_uniform(state, Shape{3, n}, 5).id());
    g.add_output("bits", g.add1("random", {state},
                                {{"shape", Shape{n}},
                                 {"dtype", DType::kInt32},
                                 {"distribution", std::string("bits")},
                                 {"stream", int64_t{9}}})
                             .id());
    g.add_output("bits16", random_bits16(state, Shape{n}, 6).id());
    EXPECT_KERNELS(g, 0);
  }
}

}  // namespace
}  // namespace sinter

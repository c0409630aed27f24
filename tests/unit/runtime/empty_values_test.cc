// Values without elements, and what ops make of them: every backend gives what the reference gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/graph.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "tests/support/error_of.h"
#include "tests/support/graph_runs.h"

namespace sinter {
namespace {

const char* const kOps[] = {
    "%t = size(%x) {axis=0, dtype=float32}",
    "%t = size(%x) {axis=1, dtype=int32}",
    "%t = size(%x) {axis=1, dtype=int64}",
    "%t = reduce(%x) {kind=\"sum\", axes=[0]}",
    "%t = reduce(%x) {kind=\"prod\", axes=[0]}",
    "%t = reduce(%x) {kind=\"max\", axes=[0], keepdims=true}",
    "%t = reduce(%x) {kind=\"min\", axes=[0,1]}",
    "%t = reduce(%x) {kind=\"sum\", axes=[0,1]}",
    "%t = reduce(%x) {kind=\"sum\", axes=[1]}",
    "%t = arg_reduce(%x) {kind=\"argmax\", axis=1}",
    "%t = pad(%x) {low=[1,0], high=[2,1], value=1}",
    "%t = concat(%x, %y) {axis=0}",
    "%t = concat(%x, %x) {axis=1}",
    "%t = reshape(%x) {shape=[4,0]}",
    "%t = transpose(%x) {perm=[1,0]}",
    "%1 = reduce(%x) {kind=\"sum\", axes=[0], keepdims=true}\n"
    "%t = broadcast(%1) {shape=[6,3], dims=[0,1]}",
    "%t = broadcast(%x) {shape=[2,0,3], dims=[1,2]}",
    "%t = slice(%y) {begin=[1,1], end=[1,3], stride=[1,1]}",
    "%t = contract(%x, %x) {lhs_contract=[0], rhs_contract=[0]}",
    "%t = contract(%x, %y) {lhs_contract=[1], rhs_contract=[1]}",
    "%t = gather(%y, %i) {axis=0}",
    "%t = scatter_add(%i, %x) {axis=0, size=5}",
    "%1 = cast(%x) {dtype=int32}\n%t = gather(%x, %1) {axis=1, batch_dims=1}",
    "%1 = cast(%x) {dtype=int32}\n%t = scatter_add(%1, %x) {axis=1, size=2, batch_dims=1}",
    "%1 = iota() {shape=[2,0], axis=0, dtype=int32}\n%t = gather(%y, %1) {axis=1, batch_dims=1}",
    "%1 = iota() {shape=[2,0], axis=0, dtype=int32}\n%2 = slice(%y) {begin=[0,0], end=[2,0], "
    "stride=[1,1]}\n%t = scatter_add(%1, %2) {axis=1, size=4, batch_dims=1}",
    "%t = iota() {shape=[0,3], axis=1, dtype=float32}",
    "%t = random(%s) {shape=[0,3], distribution=\"uniform\", dtype=float32}",
    "%t = cast(%x) {dtype=float64}",
    "%1 = cast(%x) {dtype=float32}\n%t = softmax(%1) {axis=1}",
    "%1 = cast(%x) {dtype=float32}\n%2 = tanh(%1)\n%t = reduce(%2) {kind=\"sum\", axes=[0]}",
};

TEST(EmptyValues, AreTheSameOnEveryBackend) {
  register_ops();
  for (const DType dtype : {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kInt64,
                            DType::kUint8, DType::kBool}) {
    for (const char* op : kOps) {
      const std::string name(dtype_name(dtype));
      const Graph graph =
          parse_graph("graph \"g\" {\n%x = input() : " + name + "[0,3]\n%y = input() : " + name +
                      "[2,3]\n%i = input() : int32[0]\n%s = input() : int64[2]\n" + op +
                      "\noutput \"t\" = %t\n}");
      const auto feeds = testing_support::random_feeds(graph, 1);
      const std::vector<Tensor> want = testing_support::run_reference(graph, feeds);
      for (const std::string& backend : backend_names()) {
        for (const bool passes : {true, false}) {
          CompileOptions options;
          options.backend = backend;
          options.cache = false;
          if (!passes) options.disabled_passes = {"all"};
          const auto executable = compile(graph, options);
          EXPECT_EQ(testing_support::compare(executable->run(feeds.inputs), want, 0), "")
              << backend << (passes ? "" : " without passes") << "\n"
              << to_text(graph);
        }
      }
    }
  }
}

// No index is the largest of nothing, whatever the backend: also when a batch comes without rows.
TEST(EmptyValues, HaveNoArgmax) {
  register_ops();
  for (const char* kind : {"argmax", "argmin"}) {
    for (const Shape& shape : {Shape{0, 3}, Shape{0}, Shape{0, 0}}) {
      Graph empty("g");
      const Symbol x = empty.input("x", {DType::kInt32, shape});
      EXPECT_THAT(
          testing::error_of<ShapeError>([&] {
            empty.add1("arg_reduce", {x}, {{"kind", std::string(kind)}, {"axis", int64_t{0}}});
          }),
          ::testing::HasSubstr(std::string(kind) + " of no elements: axis 0 is empty"));
    }
    Graph graph("g");
    const Symbol x = graph.input("x", {DType::kFloat32, {kBatch, 3}});
    graph.add_output("t", (kind == std::string("argmax") ? argmax(x, 0) : argmin(x, 0)).id());
    EXPECT_EQ(specialize(graph, 1).type({1, 0}).shape, Shape{3});
    EXPECT_THROW(specialize(graph, 0), ShapeError);
    for (const std::string& backend : backend_names()) {
      CompileOptions options;
      options.backend = backend;
      const auto executable = compile(graph, options);
      EXPECT_THROW(executable->run(std::vector<Tensor>{Tensor(DType::kFloat32, {0, 3})}),
                   ShapeError);
    }
  }
}

TEST(EmptyValues, AreTheSameWhereTheirOtherDimensionsAreHuge) {
  register_ops();
  const char* const graphs[] = {
      "%x = input() : float32[1000000000000,0,4]\n"
      "%t = contract(%x, %x) {lhs_batch=[0], rhs_batch=[0], lhs_contract=[2], rhs_contract=[2]}",
      "%x = input() : float32[0,1000000]\n"
      "%t = contract(%x, %x) {lhs_batch=[0], rhs_batch=[0], lhs_contract=[], rhs_contract=[]}",
      "%x = input() : float32[1000000000000,0]\n%y = input() : float32[1000000000000,0]\n"
      "%1 = contract(%x, %y) {lhs_contract=[0], rhs_contract=[0]}\n"
      "%t = pad(%1) {low=[1,1], high=[0,0]}",
      "%x = input() : float32[1000000000000,4,0]\n%t = arg_reduce(%x) {kind=\"argmax\", axis=1}",
      "%x = input() : float32[1000000000000,4,0]\n%i = input() : int32[2]\n"
      "%t = gather(%x, %i) {axis=1}",
      "%x = input() : float32[1000000000000,2,0]\n%i = input() : int32[2]\n"
      "%t = scatter_add(%i, %x) {axis=1, size=3}",
      "%x = input() : float32[1000000000000,4,0]\n"
      "%i = iota() {shape=[1000000000000,0], axis=1, dtype=int32}\n"
      "%t = gather(%x, %i) {axis=1, batch_dims=1}",
      "%x = input() : float32[1000000000000,4,0]\n%t = concat(%x, %x) {axis=1}",
      "%x = input() : float32[1000000000000,4,0]\n%1 = reduce(%x) {kind=\"sum\", axes=[0]}\n"
      "%t = pad(%1) {low=[0,1], high=[0,0]}",
      "%x = input() : float32[1000000000000,4,0]\n%t = transpose(%x) {perm=[2,0,1]}",
  };
  for (const char* nodes : graphs) {
    const Graph graph =
        parse_graph(std::string("graph \"g\" {\n") + nodes + "\noutput \"t\" = %t\n}");
    const auto feeds = testing_support::random_feeds(graph, 1);
    const std::vector<Tensor> want = testing_support::run_reference(graph, feeds);
    for (const std::string& backend : backend_names()) {
      CompileOptions options;
      options.backend = backend;
      options.cache = false;
      EXPECT_EQ(testing_support::compare(compile(graph, options)->run(feeds.inputs), want, 0), "")
          << backend << "\n"
          << nodes;
    }
  }
}

TEST(EmptyValues, SumToZeroAndProductToOne) {
  register_ops();
  for (const char* kind : {"sum", "prod"}) {
    const Graph graph = parse_graph(
        std::string("graph \"g\" {\n%x = input() : float32[0,3]\n%t = reduce(%x) {kind=\"") + kind +
        "\", axes=[0]}\noutput \"t\" = %t\n}");
    const Tensor t = evaluate_graph(graph, std::vector<Tensor>{Tensor(DType::kFloat32, {0, 3})})[0];
    for (int64_t i = 0; i < 3; ++i) {
      EXPECT_EQ(t.at(i), std::string(kind) == "sum" ? 0 : 1);
      EXPECT_FALSE(std::signbit(t.at(i)));
    }
  }
}

// Zeros keep their sign in sums of one and of several.
TEST(EmptyValues, SumsOfMinusZeroAreMinusZero) {
  register_ops();
  for (const char* axes : {"[0]", "[1]", "[0,1]"}) {
    for (const char* shape : {"[1,1]", "[5,1]", "[1,5]", "[3,70]", "[70,3]", "[600,40]"}) {
      const Graph graph =
          parse_graph("graph \"g\" {\n%x = input() : float32" + std::string(shape) +
                      "\n%t = reduce(%x) {kind=\"sum\", axes=" + axes + "}\noutput \"t\" = %t\n}");
      const Tensor x =
          Tensor::full(DType::kFloat32, graph.type({graph.inputs()[0], 0}).shape, -0.0);
      for (const std::string& backend : backend_names()) {
        if (backend != "reference" && backend != "llvm") continue;
        CompileOptions options;
        options.backend = backend;
        const Tensor t = compile(graph, options)->run(std::vector<Tensor>{x})[0];
        for (int64_t i = 0; i < t.elements(); ++i)
          ASSERT_TRUE(t.at(i) == 0 && std::signbit(t.at(i)))
              << backend << " " << shape << " " << axes;
      }
    }
  }
}

}  // namespace
}  // namespace sinter

// Contractions decoded, and axes as nodes hold them: counted from the first dimension, whoever made
// the node.
#include "core/contract.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "core/graph.h"
#include "core/kernel_ops.h"
#include "core/op_record.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Axes = Contract::Axes;
using Ints = std::vector<int64_t>;

Symbol product(Graph& g, const Ints& lhs_batch, const Ints& rhs_batch, const Ints& lhs,
               const Ints& rhs) {
  const Symbol a = g.input("a", {DType::kFloat32, {2, 3, 5, 7}});
  const Symbol b = g.input("b", {DType::kFloat32, {5, 11, 2, 3}});
  return g.add1("contract", {a, b},
                {{"lhs_batch", lhs_batch},
                 {"rhs_batch", rhs_batch},
                 {"lhs_contract", lhs},
                 {"rhs_contract", rhs}});
}

TEST(Contract, SidesAreBatchFreeAndDepth) {
  Graph g("g");
  const Symbol y = product(g, {-4}, {2}, {2, -3}, {0, -1});
  const Contract c = Contract::of(g, g.node(y.id()));
  EXPECT_EQ(c.lhs.batch, Axes({0}));
  EXPECT_EQ(c.lhs.depth, Axes({2, 1}));
  EXPECT_EQ(c.lhs.free, Axes({3}));
  EXPECT_EQ(c.rhs.batch, Axes({2}));
  EXPECT_EQ(c.rhs.depth, Axes({0, 3}));
  EXPECT_EQ(c.rhs.free, Axes({1}));
  EXPECT_EQ(y.shape(), (Shape{2, 7, 11}));
  EXPECT_EQ(extent(Shape{2, 3, 5, 7}, c.lhs.depth), 15);
  EXPECT_EQ(extents(Shape{2, 3, 5, 7}, c.lhs.depth), Ints({5, 3}));
  EXPECT_EQ(extent(Shape{2, 3}, Axes()), 1);
  EXPECT_EQ(c.attributes(), g.node(y.id()).attributes);
}

TEST(Contract, AxesThatDoNotFitAreRefused) {
  Graph g("g");
  EXPECT_THROW(product(g, {0}, {2}, {0}, {2}), ShapeError);  // twice
  Graph h("h");
  EXPECT_THROW(product(h, {}, {}, {4}, {0}), ShapeError);
  Graph i("i");
  EXPECT_THROW(product(i, {}, {}, {2, 1}, {0}), ShapeError);
  Graph j("j");
  EXPECT_THROW(product(j, {}, {}, {0}, {0}), ShapeError);  // 2 and 5
}

// Every op whose schema has axes holds them in one way, so that equal nodes are equal texts.
TEST(Schemas, AxesCountFromTheFirstDimension) {
  register_ops();
  int checked = 0;
  for (const std::string& name : Registry::global().names()) {
    const OpRecord& op = Registry::global().get(name);
    for (const AttributeSpec& spec : op.attributes) {
      const bool named_axis = spec.name == "axis" || spec.name == "axes" || spec.name == "perm" ||
                              spec.name.ends_with("_batch") || spec.name.ends_with("_contract");
      EXPECT_EQ(spec.axis_of != AxisOf::kNone, named_axis && name != "scatter_add")
          << name << "." << spec.name;
      ++checked;
    }
  }
  EXPECT_GT(checked, 50);
  Graph g("g");
  const Symbol x = g.input("x", {DType::kFloat32, {2, 3, 4}});
  EXPECT_EQ(g.node(sum(x, {-1, -3}).id()).attributes.get_ints("axes"), Ints({0, 2}));
  const Symbol r = g.add1("reduce", {x}, {{"kind", std::string("sum")}, {"axes", Ints{-2}}});
  EXPECT_EQ(g.node(r.id()).attributes.get_ints("axes"), Ints({1}));
  const Symbol t = g.add1("transpose", {x}, {{"perm", Ints{-1, 0, -2}}});
  EXPECT_EQ(g.node(t.id()).attributes.get_ints("perm"), Ints({2, 0, 1}));
  const Symbol i =
      g.add1("iota", {}, {{"shape", Shape{5, 6}}, {"axis", int64_t{-1}}, {"dtype", DType::kInt32}});
  EXPECT_EQ(axis_of(g.node(i.id()).attributes), 1);
  EXPECT_EQ(axis_of(g.node(softmax(x, -1).id()).attributes), 2);
}

// A kernel op is known by its place in the enumeration as by its name.
TEST(KernelOps, AreThoseOfTheEnumeration) {
  register_ops();
  std::vector<KernelOp> seen;
  for (const std::string& name : Registry::global().names()) {
    const OpRecord& op = Registry::global().get(name);
    EXPECT_EQ(op.kernel_op == KernelOp::kNone, op.kind == KernelKind::kComposite) << name;
    if (op.kernel_op != KernelOp::kNone) seen.push_back(op.kernel_op);
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(KernelOp::kFusion));
}

// Bit for bit: what says that its operands may change places gives the same then.
TEST(Schemas, CommutativeOpsTakeTwoOperands) {
  register_ops();
  std::string all;
  for (const std::string& name : Registry::global().names()) {
    const OpRecord& op = Registry::global().get(name);
    if (!op.commutative) continue;
    EXPECT_EQ(op.min_inputs, 2) << name;
    EXPECT_EQ(op.max_inputs, 2) << name;
    all += name + " ";
  }
  EXPECT_EQ(all, "add equal logical_and logical_or multiply not_equal ");
}

}  // namespace
}  // namespace sinter

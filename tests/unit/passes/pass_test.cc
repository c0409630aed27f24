// The wrapper around passes, with passes that misbehave; and the prologue.
#include "passes/pass.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/prologue.h"
#include "core/rewriter.h"
#include "core/text.h"
#include "ops/ops.h"

namespace sinter {
namespace {

Graph sample() {
  register_ops();
  return parse_graph(R"(graph "g" {
    %x = input() : float32[4]
    %w = variable() : float32[4]
    %y = multiply(%x, %w) @ "layer" "model.cc":3
    output "y" = %y
  })");
}

Graph run_one(const Pass& pass, PassContext context = {}) {
  context.verify = true;
  return run_pipeline({"test", {&pass}}, sample(), context);
}

TEST(PassWrapper, RunsVerifiesAndDumps) {
  const Pass pass{"remove_dead", "", false, [](const Graph& g, const PassContext&) { return g; }};
  std::vector<std::string> seen;
  PassContext context;
  context.on_pass = [&](std::string_view name, const Graph& g) {
    seen.push_back(std::string(name) + " " + std::to_string(g.size()));
  };
  run_one(pass, context);
  EXPECT_EQ(seen, std::vector<std::string>{"remove_dead 3"});
  context.disabled = {"remove_dead"};
  run_one(pass, context);
  context.disabled = {"all"};
  run_one(pass, context);
  EXPECT_EQ(seen.size(), 1u);
}

TEST(PassWrapper, RequiredPassesCannotBeSwitchedOff) {
  PassContext context;
  context.disabled = {"all", "decompose"};
  const Graph lowered = run_pass("decompose", sample(), context);
  EXPECT_TRUE(lowered.node(2).is(KernelOp::kMap));
}

TEST(PassWrapper, APassThatLosesAnOriginIsABug) {
  const Pass pass{"loses", "", false, [](const Graph& g, const PassContext&) {
                    return rewrite(g, [&](Rewriter& r, int32_t i) {
                      if (!g.node(i).is("multiply")) return false;
                      r.target().set_origin(nullptr);
                      const std::vector<Symbol> in = r.map_inputs(g.node(i));
                      r.replace({i, 0}, r.target().add1("multiply", in));
                      return true;
                    });
                  }};
  EXPECT_THROW(run_one(pass), InternalError);
}

TEST(PassWrapper, APassThatChangesTheInterfaceIsABug) {
  const Pass pass{"adds", "", false, [](const Graph& g, const PassContext&) {
                    Graph copy = g;
                    copy.add_output("more", {2, 0});
                    return copy;
                  }};
  EXPECT_THROW(run_one(pass), InternalError);
}

TEST(PassWrapper, WhatFindsNothingToDoCopiesNothing) {
  Target target;
  target.fuses_elementwise = true;
  PassContext context;
  context.target = &target;
  Graph lowered = sample();
  for (const Pass* pass : find_pipeline("training").passes)
    lowered = run_pass(pass->name, lowered, context);
  for (const char* name : {"stabilize_cross_entropy", "remove_dropout", "simplify",
                           "fold_constants", "merge_duplicates", "fuse_dense", "remove_dead",
                           "decompose", "lower_precision", "simplify_maps"}) {
    EXPECT_EQ(run_pass(name, lowered, context).nodes().data(), lowered.nodes().data()) << name;
  }
}

TEST(PassWrapper, RemarksAreSaidOnce) {
  std::vector<std::string> remarks;
  PassContext context;
  context.remarks = &remarks;
  const Graph g = sample();
  add_remark(context, "fold", g.node(2), "of a reason");
  add_remark(context, "fold", g.node(2), "of a reason");
  add_remark(context, "fold", g.node(1), "of another");
  EXPECT_EQ(remarks,
            (std::vector<std::string>{"fold: not applied at 'layer' (model.cc:3): of a reason",
                                      "fold: not applied at variable: of another"}));
}

TEST(Prologue, IsWhatFrozenVariablesAloneDetermine) {
  register_ops();
  const Graph g = parse_graph(R"(graph "g" {
    %x = input() : float32[4]
    %w = variable() : float32[4]
    %v = variable() : float32[4]
    %c = constant() {value=tensor<float32[4]>(1, 2, 3, 4)}
    %a = exp(%w)
    %b = add(%a, %c)
    %d = multiply(%b, %x)
    %e = exp(%v)
    %f = add(%e, %a)
    %k = exp(%c)
    output "d" = %d
    output "f" = %f
    output "k" = %k
    update %v = %e
  })");
  EXPECT_EQ(prologue_nodes(g), (std::vector<bool>{false, false, false, false, true, true, false,
                                                  false, false, false}));
}

}  // namespace
}  // namespace sinter

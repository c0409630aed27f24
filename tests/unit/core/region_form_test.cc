// The form of fused regions: each rule of core/region_form.h has a body that breaks it, and what
// breaks the form still runs as written, on every backend.
#include "core/region_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "tests/support/graph_runs.h"

namespace sinter {
namespace {

// A graph of one fusion, whose inputs are those of `body`.
Graph graph_of(const std::string& kind, const std::string& body_text) {
  register_ops();
  const auto body = std::make_shared<const Graph>(parse_graph("graph \"r\" {\n" + body_text + "}"));
  Graph g("g");
  std::vector<Symbol> inputs;
  for (int32_t i : body->inputs())
    inputs.push_back(g.input(body->node(i).name, body->type({i, 0})));
  int k = 0;
  for (const Symbol& s : g.add("fusion", inputs, {{"kind", kind}, {"body", body}}))
    g.add_output("y" + std::to_string(k++), s.id());
  return g;
}

constexpr const char* kInputs =
    "%x = input() : float32[6,3]\n %w = input() : float32[3,4]\n"
    "%e = input() : float32[6,4]\n %f = input() : float32[24]\n %t = input() : float32[4,6]\n"
    "%b = input() : float32[4]\n %r = input() : float32[6,1]\n %i = input() : int32[6,4]\n";
const std::string kProduct =
    std::string(kInputs) + "%p = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]}\n";
const std::string kCube = std::string(kInputs) +
                          "%c = input() : float32[2,3,4]\n %d = input() : float32[2,3,4]\n"
                          "%m = input() : float32[1,3,1]\n";

struct BrokenRegion {
  std::string kind, body, rule;
};

std::vector<BrokenRegion> broken() {
  const std::string add = "{body=\"(float32, float32) -> add(a0, a1)\"}\n";
  return {
      {"reduce",
       std::string(kInputs) + "%1 = reshape(%f) {shape=[6,4]}\n%2 = map(%1, %e) " + add +
           "output \"y\" = %2\n",
       "no reduce"},
      {"map",
       std::string(kInputs) + "%1 = reduce(%e) {kind=\"sum\", axes=[1], keepdims=true}\n"
                              "output \"y\" = %1\n",
       "a reduce in a region of kind map"},
      // What is summed is read as the graph has it, which need not be rows and columns.
      {"contract",
       kProduct + "%1 = map(%p, %e) " + add +
           "%2 = reduce(%t) {kind=\"sum\", axes=[0], keepdims=true}\n"
           "output \"y\" = %1\noutput \"s\" = %2\n",
       "an input of no canonical shape"},
      {"contract",
       kProduct +
           "%1 = reshape(%t) {shape=[24]}\n%2 = reshape(%1) {shape=[6,4]}\n"
           "%3 = map(%p, %2) " +
           add + "output \"y\" = %3\n",
       "a reshape to no canonical shape"},
      {"contract",
       kProduct + "%1 = map(%p, %e) " + add +
           "%2 = reshape(%1) {shape=[24]}\n%3 = reshape(%2) {shape=[4,6]}\n"
           "output \"y\" = %3\n",
       "a reshape"},
      {"contract",
       kProduct + "%1 = reduce(%e) {kind=\"max\", axes=[0], keepdims=true}\n"
                  "output \"p\" = %p\noutput \"y\" = %1\n",
       "a reduce over the rows of a product"},
      {"contract",
       kProduct + "%1 = reduce(%i) {kind=\"sum\", axes=[0], keepdims=true}\n"
                  "output \"p\" = %p\noutput \"y\" = %1\n",
       "column sums of another dtype than the product's"},
      {"contract",
       kProduct + "%1 = reduce(%p) {kind=\"sum\", axes=[0], keepdims=false}\n"
                  "output \"y\" = %1\n",
       "a reduce without keepdims"},
      {"contract", kProduct + "%1 = transpose(%p) {perm=[1,0]}\noutput \"y\" = %1\n", "transpose"},
      {"contract",
       kProduct + "%1 = reduce(%p) {kind=\"sum\", axes=[0], keepdims=true}\n"
                  "%2 = broadcast(%1) {shape=[6,4], dims=[0,1]}\n"
                  "output \"y\" = %2\n",
       "a reduction over rows that is read inside"},
      {"contract", kProduct + "output \"p\" = %p\noutput \"e\" = %e\n",
       "an output that is an input"},
      {"contract", kProduct + "output \"p\" = %p\noutput \"q\" = %p\n", "an output twice"},
      {"contract",
       std::string(kInputs) + "%p = contract(%i, %i) {lhs_contract=[1], rhs_contract=[1]}\n"
                              "output \"p\" = %p\n",
       "a contract that does not read inputs 0 and 1"},
      {"contract",
       kProduct + "%1 = as_strided(%t) {shape=[6,4], strides=[1,6]}\n%2 = map(%p, %1) " + add +
           "output \"y\" = %2\n",
       "a view that does not walk rows"},
      // Three dimensions.
      {"map",
       kCube + "%1 = map(%c, %d) " + add +
           "%2 = as_strided(%1) {shape=[2,3,4], strides=[1,2,6]}\n"
           "%3 = map(%1, %2) " +
           add + "output \"y\" = %3\n",
       "a view of what is no input"},
      {"map",
       kCube +
           "%1 = as_strided(%c) {shape=[2,2,4], strides=[12,4,1]}\n"
           "%2 = broadcast(%1) {shape=[2,2,4], dims=[0,1,2]}\n%3 = map(%c, %d) " +
           add + "output \"y\" = %3\noutput \"z\" = %2\n",
       "a view of no canonical shape"},
      {"map",
       kCube + "%1 = map(%c, %d) " + add + "%2 = map(%m, %m) " + add +
           "output \"y\" = %1\noutput \"z\" = %2\n",
       "a map that is not full or row"},
      {"map",
       kCube + "%1 = map(%c, %d) " + add + "%2 = map(%e, %e) " + add +
           "output \"y\" = %1\noutput \"z\" = %2\n",
       "another rank"},
      {"reduce",
       kCube +
           "%1 = reduce(%c) {kind=\"sum\", axes=[1,2], keepdims=true}\n"
           "%2 = broadcast(%1) {shape=[2,3,4], dims=[0,1,2]}\n%3 = map(%2, %c) " +
           add + "output \"y\" = %3\n",
       "a reduction over rows that is read inside"},
      {"reduce",
       kCube + "%1 = map(%c, %d) " + add +
           "%2 = reduce(%m) {kind=\"sum\", axes=[1], keepdims=true}\n"
           "output \"y\" = %1\noutput \"z\" = %2\n",
       "a reduce of another form"},
      {"reduce",
       kCube + "%1 = arg_reduce(%c) {kind=\"argmax\", axis=1, keepdims=true}\n"
               "output \"y\" = %1\n",
       "an arg_reduce of another form"},
  };
}

TEST(RegionForm, EveryBrokenRuleIsNamed) {
  for (const BrokenRegion& region : broken()) {
    const Graph g = graph_of(region.kind, region.body);
    const int32_t node = g.outputs()[0].value.node;
    EXPECT_THAT(why_no_region(g, node), testing::HasSubstr(region.rule)) << to_text(g);
    EXPECT_THROW(check_regions(g), InternalError);
  }
}

TEST(RegionForm, WhatBreaksItRunsAsWritten) {
  for (const BrokenRegion& region : broken()) {
    const Graph g = graph_of(region.kind, region.body);
    const auto feeds = testing_support::random_feeds(g, 5);
    const auto want = testing_support::run_reference(g, feeds);
    for (const std::string& backend : backend_names()) {
      if (backend != "llvm" && backend != "auto") continue;
      CompileOptions options;
      options.backend = backend;
      options.disabled_passes = {"all"};  // which check that what they made is of the form
      const auto executable = compile(g, options);
      EXPECT_EQ(testing_support::compare(executable->run(feeds.inputs), want, 1e-5), "")
          << backend << " " << to_text(g);
    }
  }
}

TEST(RegionForm, RegionsHoldKernelOpsAlone) {
  const std::string input = "%x = input() : float32[2]\n";
  for (const char* inner :
       {"%1 = tanh(%x)\n", "%1 = softmax(%x)\n", "%1 = constant() {value=float32[2] [1, 2]}\n",
        "%1 = fusion(%x) {kind=\"map\", body=graph \"i\" {\n %a = input() : float32[2]\n"
        "%b = map(%a) {body=\"(float32) -> neg(a0)\"}\n output \"y\" = %b\n}} : float32[2]\n"}) {
    EXPECT_THROW(graph_of("map", input + inner + "output \"y\" = %1\n"), Error) << inner;
  }
}

}  // namespace
}  // namespace sinter

// The choice of "auto" between llvm and onednn: by estimates, and by measurements that the cache
// keeps. Timings decide nothing here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/load_auto.h"
#include "runtime/measure_kernel.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

#if SINTER_WITH_LLVM && SINTER_WITH_ONEDNN

// An environment variable for the length of a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { old_.empty() ? ::unsetenv(name_) : ::setenv(name_, old_.c_str(), 1); }

 private:
  const char* name_;
  std::string old_;
};

Tensor counting(Shape shape, DType dtype = DType::kFloat32) {
  Tensor t(dtype, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i) t.set(i, static_cast<double>((i * 7) % 11) - 5);
  return t;
}

Graph with(const std::function<Symbol(Symbol)>& f, Shape shape, DType dtype = DType::kFloat32) {
  register_ops();
  Graph g("g");
  g.add_output("y", f(g.input("x", {dtype, std::move(shape)})).id());
  return g;
}

// A product whose right side is read along its rows, by a vector: where the two backends differ
// most.
Symbol row_product(Symbol x) {
  return matmul(x, x.graph().variable("w", {DType::kFloat32, {40, 96}}), false, true);
}

const Step& only_step(const Executable& executable) {
  EXPECT_EQ(executable.program().steps.size(), 1U) << executable.to_string();
  return executable.program().steps[0];
}

// "auto: 12.30 us, onednn 4.50 us, measured"
void expect_cheaper_one(const Step& step, const std::string& how) {
  double own = 0, other = 0;
  char word[20] = "";
  ASSERT_EQ(
      std::sscanf(step.reason.c_str(), "auto: %lf us, onednn %lf us, %19s", &own, &other, word), 3)
      << step.reason;
  EXPECT_EQ(word, how);
  if (own != other) EXPECT_EQ(step.backend, other < own ? "onednn" : "llvm") << step.reason;
}

TEST(Auto, TakesTheCheaperByEstimate) {
  for (const Shape& shape : {Shape{1, 96}, Shape{64, 96}}) {
    const auto executable = compile(with(row_product, shape), {.cache = false});
    expect_cheaper_one(only_step(*executable), "estimated");
    EXPECT_THAT(executable->to_string(),
                HasSubstr(" on " + only_step(*executable).backend + " (auto: "));
  }
}

TEST(Auto, SaysWhyThereIsNoChoice) {
  const auto fused =
      compile(with([](Symbol x) { return tanh(x * 2) + 1; }, Shape{64}), {.cache = false});
  EXPECT_EQ(only_step(*fused).backend, "llvm");
  EXPECT_EQ(only_step(*fused).reason, "auto: no other backend says what it costs");
  const auto wide =
      compile(with([](Symbol x) { return transpose(x); }, Shape{8, 9}, DType::kFloat64),
              {.cache = false, .tune = true});
  EXPECT_EQ(only_step(*wide).backend, "llvm");
}

TEST(Auto, EstimatesGrowWithTheWork) {
  for (const char* backend : {"llvm", "onednn"}) {
    const auto cost = [&](const Shape& shape) {
      const Graph lowered = lower(with(row_product, shape), {.cache = false});
      for (int32_t i = 0; i < lowered.size(); ++i) {
        if (lowered.node(i).is(KernelOp::kContract))
          return find_backend(backend).estimate(lowered, i).value_or(0);
      }
      return 0.0;
    };
    EXPECT_GT(cost({2, 96}), 0) << backend;
    EXPECT_GT(cost({200, 96}), 5 * cost({2, 96})) << backend;
  }
}

TEST(Auto, MeasurementsAreKept) {
  const testing::TemporaryFolder folder;
  const Variable cache("SINTER_CACHE_DIR", folder.file("cache"));
  const Graph graph = with(row_product, Shape{3, 96});
  const auto first = compile(graph, {.tune = true});
  expect_cheaper_one(only_step(*first), "measured");
  // The same figures again: nothing was measured anew. Another shape has its own.
  const auto second = compile(graph, {.tune = true});
  EXPECT_EQ(only_step(*second).reason, only_step(*first).reason);
  EXPECT_EQ(only_step(*second).backend, only_step(*first).backend);
  const auto entries = [&] {
    return std::distance(std::filesystem::directory_iterator(folder.file("cache")), {});
  };
  const auto before = entries();
  compile(graph, {.cache = false, .tune = true});
  EXPECT_EQ(entries(), before);
  compile(with(row_product, Shape{5, 96}), {.tune = true});
  EXPECT_GT(entries(), before);
}

TEST(Auto, WhateverIsChosenComputesTheSame) {
  const std::vector<std::function<Symbol(Symbol)>> graphs = {
      row_product, [](Symbol x) { return transpose(x); }, [](Symbol x) { return sum(x, {1}); },
      [](Symbol x) { return matmul(x, x, true); }};
  const Tensor w = counting({40, 96});
  for (const Shape& shape : {Shape{1, 96}, Shape{33, 96}}) {
    for (const auto& f : graphs) {
      const Graph graph = with(f, shape);
      const Tensor x = counting(shape);
      const std::vector<Tensor> variables(graph.variables().size(), w);
      const Tensor expected = evaluate_graph(graph, std::vector<Tensor>{x}, variables)[0];
      for (bool tune : {false, true}) {
        const auto executable = compile(graph, {.cache = false, .tune = tune});
        executable->bind(variables);
        const Tensor found = executable->run(std::vector<Tensor>{x})[0];
        for (int64_t i = 0; i < expected.elements(); ++i)
          ASSERT_EQ(found.at(i), expected.at(i)) << executable->to_string();
      }
    }
  }
}

// Whoever is first opens the plugin, the others wait for it.
TEST(Auto, ThreadsMayAskOneDnnAtTheSameTime) {
  const Tensor x = counting({17, 5});
  std::vector<Tensor> results(4);
  std::vector<std::thread> threads;
  for (Tensor& result : results) {
    threads.emplace_back([&] {
      const Graph graph = with([](Symbol s) { return transpose(s); }, Shape{17, 5});
      const auto executable = compile(graph, {.backend = "onednn", .cache = false});
      EXPECT_EQ(only_step(*executable).backend, "onednn");
      result = executable->run(std::vector<Tensor>{x})[0];
    });
  }
  for (std::thread& t : threads) t.join();
  for (const Tensor& result : results) {
    for (int64_t i = 0; i < x.elements(); ++i) EXPECT_EQ(result.at(i), x.at(i % 17 * 5 + i / 17));
  }
}

// oneDNN is asked only for nodes that it may run faster: reading the right side of one row by its
// rows. Without its plugin, llvm runs them and says why.
TEST(Auto, GoesWithoutOneDnn) {
  class Missing final : public Backend {
   public:
    std::string_view name() const override { return "onednn"; }
    std::string missing() const override { return "not found"; }
    std::string why_not(const Graph&, int32_t) const override { return "asked"; }
    std::optional<double> estimate(const Graph& graph, int32_t node) const override {
      return onednn_backend().estimate(graph, node);
    }
    std::vector<std::unique_ptr<Kernel>> compile(const Graph&, std::span<const int32_t>,
                                                 const CompileOptions&) override {
      return {};
    }
  } missing;
  const auto product = [](Symbol x) {
    return matmul(x, x.graph().variable("w", {DType::kFloat32, {960, 96}}), false, true);
  };
  Backend* const both[] = {&llvm_backend(), &missing};
  const auto choose = [&](const Shape& shape) {
    const Graph lowered = lower(with(product, shape), {.cache = false});
    for (int32_t i = 0; i < lowered.size(); ++i) {
      if (lowered.node(i).is(KernelOp::kContract))
        return choose_by_cost(both, {.cache = false}, lowered, i);
    }
    return BackendChoice{};
  };
  for (const Shape& shape : {Shape{1, 96}, Shape{64, 96}})
    EXPECT_EQ(choose(shape).backend, &llvm_backend());
  EXPECT_EQ(choose({1, 96}).reason, "auto: onednn: not found");
  EXPECT_THAT(choose({64, 96}).reason, HasSubstr("estimated"));
}

// What oneDNN made for the question may serve one executable; the next needs its own.
TEST(Auto, AKernelMadeForAQuestionIsNotShared) {
  const Graph graph = with([](Symbol x) { return transpose(x); }, Shape{17, 5});
  const Tensor x = counting({17, 5});
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (graph.node(i).is(KernelOp::kTranspose)) {
      EXPECT_EQ(onednn_backend().why_not(graph, i), "");
      EXPECT_EQ(onednn_backend().why_not(graph, i), "");
    }
  }
  std::vector<std::unique_ptr<Executable>> executables;
  for (int i = 0; i < 3; ++i)
    executables.push_back(compile(graph, {.backend = "onednn", .cache = false}));
  executables[0].reset();
  for (int i = 1; i < 3; ++i) {
    EXPECT_EQ(only_step(*executables[static_cast<size_t>(i)]).backend, "onednn");
    const Tensor y = executables[static_cast<size_t>(i)]->run(std::vector<Tensor>{x})[0];
    for (int64_t row = 0; row < 17; ++row) {
      for (int64_t column = 0; column < 5; ++column)
        EXPECT_EQ(y.at(column * 17 + row), x.at(row * 5 + column));
    }
  }
}

#endif

}  // namespace
}  // namespace sinter

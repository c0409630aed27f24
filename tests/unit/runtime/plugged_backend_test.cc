// A backend of the user's, whole: an op of its own that runs as plain C++ on the host, and softmax,
// which it claims from the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/op_record.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

// Rows of float32, each a piece of its own.
class RowKernel final : public Kernel {
 public:
  using Function = void (*)(std::span<const float> x, std::span<float> y);
  RowKernel(Function function, const Shape& shape)
      : function_(function),
        rows_(shape[0]),
        columns_(static_cast<size_t>(shape.elements() / shape[0])) {}
  int pieces(int) const override { return static_cast<int>(rows_); }
  void run(int, int piece, void* const* buffers) const override {
    const size_t at = static_cast<size_t>(piece) * columns_;
    function_({static_cast<const float*>(buffers[0]) + at, columns_},
              {static_cast<float*>(buffers[1]) + at, columns_});
  }
  std::string description() const override { return "rows on the host"; }

 private:
  Function function_;
  int64_t rows_;
  size_t columns_;
};

void sorted(std::span<const float> x, std::span<float> y) {
  std::ranges::copy(x, y.begin());
  std::ranges::sort(y);
}

void softmaxed(std::span<const float> x, std::span<float> y) {
  const float most = *std::ranges::max_element(x);
  float total = 0;
  for (size_t i = 0; i < x.size(); ++i) total += y[i] = std::exp(x[i] - most);
  for (float& v : y) v /= total;
}

class Host final : public Backend {
 public:
  std::string_view name() const override { return "host"; }
  std::string why_not(const Graph& graph, int32_t index) const override {
    const Node& node = graph.node(index);
    const bool known = node.is("test_sort") || node.is("softmax");
    if (!known) return "it knows rows that are sorted, and softmax";
    const ValueType& type = node.types[0];
    return type.dtype == DType::kFloat32 && type.shape.is_static() && type.shape.rank() == 2 &&
                   type.shape.elements() > 0
               ? ""
               : "it takes matrices of float32";
  }
  bool claims(const Graph& graph, int32_t node) const override {
    return why_not(graph, node).empty();
  }
  std::optional<double> estimate(const Graph& graph, int32_t node) const override {
    return graph.node(node).is("softmax") ? std::optional(softmax_microseconds) : std::nullopt;
  }
  std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph, std::span<const int32_t> nodes,
                                               const CompileOptions&) override {
    std::vector<std::unique_ptr<Kernel>> kernels;
    for (const int32_t index : nodes) {
      const Node& node = graph.node(index);
      kernels.push_back(std::make_unique<RowKernel>(node.is("softmax") ? softmaxed : sorted,
                                                    node.types[0].shape));
    }
    return kernels;
  }

  double softmax_microseconds = 0;
};

class PluggedBackend : public ::testing::Test {
 protected:
  PluggedBackend() {
    register_ops();
    if (Registry::global().find("test_sort") == nullptr) {
      OpRecord record;
      record.name = "test_sort";
      record.min_inputs = record.max_inputs = 1;
      record.shape = [](std::span<const ValueType> in, const Attributes&) {
        return std::vector<ValueType>{in[0]};
      };
      record.no_gradient = "this test has none";
      Registry::global().add(std::move(record));
    }
    register_backend(host_);
  }
  ~PluggedBackend() override { unregister_backend(host_); }

  static Graph graph(const char* op) {
    Graph g("g");
    const Symbol x = g.input("x", {DType::kFloat32, {3, 5}});
    const Symbol y = op == std::string("softmax") ? softmax(x) : g.add1(op, {x});
    g.add_output("y", (y * 2.0).id());
    return g;
  }
  static std::string backends_of(const Executable& executable) {
    std::string text;
    for (const Step& step : executable.program().steps) text += step.backend + " ";
    return text;
  }

  Host host_;
  Tensor x_ = Tensor::from(
      {{5.f, 1.f, 4.f, 2.f, 3.f}, {0.f, -1.f, 0.5f, 9.f, 2.f}, {1.f, 1.f, 1.f, 0.f, 2.f}});
};

TEST_F(PluggedBackend, RunsWhatNoOtherBackendHas) {
  const int before = threads();
  for (const char* backend : {"auto", "host"}) {
    const auto executable = compile(graph("test_sort"), {.backend = backend, .cache = false});
    EXPECT_THAT(backends_of(*executable), HasSubstr("host ")) << executable->to_string();
    for (const int count : {1, 3}) {
      set_threads(count);
      const Tensor y = executable->run(std::vector<Tensor>{x_})[0];
      EXPECT_EQ(y.at({0, 0}), 2);
      EXPECT_EQ(y.at({0, 4}), 10);
      EXPECT_EQ(y.at({1, 0}), -2);
      EXPECT_EQ(y.at({2, 4}), 4);
    }
    set_threads(before);
  }
}

// Composites go to whoever says that they cost less whole; the dump says what was compared.
TEST_F(PluggedBackend, ClaimsACompositeThatIsCheaperWhole) {
  const Graph g = graph("softmax");
  const Tensor expected = evaluate_graph(g, std::vector<Tensor>{x_})[0];
  for (const double microseconds : {0.0, 1e9}) {
    host_.softmax_microseconds = microseconds;
    const auto executable = compile(g, {.cache = false});
    const bool claimed = backends_of(*executable).find("host") != std::string::npos;
    // The reference says no cost, so nothing can be cheaper.
#if SINTER_WITH_LLVM
    EXPECT_EQ(claimed, microseconds == 0) << executable->to_string();
#else
    EXPECT_FALSE(claimed);
#endif
    const Tensor y = executable->run(std::vector<Tensor>{x_})[0];
    for (int64_t i = 0; i < y.elements(); ++i) EXPECT_NEAR(y.at(i), expected.at(i), 1e-6);
  }
  const auto asked = compile(g, {.backend = "host", .cache = false});
  EXPECT_THAT(asked->to_string(), HasSubstr("on host (asked for), rows on the host"));
}

TEST_F(PluggedBackend, IsNamedUniquely) {
  EXPECT_THAT(backend_names(), ::testing::Contains("host"));
  EXPECT_THROW(register_backend(host_), Error);
  EXPECT_EQ(find_backend("host").name(), "host");
  unregister_backend(host_);
  EXPECT_THROW(find_backend("host"), NameError);
  register_backend(host_);
}

// What is registered while passes run is no part of that compilation: the graph was not lowered for
// it.
TEST_F(PluggedBackend, ACompilationHasTheBackendsOfItsBegin) {
  unregister_backend(host_);
  bool comes = true;
  CompileOptions options{.cache = false};
  options.on_pass = [&](std::string_view, const Graph&) {
    if (std::exchange(comes, false)) register_backend(host_);
  };
  EXPECT_THROW(compile(graph("test_sort"), options), Error);
  EXPECT_FALSE(comes);
  EXPECT_THAT(backends_of(*compile(graph("test_sort"), {.cache = false})), HasSubstr("host "));
}

// Without it the op has no kernel, and the error says why, backend by backend.
TEST_F(PluggedBackend, WhatNobodyRunsIsAnError) {
  unregister_backend(host_);
  for (const std::string& backend : backend_names()) {
    try {
      compile(graph("test_sort"), {.backend = backend, .cache = false});
      FAIL() << backend;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("test_sort")) << backend;
    }
  }
  register_backend(host_);
}

}  // namespace
}  // namespace sinter

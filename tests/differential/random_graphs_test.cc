// Random graphs on every backend, with passes on and off, against the double reference.
// SINTER_RANDOM_GRAPHS=N runs N of them instead of the default.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "core/text.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"
#include "tests/differential/random_graph.h"

namespace sinter {
namespace {

std::vector<Tensor> widened_tensors(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> result;
  for (const Tensor& t : tensors)
    result.push_back(t.dtype() == DType::kFloat32 ? t.cast(DType::kFloat64) : t.clone());
  return result;
}

std::vector<Tensor> clones(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> result;
  for (const Tensor& t : tensors) result.push_back(t.clone());
  return result;
}

// Errors are measured against the largest value of the tensor: small elements may be differences of
// large ones.
testing::AssertionResult close(const Tensor& got, const Tensor& want, double tolerance) {
  double scale = 1;
  for (int64_t i = 0; i < want.elements(); ++i) {
    if (std::isfinite(want.at(i))) scale = std::max(scale, std::fabs(want.at(i)));
  }
  for (int64_t i = 0; i < want.elements(); ++i) {
    const double a = got.at(i), b = want.at(i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (!(std::fabs(a - b) <= tolerance * scale)) {
      return testing::AssertionFailure()
             << "element " << i << " of " << want.type().to_string() << " is " << a << ", expected "
             << b << " (scale " << scale << ")";
    }
  }
  return testing::AssertionSuccess();
}

struct Outcome {
  std::vector<Tensor> outputs, variables;
};

Outcome run(const Graph& graph, const CompileOptions& options, const std::vector<Tensor>& inputs,
            std::vector<Tensor> variables) {
  const auto executable = compile(graph, options);
  executable->bind(variables);
  Outcome o{executable->run(inputs), {}};
  o.variables = std::move(variables);
  return o;
}

// One graph on one backend; the differences as text, "" when there are none.
void check(unsigned seed, int ops) {
  const RandomGraph r = make_random_graph(seed, ops);
  verify(r.graph, "making it");
  ASSERT_TRUE(equal_graphs(r.graph, parse_graph(to_text(r.graph))));
  CompileOptions reference;
  reference.backend = "reference";
  reference.pipeline = "training";
  reference.disabled_passes = {"all"};
  const Outcome want =
      run(widened(r.graph), reference, widened_tensors(r.inputs), widened_tensors(r.variables));
  for (const std::string& backend : backend_names()) {
    for (const bool passes : {true, false}) {
      CompileOptions options;
      options.backend = backend;
      options.pipeline = "training";
      options.cache = false;
      if (!passes) options.disabled_passes = {"all"};
      const Outcome got = run(r.graph, options, r.inputs, clones(r.variables));
      const std::string what = fmt::format("seed {} with {} ops on {}{}\n{}", seed, ops, backend,
                                           passes ? "" : " without passes", to_text(r.graph));
      for (size_t i = 0; i < want.outputs.size(); ++i)
        ASSERT_TRUE(close(got.outputs[i], want.outputs[i], 3e-5)) << "output " << i << ", " << what;
      for (size_t i = 0; i < want.variables.size(); ++i)
        ASSERT_TRUE(close(got.variables[i], want.variables[i], 3e-5))
            << "variable " << i << ", " << what;
    }
  }
}

int graphs_to_run() {
  const char* text = std::getenv("SINTER_RANDOM_GRAPHS");
  return text == nullptr ? 60 : std::max(1, std::atoi(text));
}

TEST(RandomGraphs, SmallOnes) {
  set_threads(2);
  for (int i = 0; i < graphs_to_run() && !HasFatalFailure(); ++i)
    check(static_cast<unsigned>(i), 3 + i % 5);
}

TEST(RandomGraphs, LargerOnes) {
  set_threads(2);
  for (int i = 0; i < graphs_to_run() / 3 && !HasFatalFailure(); ++i)
    check(static_cast<unsigned>(100000 + i), 10 + i % 15);
}

}  // namespace
}  // namespace sinter

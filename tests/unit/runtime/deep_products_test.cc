// Products of great depth and few results (passes/split_depth.cc) on every backend: the gradient of
// a weight of many rows, to the bounds of its sums, with the same bits for any number of threads.
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

Tensor wave(Shape shape, double step, DType dtype) {
  Tensor t(DType::kFloat32, std::move(shape));
  double phase = 0;
  for (float& v : t.data<float>()) v = static_cast<float>(std::sin(phase += step));
  return t.cast(dtype);
}

TEST(DeepProducts, AreSumsOfSlicesOnEveryBackend) {
  register_ops();
  const int before = threads();
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    const Tensor x = wave({400, 320, 9}, 0.37, dtype), y = wave({400, 320, 24}, 1.9, dtype);
    Graph graph("deep");
    const Symbol a = graph.input("x", x.type()), b = graph.input("y", y.type());
    const Symbol rows = transpose(reshape(a, {400 * 320, 9}), {1, 0});
    graph.add_output("dw", (matmul(rows, reshape(b, {400 * 320, 24})) * 0.5).id());
    std::vector<double> exact(9 * 24);
    for (int64_t k = 0; k < 400 * 320; ++k) {
      for (int64_t i = 0; i < 9; ++i) {
        for (int64_t j = 0; j < 24; ++j)
          exact[static_cast<size_t>(i * 24 + j)] += 0.5 * x.at(k * 9 + i) * y.at(k * 24 + j);
      }
    }
    for (const std::string& backend : backend_names()) {
      const auto executable = compile(graph, {.backend = backend, .pipeline = "training"});
      std::vector<Tensor> results;
      for (const int n : {1, 2, 3}) {
        set_threads(n);
        results.push_back(executable->run({x, y}).at(0));
        EXPECT_TRUE(results.back().identical(results[0])) << backend << ' ' << n;
      }
      // Sums in another order are other numbers.
      const auto whole = compile(
          graph, {.backend = backend, .pipeline = "training", .disabled_passes = {"split_depth"}});
      EXPECT_FALSE(results[0].identical(whole->run({x, y}).at(0))) << backend;
      for (int64_t i = 0; i < results[0].elements(); ++i)
        EXPECT_NEAR(results[0].at(i), exact[static_cast<size_t>(i)], 2e-3) << backend << ' ' << i;
    }
  }
  set_threads(before);
}

}  // namespace
}  // namespace sinter

// Runs do not depend on how the calling thread rounds, nor on which floating-point traps it has
// unmasked, and leave both as they were.
#include "core/float_environment.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <vector>

#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

class FloatEnvironment : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(std::fegetenv(&before_), 0); }
  void TearDown() override {
    std::fesetenv(&before_);
    set_threads(1);
  }
  /// Compiles and runs: products, divisions by zero, overflow, subnormals, inexact sums.
  static Tensor run(const std::string& backend) {
    register_ops();
    Graph graph("rounding");
    const Symbol x = graph.input("x", {DType::kFloat32, {256, 128}});
    const Symbol w = graph.input("w", {DType::kFloat32, {128, 64}});
    const Symbol c = constant(graph, Tensor::scalar(0.1F)) / constant(graph, Tensor::scalar(3.0F));
    const Symbol y = matmul(x, w) / 3.0 + c;
    graph.add_output("y", (y + exp(y * 100.0) + 1.0 / (y - y) + y * 1e-39).id());
    graph.add_output("z", y.id());
    const auto executable = compile(graph, {.backend = backend, .cache = false});
    executable->run(arguments());
    return executable->run(arguments())[1];
  }
  static const std::vector<Tensor>& arguments() {
    static const std::vector<Tensor> made = [] {
      Tensor in(DType::kFloat32, {256, 128}), weights(DType::kFloat32, {128, 64});
      for (int64_t i = 0; i < in.elements(); ++i)
        in.set(i, 0.1 * static_cast<double>(i % 17) - 0.7);
      for (int64_t i = 0; i < weights.elements(); ++i)
        weights.set(i, 0.3 * static_cast<double>(i % 13) - 1.7);
      return std::vector<Tensor>{in, weights};
    }();
    return made;
  }
  std::fenv_t before_ = {};
};

TEST_F(FloatEnvironment, RoundingOfTheCallerReachesNoKernel) {
  std::vector<std::string> backends = {"reference"};
  if (SINTER_WITH_LLVM) backends.emplace_back("llvm");
  if (SINTER_WITH_ONEDNN) backends.emplace_back("onednn");
  for (const std::string& backend : backends) {
    const Tensor expected = run(backend);
    for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
      for (const int threads : {1, 2, 3}) {
        set_threads(threads);
        ASSERT_EQ(std::fesetround(mode), 0);
        const Tensor found = run(backend);
        EXPECT_EQ(std::fegetround(), mode);
        std::fesetround(FE_TONEAREST);
        EXPECT_TRUE(found.identical(expected)) << backend << " " << mode << " " << threads;
      }
    }
  }
}

TEST_F(FloatEnvironment, UnmaskedTrapsRaiseNoSignal) {
  for (const char* backend : {"reference", "auto"}) {
    set_threads(2);
    std::feclearexcept(FE_ALL_EXCEPT);
    ASSERT_NE(::feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW), -1);
    run(backend);
    EXPECT_EQ(::fegetexcept(), FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
    ::fedisableexcept(FE_ALL_EXCEPT);
  }
}

}  // namespace
}  // namespace sinter

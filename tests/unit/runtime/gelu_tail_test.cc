// gelu is 0.5 x (1 + erf(x / sqrt 2)): below -4 the sum cancels, so that the relative error grows
// (0.05 at -5) while the absolute one stays within rounding of 1. TensorFlow, by erfc, keeps the
// relative error at 1.4e-6 as well, which Sinter does not yet.
#include <gtest/gtest.h>

#include <cmath>

#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

TEST(GeluTail, AbsoluteErrorIsThatOfRoundingOne) {
  register_ops();
  constexpr int64_t kCount = 1 << 16;
  Tensor x(DType::kFloat32, Shape{kCount});
  for (int64_t i = 0; i < kCount; ++i)
    x.set(i, -14.0 * static_cast<double>(i) / static_cast<double>(kCount));
  for (const std::string& backend : backend_names()) {
    if (backend == "onednn") continue;  // its own erf has its own error
    Graph g("gelu");
    g.add_output("y", gelu(g.input("x", x.type())).id());
    const Tensor y =
        compile(g, {.backend = backend, .cache = false})->run(std::vector<Tensor>{x})[0];
    for (int64_t i = 0; i < kCount; ++i) {
      const double at = x.at(i), exact = 0.5 * at * std::erfc(-at / std::sqrt(2.0));
      // Six roundings of numbers near 1, times x / 2.
      ASSERT_NEAR(y.at(i), exact, 6 * 0x1p-24 * std::abs(at) / 2) << backend << " at " << at;
      ASSERT_LE(y.at(i), 0) << backend << " at " << at;
    }
  }
}

}  // namespace
}  // namespace sinter

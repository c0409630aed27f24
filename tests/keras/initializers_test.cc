// Statistics of the initializers against those of Keras's: large samples must agree within their
// sampling error.
#include "frontend/initializers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "tests/keras/case_files.h"

namespace sinter::keras_test {
namespace {

using Values = std::map<std::string, double>;

Initializer make(const std::string& name, const Values& c) {
  if (c.empty()) return Initializer(name);
  if (name == "constant") return Constant(c.at("value"));
  if (name == "random_uniform")
    return RandomUniform({.minval = c.at("minval"), .maxval = c.at("maxval")});
  if (name == "random_normal")
    return RandomNormal({.mean = c.at("mean"), .stddev = c.at("stddev")});
  if (name == "truncated_normal")
    return TruncatedNormal({.mean = c.at("mean"), .stddev = c.at("stddev")});
  throw std::runtime_error("no arguments are known for " + name);
}

struct Statistics {
  double mean, std, min, max;
  std::vector<double> quartiles;
};

Statistics measure(const Tensor& tensor) {
  std::vector<double> v(static_cast<size_t>(tensor.elements()));
  for (size_t i = 0; i < v.size(); ++i) v[i] = tensor.at(static_cast<int64_t>(i));
  std::sort(v.begin(), v.end());
  const double n = static_cast<double>(v.size());
  const double mean = std::accumulate(v.begin(), v.end(), 0.0) / n;
  double squares = 0;
  for (double x : v) squares += (x - mean) * (x - mean);
  return {mean,
          std::sqrt(squares / n),
          v.front(),
          v.back(),
          {v[v.size() / 4], v[v.size() / 2], v[v.size() * 3 / 4]}};
}

TEST(KerasInitializers, Statistics) {
  uint64_t key = 1;
  for (const InitializerSample& sample : load_initializers()) {
    SCOPED_TRACE(sample.name + " " + sample.shape.to_string());
    const Tensor tensor = make(sample.name, sample.config)(sample.shape, DType::kFloat32, ++key);
    ASSERT_EQ(tensor.shape(), sample.shape);
    const Statistics found = measure(tensor);
    // Six standard errors of a difference of two samples. A deviation's error is std/sqrt(2n) for a
    // normal distribution, less for a flatter one; a quartile's is at most 1.5 std/sqrt(n)
    // (uniform), the median's 1.7 std/sqrt(n) (uniform).
    const double error =
        6 * std::sqrt(2.0) * sample.std / std::sqrt(static_cast<double>(sample.shape.elements()));
    const double rounding = 1e-7 * std::max(std::abs(sample.min), std::abs(sample.max));
    EXPECT_NEAR(found.mean, sample.mean, error + rounding);
    EXPECT_NEAR(found.std, sample.std, error * 0.71 + rounding);
    for (int q = 0; q < 3; ++q)
      EXPECT_NEAR(found.quartiles[q], sample.quartiles[q], error * 1.75 + rounding);
    if (sample.name == "random_normal" || sample.name == "constant" || sample.std == 0) continue;
    // Bounded distributions end where Keras's end: nowhere is there less than 1 value in 1e4 beyond
    // 1 % of the range.
    const double gap = 0.01 * (sample.max - sample.min);
    EXPECT_NEAR(found.min, sample.min, gap);
    EXPECT_NEAR(found.max, sample.max, gap);
  }
}

}  // namespace
}  // namespace sinter::keras_test

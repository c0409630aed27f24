// Random bits and dropout: the frequencies, and that nothing depends on its neighbours, its place
// in a block of Philox or another stream. Seeds are fixed; bounds are five standard deviations.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

constexpr int64_t kCount = int64_t{1} << 20;

Tensor run(const Graph& graph, const std::vector<Tensor>& inputs) {
  CompileOptions options;
  options.pipeline = "training";
  options.cache = false;
  return compile(graph, options)->run(inputs)[0];
}

Tensor state_of(int64_t seed, int64_t step) {
  Tensor state(DType::kInt64, {2});
  state.data<int64_t>()[0] = seed;
  state.data<int64_t>()[1] = step;
  return state;
}

std::vector<int32_t> numbers(int64_t seed, int64_t step, int64_t stream) {
  register_ops();
  Graph g;
  const Symbol state = g.input("state", {DType::kInt64, Shape{2}});
  g.add_output("y", random_bits16(state, Shape{kCount}, stream).id());
  const Tensor t = run(g, {state_of(seed, step)});
  return {t.data<int32_t>().begin(), t.data<int32_t>().end()};
}

// What a dropout of rate threshold / 65536 drops.
std::vector<bool> bools(int32_t threshold, int64_t seed, int64_t step, int64_t stream) {
  std::vector<bool> result;
  for (int32_t v : numbers(seed, step, stream)) result.push_back(v < threshold);
  return result;
}

// How many standard deviations `count` of `trials` is off `probability`.
double deviations(int64_t count, double trials, double probability) {
  return (static_cast<double>(count) - trials * probability) /
         std::sqrt(trials * probability * (1 - probability));
}

void expect_chi_square(double chi_square, double degrees) {
  EXPECT_NEAR(chi_square, degrees, 5 * std::sqrt(2 * degrees));
}

TEST(RandomBits16, AreIndependentOfThoseAtADistance) {
  const std::vector<bool> b = bools(3 << 14, 5, 1, 2);
  for (const size_t distance : {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 31, 32, 33, 63, 64, 65, 512, 4096}) {
    int64_t both = 0;
    for (size_t i = distance; i < b.size(); ++i) both += b[i] && b[i - distance];
    EXPECT_LT(std::fabs(deviations(both, static_cast<double>(b.size() - distance), 0.75 * 0.75)), 5)
        << distance;
  }
}

TEST(RandomBits16, AreIndependentOfOtherSeedsStepsAndStreams) {
  const std::vector<bool> b = bools(1 << 15, 5, 1, 2);
  for (const std::vector<bool>& other :
       {bools(1 << 15, 6, 1, 2), bools(1 << 15, 5, 2, 2), bools(1 << 15, 5, 1, 3),
        bools(1 << 15, 5 + (int64_t{1} << 32), 1, 2),
        bools(1 << 15, 5, 1 + (int64_t{1} << 32), 2)}) {
    int64_t same = 0;
    for (size_t i = 0; i < b.size(); ++i) same += b[i] == other[i];
    EXPECT_LT(std::fabs(deviations(same, kCount, 0.5)), 5);
  }
}

TEST(RandomBits16, FavourNoPlaceInABlock) {
  constexpr int32_t kThreshold = 52000;
  const double p = kThreshold * 0x1p-16;
  const std::vector<bool> b = bools(kThreshold, 1, 9, 4);
  for (const size_t places : {8, 64}) {
    std::vector<int64_t> counts(places, 0);
    for (size_t i = 0; i < b.size(); ++i) counts[i % places] += b[i];
    double chi_square = 0;
    for (int64_t c : counts)
      chi_square += std::pow(deviations(c, kCount / static_cast<double>(places), p), 2);
    expect_chi_square(chi_square, static_cast<double>(places));
  }
}

TEST(RandomBits16, MakeAllPatternsOfABlockAlike) {
  const std::vector<bool> b = bools(1 << 15, 2, 0, 7);
  std::vector<int64_t> counts(256, 0);
  for (size_t i = 0; i < b.size(); i += 8) {
    size_t pattern = 0;
    for (size_t k = 0; k < 8; ++k) pattern |= size_t{b[i + k]} << k;
    ++counts[pattern];
  }
  const double expected = kCount / 8 / 256.0;
  double chi_square = 0;
  for (int64_t c : counts) chi_square += std::pow(static_cast<double>(c) - expected, 2) / expected;
  expect_chi_square(chi_square, 255);
}

TEST(RandomBits16, AreUniform) {
  std::vector<int64_t> counts(65536, 0);
  for (int32_t v : numbers(3, 4, 5)) ++counts.at(static_cast<size_t>(v));
  const double expected = kCount / 65536.0;
  double chi_square = 0;
  for (int64_t c : counts) chi_square += std::pow(static_cast<double>(c) - expected, 2) / expected;
  expect_chi_square(chi_square, 65535);
}

// Also at rates that 16 bits are too coarse for, where 24 are drawn.
TEST(Dropout, DropsAtItsRateAndScalesTheRest) {
  for (const double rate : {1e-5, 0.002, 0.1, 0.5, 0.9, 0.999}) {
    Graph g;
    const Symbol x = g.input("x", {DType::kFloat32, Shape{kCount}}),
                 state = g.input("state", {DType::kInt64, Shape{2}});
    g.add_output("y", dropout(x, state, rate, 6).id());
    const Tensor y = run(g, {Tensor::full(DType::kFloat32, {kCount}, 1), state_of(8, 2)});
    int64_t dropped = 0;
    for (float v : y.data<float>()) {
      dropped += v == 0;
      if (v != 0) {
        ASSERT_FLOAT_EQ(v, static_cast<float>(1 / (1 - rate)));
      }
    }
    EXPECT_LT(std::fabs(deviations(dropped, kCount, rate)), 5) << rate;
  }
}

}  // namespace
}  // namespace sinter

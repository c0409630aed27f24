// Convolutions by Winograd's algorithm and directly: how far they are from float64, and that both
// are what their options say.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

struct Case {
  int64_t images, height, width, channels, filters;
  int64_t padding = 1;
  int tile = 4;
};

// Unit-normal values over the square root of `terms`, so that sums of so many products of two
// tensors, one of them so scaled, have a variance of 1.
Tensor normal(const Shape& shape, int seed, int64_t terms) {
  std::mt19937 generator(static_cast<unsigned>(seed));
  std::normal_distribution<double> distribution;
  Tensor t(DType::kFloat32, shape);
  for (float& value : t.data<float>())
    value = static_cast<float>(distribution(generator) / std::sqrt(static_cast<double>(terms)));
  return t;
}

struct Results {
  std::vector<Tensor> tensors;  // the convolution, and its gradients by input and kernel
  std::string kernels;
};

std::shared_ptr<Executable> convolutions(const Case& c, DType dtype,
                                         const CompileOptions& options) {
  register_ops();
  Graph graph("convolutions");
  const Shape x_shape{c.images, c.height, c.width, c.channels},
      k_shape{3, 3, c.channels, c.filters};
  const Symbol x = graph.input("x", {dtype, x_shape}), k = graph.input("k", {dtype, k_shape});
  const Window window{.low = {c.padding, c.padding}, .high = {c.padding, c.padding}};
  const Symbol y = convolution(x, k, window);
  const Symbol dy = graph.input("dy", y.type());
  const std::vector<Symbol> g = gradients(sum(y * dy), {x, k});
  graph.add_output("y", y.id());
  graph.add_output("dx", g[0].id());
  graph.add_output("dk", g[1].id());
  return compile(graph, options);
}

// For the inputs of a graph in order; the second is a kernel, for sums of so many terms.
std::vector<Tensor> normal_inputs(const Graph& graph, DType dtype, int64_t kernel_terms,
                                  int seed = 0) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const Shape& shape = graph.type({graph.inputs()[i], 0}).shape;
    inputs.push_back(
        normal(shape, seed + static_cast<int>(i), i == 1 ? kernel_terms : 1).cast(dtype));
  }
  return inputs;
}

Results run(const Case& c, DType dtype, const CompileOptions& options) {
  const std::shared_ptr<Executable> executable = convolutions(c, dtype, options);
  executable->bind({});
  const std::vector<Tensor> inputs = normal_inputs(executable->graph(), dtype, 9 * c.channels);
  const int64_t out = c.images * (c.height + 2 * c.padding - 2) * (c.width + 2 * c.padding - 2);
  Results results{executable->run(inputs), executable->to_string()};
  // Of variance 1: the input's gradient has filters * 9 terms with kernels of 1 / (9 channels), the
  // kernel's one term a window.
  const double scales[] = {
      1, std::sqrt(static_cast<double>(c.channels) / static_cast<double>(c.filters)),
      1 / std::sqrt(static_cast<double>(out))};
  for (size_t i = 0; i < results.tensors.size(); ++i) {
    Tensor scaled = results.tensors[i].cast(DType::kFloat64);
    for (double& value : scaled.data<double>()) value *= scales[i];
    results.tensors[i] = std::move(scaled);
  }
  return results;
}

double largest_error(const Tensor& a, const Tensor& b) {
  double largest = 0;
  for (size_t i = 0; i < a.data<double>().size(); ++i)
    largest = std::max(largest, std::abs(a.data<double>()[i] - b.data<double>()[i]));
  return largest;
}

const Case kCases[] = {{2, 28, 28, 32, 32},
                       {4, 14, 14, 64, 64},
                       {8, 8, 8, 64, 64},
                       {3, 13, 10, 24, 40},
                       {2, 9, 30, 17, 33, 0},
                       {6, 12, 12, 192, 40},  // long sums, and filters left over after panels
                       // Results that tiles of 4x4 would reach far beyond.
                       {64, 2, 2, 64, 64, 1, 2},
                       {50, 6, 2, 40, 48, 1, 2},
                       {40, 2, 6, 33, 49, 1, 2}};

TEST(Winograd, StaysWithinItsBound) {
  for (const Case& c : kCases) {
    const Results expected = run(c, DType::kFloat64, {.backend = "reference"});
    const Results found = run(c, DType::kFloat32, {.backend = "llvm"});
    const Results strict = run(c, DType::kFloat32, {.backend = "llvm", .strict_precision = true});
    for (const char* kernel : {"winograd {0}x{0} of", "winograd {0}x{0} gradient"})
      EXPECT_NE(found.kernels.find(fmt::format(fmt::runtime(kernel), c.tile)), std::string::npos)
          << found.kernels;
    EXPECT_EQ(strict.kernels.find("winograd"), std::string::npos) << strict.kernels;
    for (size_t i = 0; i < 3; ++i) {
      const std::string what = fmt::format("{}x{}x{}x{} to {}, result {}", c.images, c.height,
                                           c.width, c.channels, c.filters, i);
      EXPECT_LT(largest_error(found.tensors[i], expected.tensors[i]), 1e-5) << what;
      EXPECT_LT(largest_error(strict.tensors[i], expected.tensors[i]), 2e-6) << what;
    }
  }
}

TEST(Winograd, HasTheSameBitsForAnyNumberOfThreads) {
  const int before = threads();
  const Case c{16, 15, 14, 24, 20};
  std::vector<Results> results;
  for (const int count : {1, 2, 3, 8}) {
    set_threads(count);
    results.push_back(run(c, DType::kFloat32, {.backend = "llvm"}));
  }
  set_threads(before);
  for (const Results& r : results) {
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(largest_error(r.tensors[i], results[0].tensors[i]), 0);
  }
}

// Shapes at random, between what convolutions have around them in models: bias, activation,
// residual, and the sums over all rows that a bias gets for its gradient.
TEST(Winograd, StaysWithinItsBoundForAnyShapeAndEpilogue) {
  std::mt19937 random(7);
  const auto pick = [&](int64_t from, int64_t to) {
    return from + static_cast<int64_t>(random() % static_cast<uint64_t>(to - from + 1));
  };
  int taken = 0;
  for (int round = 0; round < 24; ++round) {
    const Shape x_shape{pick(1, 4), pick(3, 21), pick(3, 21), pick(12, 40)};
    const int64_t filters = pick(12, 40);
    const Window window{.low = {pick(0, 2), pick(0, 2)}, .high = {pick(0, 2), pick(0, 2)}};
    const int form = static_cast<int>(pick(0, 3));
    const auto compiled = [&](DType dtype, const CompileOptions& options) {
      Graph graph("around");
      const Symbol x = graph.input("x", {dtype, x_shape});
      const Symbol k = graph.input("k", {dtype, {3, 3, x_shape[3], filters}});
      Symbol y = convolution(x, k, window);
      if (form & 1) y = relu(y + graph.input("bias", {dtype, {filters}}));
      if (form & 2) y = y + graph.input("residual", y.type());
      graph.add_output("y", y.id());
      graph.add_output("sums", sum(y, {0, 1, 2}).id());
      return compile(graph, options);
    };
    const auto run = [&](DType dtype, const CompileOptions& options, bool* is_winograd) {
      const std::shared_ptr<Executable> executable = compiled(dtype, options);
      executable->bind({});
      if (is_winograd != nullptr)
        *is_winograd = executable->to_string().find("winograd 4x4 of") != std::string::npos;
      return executable->run(normal_inputs(executable->graph(), dtype, 9 * x_shape[3], 10 * round));
    };
    bool is_winograd = false;
    const std::vector<Tensor> expected = run(DType::kFloat64, {.backend = "reference"}, nullptr);
    const std::vector<Tensor> found = run(DType::kFloat32, {.backend = "llvm"}, &is_winograd);
    taken += is_winograd;
    const std::string what =
        fmt::format("{} to {} filters, padded {} {} {} {}, form {}", x_shape.to_string(), filters,
                    window.low[0], window.low[1], window.high[0], window.high[1], form);
    const double rows = static_cast<double>(expected[0].elements() / filters);
    EXPECT_LT(largest_error(found[0].cast(DType::kFloat64), expected[0]), 1e-5) << what;
    EXPECT_LT(largest_error(found[1].cast(DType::kFloat64), expected[1]),
              1e-5 * std::sqrt(rows) + 1e-6 * rows)
        << what;
  }
  EXPECT_GE(taken, 8);
}

// Elements of one tile meet in its transforms: a NaN, an infinity or a large number is felt by all
// 16 results of the tile, and by no others.
TEST(Winograd, KeepsWhatIsNotFiniteWithinTiles) {
  const Case c{4, 12, 12, 32, 32};
  const std::shared_ptr<Executable> executable =
      convolutions(c, DType::kFloat32, {.backend = "llvm"});
  executable->bind({});
  std::vector<Tensor> inputs = normal_inputs(executable->graph(), DType::kFloat32, 1);
  // x[0, 5, 6, 3], which tile (1, 1) alone has among its elements 3 to 8 down and across.
  inputs[0].data<float>()[(5 * 12 + 6) * 32 + 3] = std::numeric_limits<float>::quiet_NaN();
  const Tensor y = executable->run(inputs)[0];
  for (int64_t i = 0; i < 12; ++i) {
    for (int64_t j = 0; j < 12; ++j) {
      const bool is_of_tile = i / 4 == 1 && j / 4 == 1;
      EXPECT_EQ(std::isnan(y.at((i * 12 + j) * 32)), is_of_tile) << i << " " << j;
    }
  }
}

}  // namespace
}  // namespace sinter

// Convolutions, pools and their gradients against plain loops over windows and taps.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/graph.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "tests/support/graph_runs.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Setting {
  int64_t height, width, channels, filters;
  Ints size, strides, dilations, low, high;
  int64_t groups = 1;

  Window window() const {
    return {.strides = strides, .dilations = dilations, .low = low, .high = high};
  }
  int64_t count(size_t d) const {
    const int64_t extent = d == 0 ? height : width;
    return (extent + low[d] + high[d] - (size[d] - 1) * dilations[d] - 1) / strides[d] + 1;
  }
  // Calls visit(window, element, tap), flat indices over [height, width] and their kin, for each
  // tap of each window that is no padding.
  template <typename F>
  void each(const F& visit) const {
    for (int64_t o = 0; o < count(0) * count(1); ++o) {
      for (int64_t t = 0; t < size[0] * size[1]; ++t) {
        const int64_t i = o / count(1) * strides[0] + t / size[1] * dilations[0] - low[0];
        const int64_t j = o % count(1) * strides[1] + t % size[1] * dilations[1] - low[1];
        if (i >= 0 && i < height && j >= 0 && j < width) visit(o, i * width + j, t);
      }
    }
  }
};

constexpr int64_t kBatchSize = 2;

std::vector<Setting> settings() {
  return {
      {5, 6, 3, 4, {3, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
      {5, 6, 3, 2, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {7, 8, 2, 3, {3, 4}, {2, 3}, {1, 1}, {1, 2}, {0, 1}},
      {9, 7, 2, 1, {2, 1}, {3, 2}, {1, 1}, {0, 0}, {0, 0}},
      {7, 9, 2, 3, {3, 2}, {1, 1}, {2, 3}, {1, 0}, {2, 1}},
      {1, 1, 1, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
      {4, 1, 1, 17, {4, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
      {2, 3, 2, 2, {2, 2}, {1, 1}, {1, 1}, {3, 2}, {0, 4}},
      {5, 4, 6, 4, {2, 3}, {2, 1}, {1, 1}, {0, 1}, {1, 1}, 2},
      {5, 5, 3, 6, {3, 3}, {1, 2}, {1, 1}, {1, 1}, {1, 1}, 3},
      {6, 5, 4, 4, {2, 2}, {1, 1}, {2, 1}, {0, 0}, {0, 0}, 4},
      // Of so many taps that they are not written out.
      {9, 10, 3, 6, {9, 8}, {1, 1}, {1, 1}, {4, 4}, {4, 3}, 3},
      {8, 12, 2, 2, {11, 7}, {2, 3}, {1, 1}, {5, 3}, {5, 3}, 2},
      {30, 1, 2, 4, {67, 1}, {1, 1}, {2, 1}, {70, 0}, {66, 0}, 2},
  };
}

Tensor number(Shape shape, unsigned seed) {
  Tensor t(DType::kFloat64, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i)
    t.set(i, std::sin(static_cast<double>((i + 1) * (seed + 2))));
  return t;
}

// The outputs of a graph of these inputs.
template <typename F>
std::vector<Tensor> run(const std::vector<Tensor>& inputs, const F& build) {
  register_ops();
  Graph g("g");
  std::vector<Symbol> in;
  for (const Tensor& t : inputs) in.push_back(g.input("x" + std::to_string(in.size()), t.type()));
  for (const Symbol& out : build(in))
    g.add_output("y" + std::to_string(g.outputs().size()), out.id());
  return testing_support::run_reference(g, {inputs, {}});
}

TEST(Windows, ConvolutionAndItsGradientsAreTheSumsOfTheirDefinition) {
  for (const Setting& s : settings()) {
    const int64_t in_group = s.channels / s.groups, out_group = s.filters / s.groups,
                  windows = s.count(0) * s.count(1), elements = s.height * s.width;
    const Tensor x = number({kBatchSize, s.height, s.width, s.channels}, 1),
                 k = number({s.size[0], s.size[1], in_group, s.filters}, 2),
                 dy = number({kBatchSize, s.count(0), s.count(1), s.filters}, 3);
    Tensor y(DType::kFloat64, dy.shape()), dx(DType::kFloat64, x.shape()),
        dk(DType::kFloat64, k.shape());
    const auto add = [](Tensor& to, int64_t at, double value) { to.set(at, to.at(at) + value); };
    for (int64_t b = 0; b < kBatchSize; ++b) {
      s.each([&](int64_t o, int64_t e, int64_t t) {
        for (int64_t f = 0; f < s.filters; ++f) {
          for (int64_t c = 0; c < in_group; ++c) {
            const int64_t at_y = (b * windows + o) * s.filters + f,
                          at_x = (b * elements + e) * s.channels + f / out_group * in_group + c,
                          at_k = (t * in_group + c) * s.filters + f;
            add(y, at_y, x.at(at_x) * k.at(at_k));
            add(dx, at_x, dy.at(at_y) * k.at(at_k));
            add(dk, at_k, dy.at(at_y) * x.at(at_x));
          }
        }
      });
    }
    const std::vector<Tensor> found = run({x, k, dy}, [&](const std::vector<Symbol>& in) {
      const Symbol of = convolution(in[0], in[1], s.window(), s.groups);
      const Symbol parts[] = {in[0], in[1]};
      std::vector<Symbol> results = gradients(sum(of * in[2]), parts);
      results.push_back(of);
      results.push_back(
          convolution_transpose(in[2], in[1], {s.height, s.width}, s.window(), s.groups));
      return results;
    });
    EXPECT_EQ(testing_support::compare(found, {dx, dk, y, dx}, 1e-12), "")
        << s.size[0] << "x" << s.size[1] << " over " << s.height << "x" << s.width;
  }
}

std::vector<Setting> pools() {
  return {
      {4, 6, 3, 0, {2, 3}, {2, 3}, {1, 1}, {0, 0}, {0, 0}},
      {5, 7, 2, 0, {3, 2}, {1, 2}, {1, 1}, {1, 0}, {1, 1}},
      {9, 8, 1, 0, {2, 3}, {3, 4}, {1, 1}, {1, 1}, {0, 1}},
      {1, 3, 2, 0, {1, 1}, {1, 2}, {1, 1}, {0, 0}, {0, 0}},
      // Of more taps than are written out.
      {8, 9, 2, 0, {6, 7}, {2, 1}, {1, 1}, {2, 3}, {1, 3}},
      {14, 8, 1, 0, {7, 8}, {7, 8}, {1, 1}, {0, 0}, {0, 0}},
      {9, 21, 1, 0, {6, 6}, {1, 8}, {1, 1}, {5, 0}, {5, 1}},
  };
}

TEST(Windows, PoolsAndTheirGradientsAreThoseOfTheirDefinition) {
  for (const Setting& s : pools()) {
    const int64_t windows = s.count(0) * s.count(1), elements = s.height * s.width;
    Tensor x = number({kBatchSize, s.height, s.width, s.channels}, 1);
    for (int64_t i = 0; i < x.elements(); ++i) x.set(i, std::round(4 * x.at(i)));  // ties
    const Tensor dy = number({kBatchSize, s.count(0), s.count(1), s.channels}, 3);
    const auto zeros = [](const Tensor& like) { return Tensor(DType::kFloat64, like.shape()); };
    Tensor largest = zeros(dy), d_largest = zeros(x), average = zeros(dy), d_average = zeros(x);
    for (int64_t b = 0; b < kBatchSize; ++b) {
      for (int64_t c = 0; c < s.channels; ++c) {
        const auto at_x = [&](int64_t e) { return (b * elements + e) * s.channels + c; };
        const auto at_y = [&](int64_t o) { return (b * windows + o) * s.channels + c; };
        Ints first(static_cast<size_t>(windows), -1), number_of(static_cast<size_t>(windows), 0);
        s.each([&](int64_t o, int64_t e, int64_t) {
          const auto w = static_cast<size_t>(o);
          if (first[w] < 0 || x.at(at_x(e)) > x.at(at_x(first[w]))) first[w] = e;
          ++number_of[w];
        });
        s.each([&](int64_t o, int64_t e, int64_t) {
          const auto n = static_cast<double>(number_of[static_cast<size_t>(o)]);
          average.set(at_y(o), average.at(at_y(o)) + x.at(at_x(e)) / n);
          d_average.set(at_x(e), d_average.at(at_x(e)) + dy.at(at_y(o)) / n);
        });
        for (int64_t o = 0; o < windows; ++o) {
          const int64_t winner = at_x(first[static_cast<size_t>(o)]);
          largest.set(at_y(o), x.at(winner));
          d_largest.set(winner, d_largest.at(winner) + dy.at(at_y(o)));
        }
      }
    }
    Window window = s.window();
    window.dilations.clear();
    const std::vector<Tensor> found = run({x, dy}, [&](const std::vector<Symbol>& in) {
      const Symbol maxima = max_pool(in[0], s.size, window),
                   averages = average_pool(in[0], s.size, window);
      const Symbol parts[] = {in[0]};
      return std::vector<Symbol>{maxima, averages, gradients(sum(maxima * in[1]), parts)[0],
                                 gradients(sum(averages * in[1]), parts)[0]};
    });
    EXPECT_EQ(testing_support::compare(found, {largest, average, d_largest, d_average}, 1e-12), "")
        << s.size[0] << "x" << s.size[1] << " over " << s.height << "x" << s.width;
  }
}

// What windows of -infinity alone get goes to their first element, not to padding.
// Of any number of taps, what a kernel is made of is bounded: all that is written out is compiled.
TEST(Windows, LargeOnesAreLoops) {
  const auto nodes = [](Ints size, bool gradients) {
    register_ops();
    Graph g("g");
    Ints x = {2}, kernel = size;
    for (const int64_t s : size) x.push_back(s + 4);
    x.push_back(6);
    kernel.insert(kernel.end(), {1, 6});
    const Symbol in = g.input("x", {DType::kFloat32, Shape(x)});
    const Symbol w = g.input("w", {DType::kFloat32, Shape(kernel)});
    const Symbol y = convolution(in, w, {}, 6);
    const Symbol m = max_pool(in, size), a = average_pool(in, size);
    std::vector<Symbol> outputs = {y, m, a};
    if (gradients) {
      const std::vector<Symbol> wanted = {in, w};
      outputs = sinter::gradients(sum(square(y)) + sum(m) + sum(a), wanted);
    }
    for (const Symbol& out : outputs) g.add_output("y" + std::to_string(out.id().node), out.id());
    return in_kernel_ops(g, "training").nodes().size();
  };
  for (const Ints& size : {Ints{9, 9}, {31, 31}, {1, 101}, {101, 1}, {5, 5, 5}, {127}}) {
    EXPECT_LT(nodes(size, false), 40u) << size[0];
    EXPECT_LT(nodes(size, true), 120u) << size[0];
  }
  // A tap here: the small ones are sums, lanes along the channels.
  EXPECT_GT(nodes({7, 7}, false), 49u);
}

TEST(Windows, PaddingIsNoMaximum) {
  Tensor x(DType::kFloat32, {1, 4, 1});
  for (int64_t i = 0; i < 4; ++i) x.set(i, i < 2 ? -kInfinity : static_cast<double>(i));
  const std::vector<Tensor> found = run({x}, [](const std::vector<Symbol>& in) {
    const Symbol y = max_pool(in[0], {3}, {.strides = {2}, .low = {2}, .high = {0}});
    const Symbol parts[] = {in[0]};
    const Symbol chosen = slice(y, 1, 0, 1);
    return std::vector<Symbol>{y, gradients(chosen, parts)[0]};
  });
  EXPECT_EQ(found[0].at(0), -kInfinity);
  EXPECT_EQ(found[0].at(1), 2);
  for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(found[1].at(i), i == 0 ? 1 : 0) << i;
}

}  // namespace
}  // namespace sinter

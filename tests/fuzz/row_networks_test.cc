// Random networks whose rows are independent, or nearly: run in micro-batches they give what all
// rows at once give, and what mixes rows is never cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/micro_batches.h"
#include "tests/support/graph_runs.h"

namespace sinter {
namespace {

class Network {
 public:
  explicit Network(unsigned seed) : random_(seed), graph_("network") {
    register_ops();
    const Shape shapes[] = {{kBatch, 6}, {kBatch, 5, 4}, {kBatch, 6, 5, 3}, {kBatch, 4, 6, 6, 2}};
    Symbol x = graph_.input("x", {DType::kFloat32, shapes[below(4)]});
    values_ = {x};
    const int steps = 3 + static_cast<int>(below(8));
    for (int i = 0; i < steps; ++i) values_.push_back(step(pick()));
    graph_.add_output("y", values_.back().id());
    if (below(2) == 0) graph_.add_output("z", (pick() * 2.0).id());
  }

  const Graph& graph() const { return graph_; }
  /// Do rows meet somewhere?
  bool mixes() const { return mixes_; }

 private:
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  Symbol pick() { return values_[below(static_cast<uint32_t>(values_.size()))]; }
  // A dimension that is not the rows'.
  int axis(Symbol x) { return 1 + static_cast<int>(below(static_cast<uint32_t>(x.rank() - 1))); }
  Symbol variable(Shape shape) {
    return graph_.variable("v" + std::to_string(graph_.size()),
                           {DType::kFloat32, std::move(shape)});
  }
  int64_t last(Symbol x) { return x.shape()[x.rank() - 1]; }

  Symbol step(Symbol x) {
    if (x.rank() < 2) return expand_dims(x, 1) + variable({3});
    switch (below(24)) {
      case 0: return tanh(x);
      case 1: return relu(x) * 0.5 - x;
      case 2: return x + variable({last(x)});
      case 3: return dense(x, variable({last(x), 1 + below(9)}), {});
      case 4: return softmax(x, axis(x));
      case 5: return x - mean(x, {axis(x)}, true);
      case 6: return sum(x, {axis(x)}, below(2) == 0);
      case 7: return reduce_max(x, {axis(x)}, true) - x;
      case 8: return cast(argmax(x, axis(x)), DType::kFloat32) * 0.1;
      case 9: return slice(x, axis(x), 0, 1);
      case 10: return concat({x, sigmoid(x)}, axis(x));
      case 11: return pad(x, padding(x), padding(x), 0.25);
      case 12: return flat(x);
      case 13: return transposed(x);
      case 14: return attention(x);
      case 15: return gather(variable({7, 3}), cast(abs(tanh(x)) * 6.0, DType::kInt32));
      case 16: return gather(x, cast(iota(graph_, {2}, 0), DType::kInt32), axis(x));
      case 17:
      case 18: return windows(x);
      case 19: return x + same_shape(x);
      case 20: return x * cast(iota(graph_, Shape{last(x)}, 0), DType::kFloat32);
      case 21: return variable({1, last(x)}) * x;
      default: return below(3) == 0 ? mixed(x) : exp(-abs(x));
    }
  }

  std::vector<int64_t> padding(Symbol x) {
    std::vector<int64_t> amounts(static_cast<size_t>(x.rank()), 0);
    amounts[static_cast<size_t>(axis(x))] = below(3);
    return amounts;
  }
  Symbol flat(Symbol x) {
    int64_t all = 1;
    for (int d = 1; d < x.rank(); ++d) all *= x.shape()[d];
    return reshape(x, {kBatch, all});
  }
  Symbol transposed(Symbol x) {
    std::vector<int64_t> perm;
    for (int d = 0; d < x.rank(); ++d) perm.push_back(d);
    std::shuffle(perm.begin() + 1, perm.end(), random_);
    return transpose(x, perm);
  }
  Symbol attention(Symbol x) {
    if (x.rank() != 3) return x * 0.5;
    return matmul(softmax(matmul(x, x, false, true)), x);
  }
  Symbol windows(Symbol x) {
    if (x.rank() != 4 || x.shape()[1] < 3 || x.shape()[2] < 3) return square(x) * 0.1;
    const Window window{
        .strides = {1 + below(2), 1 + below(2)}, .low = {below(2), 0}, .high = {0, below(2)}};
    switch (below(3)) {
      case 0: return max_pool(x, {2, 3}, window);
      case 1: return average_pool(x, {3, 2}, window);
      default: return convolution(x, variable({3, 3, last(x), 1 + below(20)}) * 0.2, window);
    }
  }
  Symbol same_shape(Symbol x) {
    for (const Symbol& v : values_) {
      if (v.shape() == x.shape() && v.id() != x.id()) return v;
    }
    return x;
  }
  // Rows meet, are counted or numbered.
  Symbol mixed(Symbol x) {
    mixes_ = true;
    switch (below(5)) {
      case 0: return x - mean(x, {0}, true);
      case 1: return softmax(x, 0);
      case 2: return x / size(x, 0);
      case 3: {
        std::vector<int64_t> perm;
        for (int d = x.rank() - 1; d >= 0; --d) perm.push_back(d);
        const Symbol turned = transpose(x, perm);
        return transpose(turned / reduce_max(abs(turned) + 1.0, {x.rank() - 1}, true), perm);
      }
      default: return x + cast(iota(graph_, x.shape(), 0), DType::kFloat32);
    }
  }

  std::mt19937 random_;
  Graph graph_;
  std::vector<Symbol> values_;
  bool mixes_ = false;
};

TEST(RowNetworks, RunInMicroBatchesAsWhole) {
  int cut = 0, mixing = 0;
  constexpr unsigned kNetworks = 400;
  for (unsigned seed = 0; seed < kNetworks; ++seed) {
    const Network network(seed);
    const int64_t rows[] = {16, 24, 40, 33};
    const int64_t batch = rows[seed % 4];
    CompileOptions options{.backend = seed % 5 == 0 ? "reference" : "auto", .batch = batch};
    options.strict_precision = true;
    options.micro_batch_bytes = 0;
    const auto whole = compile(network.graph(), options);
    options.micro_batch_bytes = 64;
    const auto parts = compile(network.graph(), options);
    const testing_support::Feeds feeds =
        testing_support::random_feeds(specialize(network.graph(), batch), seed, -1, 1);
    whole->bind(feeds.variables);
    parts->bind(feeds.variables);
    ASSERT_EQ(testing_support::compare(parts->run(feeds.inputs), whole->run(feeds.inputs), 1e-4),
              "")
        << "network " << seed << ", " << batch << " rows\n"
        << to_text(network.graph()) << parts->to_string();
    const bool is_cut = micro_batches_of(parts->program()) != nullptr;
    cut += is_cut;
    mixing += network.mixes();
  }
  EXPECT_GT(cut, static_cast<int>(kNetworks) / 3);
  EXPECT_GT(mixing, static_cast<int>(kNetworks) / 20);
}

}  // namespace
}  // namespace sinter

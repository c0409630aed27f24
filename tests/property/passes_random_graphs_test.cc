// Random graphs of elementwise ops, broadcasts, reductions, moves and products through the
// pipelines: the same numbers, regions in their form, and updates of variables among them.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/region_form.h"
#include "core/text.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"
#include "tests/support/graph_runs.h"

namespace sinter {
namespace {

class RandomGraph {
 public:
  RandomGraph(unsigned seed, bool jumps) : engine_(seed), graph_("random"), jumps_(jumps) {
    const int64_t r = pick(std::vector<int64_t>{1, 3, 4}), c = pick(std::vector<int64_t>{1, 4, 6});
    shapes_ = {Shape{r, c}, Shape{r}, Shape{c}, Shape{}, Shape{r, 1}, Shape{2, r, c}};
    for (size_t k = 0; k < shapes_.size(); ++k) {
      values_.push_back(graph_.input("x" + std::to_string(k), {DType::kFloat32, shapes_[k]}));
      variables_.push_back(graph_.variable("w" + std::to_string(k), {DType::kFloat32, shapes_[k]}));
      values_.push_back(variables_.back());
    }
  }

  Graph make(int steps) {
    for (int k = 0; k < steps; ++k) {
      graph_.set_origin(
          std::make_shared<const Origin>(Origin{"layer" + std::to_string(k), "random.cc", k}));
      step();
    }
    for (int k = 0; k < 4; ++k) graph_.add_output("y" + std::to_string(k), pick(values_).id());
    for (const Symbol& w : variables_) {
      std::vector<Symbol> fitting;
      std::copy_if(values_.begin(), values_.end(), std::back_inserter(fitting),
                   [&](const Symbol& s) { return s.shape() == w.shape(); });
      if (engine_() % 2 == 0) graph_.add_update(w.id().node, pick(fitting).id());
    }
    return graph_;
  }

 private:
  template <typename T>
  T pick(const std::vector<T>& from) {
    return from[engine_() % from.size()];
  }

  // A recent value rather often, so that chains grow.
  Symbol any() {
    const size_t recent = std::min<size_t>(values_.size(), 4);
    return engine_() % 3 == 0 ? pick(values_) : values_[values_.size() - 1 - engine_() % recent];
  }

  void step() {
    const Symbol x = any();
    switch (engine_() % 12) {
      case 0:
      case 1: values_.push_back(unary(x)); break;
      case 2:
      case 3:
      case 4:
      case 5: {
        Symbol y = any();
        for (int tries = 0; tries < 8 && !broadcast_shapes(x.shape(), y.shape()); ++tries)
          y = any();
        if (broadcast_shapes(x.shape(), y.shape())) values_.push_back(binary(x, y));
        break;
      }
      case 6:
      case 7:
      case 8: {
        if (x.rank() == 0) break;
        const auto axis = static_cast<int64_t>(engine_() % static_cast<unsigned>(x.rank()));
        const bool keep = engine_() % 2 == 0;
        const std::vector<int64_t> axes =
            engine_() % 4 == 0 ? std::vector<int64_t>{} : std::vector<int64_t>{axis};
        values_.push_back(engine_() % 3 == 0 ? reduce_max(x, axes, keep) : mean(x, axes, keep));
        break;
      }
      case 9: values_.push_back(broadcast_back(x)); break;
      case 10:
        if (x.rank() == 2)
          values_.push_back(engine_() % 2 == 0 ? transpose(transpose(x))
                                               : softmax(x, static_cast<int>(engine_() % 2)));
        else if (x.rank() > 0)
          values_.push_back(log_softmax(x));
        break;
      default: {
        if (x.rank() != 2) break;
        const Symbol product = matmul(x, x, false, true) * 0.25;  // [r,r]
        values_.push_back(tanh(matmul(product, x)));
      }
    }
  }

  Symbol unary(Symbol x) {
    switch (engine_() % 6) {
      case 0: return tanh(x);
      case 1: return sigmoid(x);
      case 2: return relu(x);
      case 3: return negative(x);
      case 4: return x * 0.5;
      default: return gelu(x);
    }
  }
  Symbol binary(Symbol x, Symbol y) {
    switch (engine_() % 5) {
      case 0: return x + y;
      case 1: return x - y;
      case 2: return tanh(x) * y;
      case 3: return maximum(x, y);
      default: return jumps_ ? select(less(x, y), x, y * 0.5) : minimum(x, y);
    }
  }
  Symbol broadcast_back(Symbol x) {
    for (int tries = 0; tries < 6; ++tries) {
      const Shape to = pick(shapes_);
      if (broadcast_shapes(x.shape(), to) == to) return tanh(broadcast_to(x, to));
    }
    return x;
  }

  std::mt19937 engine_;
  Graph graph_;
  bool jumps_;  // may small differences become large ones?
  std::vector<Shape> shapes_;
  std::vector<Symbol> values_, variables_;
};

class RandomGraphs : public testing::TestWithParam<unsigned> {};

// Lowers 40 random graphs with some passes off and compares.
void check(unsigned first_seed, bool jumps, std::vector<std::string> disabled, double tolerance) {
  register_ops();
  Target target;
  target.fuses_elementwise = target.fuses_epilogues = true;
  PassContext context;
  context.target = &target;
  context.evaluate = [](const Graph& g) { return evaluate_graph(g, {}); };
  context.disabled = std::move(disabled);
  for (unsigned k = 0; k < 40; ++k) {
    const unsigned seed = first_seed + k;
    const Graph graph = RandomGraph(seed, jumps).make(10 + static_cast<int>(k));
    const Graph lowered =
        run_pipeline(find_pipeline(k % 2 == 0 ? "training" : "inference"), graph, context);
    const auto texts = [&] {
      return "seed " + std::to_string(seed) + "\n" + to_text(graph, {.origins = false}) +
             to_text(lowered, {.origins = false});
    };
    ASSERT_NO_THROW(check_regions(lowered)) << texts();
    const auto feeds = testing_support::random_feeds(graph, seed, -1, 1);
    ASSERT_EQ(testing_support::compare(testing_support::run_reference(lowered, feeds),
                                       testing_support::run_reference(graph, feeds), tolerance),
              "")
        << texts();
    ASSERT_TRUE(equal_graphs(parse_graph(to_text(lowered)), lowered)) << texts();
  }
}

TEST_P(RandomGraphs, KeepTheirNumbers) { check(GetParam() * 1000, false, {}, 5e-5); }

// Only simplify holds rules that round elsewhere; all else is exact on the reference backend.
TEST_P(RandomGraphs, KeepTheirBitsWithoutSimplify) {
  check(GetParam() * 1000, true, {"simplify"}, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, testing::Range(1u, 6u));

}  // namespace
}  // namespace sinter

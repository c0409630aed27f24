#include "tests/differential/random_graph.h"

#include <fmt/format.h>

#include <random>

#include "ops/gradients.h"
#include "ops/ops.h"

namespace sinter {
namespace {

class Maker {
 public:
  Maker(unsigned seed, int ops) : engine_(seed), ops_(ops) {}

  RandomGraph make() {
    // Sizes on and around vector lanes and tiles.
    rows_ = pick<int64_t>({1, 2, 5, 15, 16, 17, 33, 64});
    for (int i = 0; i < 2; ++i) values_.push_back(input(Shape{rows_, columns()}));
    for (int i = 0; i < ops_; ++i) {
      Symbol v = step();
      // Bounded values keep the comparison of two roundings meaningful.
      if (v.valid()) values_.push_back(v);
    }
    const Symbol last = values_.back();
    result_.graph.add_output("last", last.id());
    const Symbol other = any();
    result_.graph.add_output("other", other.id());
    if (!weights_.empty() && chance(0.6)) {
      const Symbol loss = mean(square(last)) + mean(tanh(other));
      const auto d = gradients(loss, weights_);
      for (size_t i = 0; i < weights_.size(); ++i) {
        result_.graph.add_output(fmt::format("d{}", i), d[i].id());
        if (chance(0.5))
          result_.graph.add_update(weights_[i].id().node, (weights_[i] - d[i] * 0.1).id());
      }
    }
    return std::move(result_);
  }

 private:
  template <typename T>
  T pick(std::vector<T> options) {
    return options[std::uniform_int_distribution<size_t>(0, options.size() - 1)(engine_)];
  }
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(engine_) < p; }
  int64_t columns() { return pick<int64_t>({1, 3, 7, 15, 16, 17, 31, 33, 64, 100}); }
  Symbol any() { return pick(values_); }

  Tensor random_tensor(Shape shape, double scale) {
    std::uniform_real_distribution<float> real(static_cast<float>(-scale),
                                               static_cast<float>(scale));
    Tensor t(DType::kFloat32, std::move(shape));
    for (float& v : t.data<float>()) v = real(engine_);
    return t;
  }
  Symbol input(Shape shape) {
    result_.inputs.push_back(random_tensor(shape, 1.5));
    return result_.graph.input(fmt::format("x{}", result_.inputs.size()), {DType::kFloat32, shape});
  }
  Symbol variable(Shape shape) {
    result_.variables.push_back(random_tensor(shape, 0.4));
    weights_.push_back(result_.graph.variable(fmt::format("w{}", result_.variables.size()),
                                              {DType::kFloat32, shape}));
    return weights_.back();
  }
  Symbol matching(const Symbol& like) {
    for (int i = 0; i < 4; ++i) {
      const Symbol v = any();
      if (broadcast_shapes(v.shape(), like.shape()) == like.shape()) return v;
    }
    return pick<Symbol>({like, variable(Shape{like.shape()[1]})});
  }

  Symbol step() {
    const Symbol x = any();
    switch (std::uniform_int_distribution<int>(0, 15)(engine_)) {
      case 0:
        return pick<Symbol (*)(Symbol)>(
            {relu, sigmoid, tanh, softplus, softsign, exponential_bounded, selu, mish})(x);
      case 1: return pick<int>({0, 1}) ? gelu(x, chance(0.5)) : swish(x, 1.3);
      case 2: return x + matching(x);
      case 3: return x * tanh(matching(x));
      case 4: return x - 0.5 * matching(x);
      case 5: return x / (1.5 + square(matching(x)));
      case 6: {
        const int64_t units = columns();
        return tanh(dense(x, variable(Shape{x.shape()[1], units}),
                          chance(0.7) ? variable(Shape{units}) : Symbol()));
      }
      case 7: {
        const int64_t units = columns();
        return leaky_relu(
            dense(tanh(x), variable(Shape{x.shape()[1], units}), variable(Shape{units})), 0.1);
      }
      case 8: return softmax(x, chance(0.8) ? 1 : 0);
      case 9: return log_softmax(tanh(x), 1);
      case 10: return x - mean(x, {chance(0.5) ? 0 : 1}, true);
      case 11: return tanh(sum(x, {0}, true) * 0.1 + x);
      case 12: {
        const int64_t c = x.shape()[1];
        return tanh(batch_norm_training(x, variable(Shape{c}), variable(Shape{c}), 1e-2).y);
      }
      case 13: {
        const int64_t c = x.shape()[1];
        if (c < 3) return clip(x, -0.75, 0.8);
        const Symbol parts[] = {slice(x, 1, 0, c / 2), slice(x, 1, c / 3, c)};
        return concat(parts, 1);
      }
      case 14: return chance(0.5) ? sqrt(square(x) + 0.1) : log(square(x) + 1.0);
      default: {
        // Conditions on inputs alone: rounding must not flip them.
        const Symbol condition = greater(values_[0], 0.1);
        if (values_[0].shape() == x.shape()) return select(condition, x, -x);
        return maximum(x, matching(x));
      }
    }
  }
  static Symbol exponential_bounded(Symbol x) { return exp(-square(x)); }

  std::mt19937 engine_;
  int ops_;
  int64_t rows_ = 1;
  RandomGraph result_;
  std::vector<Symbol> values_, weights_;
};

}  // namespace

RandomGraph make_random_graph(unsigned seed, int ops) {
  register_ops();
  // Symbols point into the graph while it is made, so it is moved only afterwards.
  return Maker(seed, ops).make();
}

}  // namespace sinter

// Functions of symbols as programs: loops of one's own, second order, and the gradients of a model.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>

#include "tests/support/error_of.h"

namespace sinter {
namespace {

class CompiledFunctions : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(1);
    set_backend(GetParam());
  }
  void TearDown() override { set_backend("auto"); }
};
INSTANTIATE_TEST_SUITE_P(Backends, CompiledFunctions, ::testing::Values("reference", "auto"),
                         [](const auto& info) { return info.param; });

Tensor line(int64_t rows) {
  Tensor x(DType::kFloat32, {rows, 1});
  for (int64_t i = 0; i < rows; ++i)
    x.set(i, -2 + 4.0 * static_cast<double>(i) / static_cast<double>(rows - 1));
  return x;
}

Tensor mapped(const Tensor& x, double (*f)(double)) {
  Tensor y(x.dtype(), x.shape());
  for (int64_t i = 0; i < x.elements(); ++i) y.set(i, f(x.at(i)));
  return y;
}

Model network() {
  auto in = Input(1);
  return Model(in, Dense(1)(Dense(8, "tanh")(in)));
}

TEST_P(CompiledFunctions, ALoopOfOnesOwnIsWhatFitDoes) {
  const Tensor x = line(32), y = mapped(x, std::sin);
  const Model by_fit = network(), by_hand = network();
  by_hand.set_weights(by_fit.get_weights());
  by_fit.compile({.optimizer = SGD(0.05), .loss = "mse"});
  const History history =
      by_fit.fit(x, y, {.epochs = 20, .batch_size = 32, .verbose = 0, .shuffle = false});

  const auto weights = by_hand.trainable_variables();
  const CompiledFunction step([&](CallContext& context, Symbol inputs, Symbol labels) {
    const Symbol loss = mean(square(by_hand.call(context, inputs) - labels));
    const auto g = context.gradients(loss, weights);
    for (size_t i = 0; i < g.size(); ++i)
      context.assign(weights[i], context.variable(weights[i]) - 0.05 * g[i]);
    return loss;
  });
  for (int epoch = 0; epoch < 20; ++epoch)
    EXPECT_NEAR(step(x, y).at(0), history["loss"][static_cast<size_t>(epoch)], 1e-6);
  const Tensor a = by_fit.predict(x), b = by_hand.predict(x);
  for (int64_t i = 0; i < 32; ++i) EXPECT_NEAR(a.at(i), b.at(i), 1e-5);
}

TEST_P(CompiledFunctions, OptimizersApplyGradients) {
  const Tensor x = line(32), y = mapped(x, std::sin);
  const Model by_fit = network(), by_hand = network();
  by_hand.set_weights(by_fit.get_weights());
  by_fit.compile({.optimizer = Adam(0.01), .loss = "mse"});
  by_fit.fit(x, y, {.epochs = 10, .batch_size = 32, .verbose = 0, .shuffle = false});
  const Optimizer optimizer = Adam(0.01);
  const auto weights = by_hand.trainable_variables();
  const CompiledFunction step([&](CallContext& context, Symbol inputs, Symbol labels) {
    const Symbol loss = mean(square(by_hand.call(context, inputs) - labels));
    optimizer.apply_gradients(context, context.gradients(loss, weights), weights);
  });
  for (int epoch = 0; epoch < 10; ++epoch) EXPECT_TRUE(step.call({x, y}).empty());
  EXPECT_EQ(optimizer.variables()[0]->value.at(0), 10);
  const Tensor a = by_fit.predict(x), b = by_hand.predict(x);
  for (int64_t i = 0; i < 32; ++i) EXPECT_NEAR(a.at(i), b.at(i), 1e-5);
  EXPECT_THROW(CompiledFunction([&](CallContext& c, Symbol s) {
                 optimizer.apply_gradients(c, {s}, weights);
               }).call({x}),
               Error);
}

// The slope of the network is trained towards cos: gradients of a gradient.
TEST_P(CompiledFunctions, SecondOrder) {
  const Tensor x = line(64), slope = mapped(x, std::cos);
  const Model model = network();
  const auto weights = model.trainable_variables();
  const Optimizer adam = Adam(0.02);
  const CompiledFunction step([&](CallContext& context, Symbol inputs, Symbol wanted) {
    const Symbol y = model.call(context, inputs);
    const Symbol dy = gradients(y, std::vector<Symbol>{inputs})[0];
    const Symbol loss = mean(square(dy - wanted));
    adam.apply_gradients(context, context.gradients(loss, weights), weights);
    return loss;
  });
  const double before = step(x, slope).at(0);
  double after = before;
  for (int i = 0; i < 600; ++i) after = step(x, slope).at(0);
  EXPECT_LT(after, 0.02 * before);
  // f(1) - f(-1) is the integral of the slope.
  const Tensor ends = model.predict(Tensor::from<float>({2, 1}, std::vector<float>{-1, 1}));
  EXPECT_NEAR(ends.at(1) - ends.at(0), 2 * std::sin(1.0), 0.05);
}

TEST_P(CompiledFunctions, BatchesOfAnySizeAndInputsWithout) {
  int written = 0;
  const CompiledFunction f(
      [&](CallContext&, Symbol x, Symbol w, Symbol scale) {
        ++written;
        return std::vector<Symbol>{scale * matmul(x, w), sum(x)};
      },
      {.batched = {true, false, false}});
  const Tensor w = Tensor::full(DType::kFloat32, {3, 2}, 1.0);
  for (int64_t n : {1, 2, 3, 5, 3}) {
    const std::vector<Tensor> y = f.call(
        {Tensor::full(DType::kFloat32, {n, 3}, 2.0), w, Tensor::full(DType::kFloat32, {}, 0.5)});
    EXPECT_EQ(y.at(0).shape(), Shape({n, 2}));
    EXPECT_EQ(y.at(0).at(0), 3);
    EXPECT_EQ(y.at(1).at(0), 6.0 * static_cast<double>(n));
  }
  EXPECT_EQ(written, 1);
  const CompiledFunction pair([](CallContext&, Symbol a, Symbol b) { return a + b; });
  EXPECT_THROW(pair(line(3), line(4)), ShapeError);
  EXPECT_EQ(testing::error_of([&] { pair(line(3)); }).substr(29),
            ": the function takes 2 inputs, given 1");
  EXPECT_THROW(f(line(3), w, w), Error);
  const CompiledFunction list([](CallContext&, std::span<const Symbol> xs) {
    Symbol total = xs[0];
    for (size_t i = 1; i < xs.size(); ++i) total = total + xs[i];
    return total;
  });
  EXPECT_EQ(list(line(2), line(2), line(2)).at(1), 6);
}

// As in a PINN: inside the domain and on its edge are points of different numbers.
TEST_P(CompiledFunctions, InputsOfDifferentRows) {
  const Model model = network();
  int written = 0;
  const CompiledFunction loss([&](CallContext& context, Symbol inside, Symbol edge) {
    ++written;
    const Symbol slope = gradients(sum(model.call(context, inside)), {inside})[0];
    return mean(square(slope)) + mean(square(model.call(context, edge)));
  });
  for (const int64_t rows : {5, 7, 2, 3}) {
    const Tensor edge = model.predict(line(2));
    const double expected = (edge.at(0) * edge.at(0) + edge.at(1) * edge.at(1)) / 2;
    const CompiledFunction inner([&](CallContext& context, Symbol x) {
      return mean(square(gradients(sum(model.call(context, x)), {x})[0]));
    });
    EXPECT_NEAR(loss(line(rows), line(2)).at(0), inner(line(rows)).at(0) + expected, 1e-5) << rows;
  }
  EXPECT_EQ(written, 1);  // that the rows are as many once is chance
  const CompiledFunction both([](CallContext&, Symbol a, Symbol b) { return concat({a, b}, 1); });
  EXPECT_EQ(both(line(3), line(3)).shape(), Shape({3, 2}));
}

// As many rows by chance, in the first call or in a later one.
TEST_P(CompiledFunctions, WhatInputsAreIsNoMatterOfChance) {
  const auto product = [](CallContext&, Symbol x, Symbol w) { return matmul(x, w); };
  const auto ones = [](int64_t rows, int64_t columns) {
    return Tensor::full(DType::kFloat32, {rows, columns}, 1);
  };
  for (const std::vector<int64_t>& order : {std::vector<int64_t>{3, 4, 5}, {4, 3, 4}}) {
    const CompiledFunction f(product);
    for (const int64_t rows : order) {
      EXPECT_EQ(f(ones(rows, 4), ones(4, 5)).shape(), Shape({rows, 5}));
      EXPECT_EQ(f(ones(rows, 4), ones(4, 5)).at(0), 4);
    }
  }
  // Rows that the function has to count.
  const CompiledFunction stacked([](CallContext&, Symbol a, Symbol b) {
    return concat({a, b}, 0);
  });
  for (const int64_t rows : {2, 5, 3})
    EXPECT_EQ(stacked(ones(rows, 2), ones(3, 2)).shape(), Shape({rows + 3, 2}));
  const CompiledFunction fails(product);
  const std::string text = testing::error_of([&] { fails(ones(2, 3), ones(2, 3)); });
  EXPECT_NE(text.find("matmul(float32[2,3], float32[2,3])"), std::string::npos) << text;
}

TEST_P(CompiledFunctions, WhatIsGivenIsChecked) {
  const auto f = [](CallContext&, Symbol x) { return x; };
  EXPECT_NE(testing::error_of([&] {
              CompiledFunction(f, {.disabled_passes = {"fold_batchnorm"}});
            }).find("unknown pass 'fold_batchnorm'; did you mean 'fold_batch_norm'?"),
            std::string::npos);
  const CompiledFunction two(f, {.batched = {true, true}});
  EXPECT_THROW(two(line(3)), Error);
}

TEST_P(CompiledFunctions, SymbolsOfOtherCallsAreRefused) {
  Symbol kept;
  const CompiledFunction keep([&](CallContext&, Symbol x) { return kept = x; });
  keep(line(2));
  EXPECT_THROW(CompiledFunction([&](CallContext&, Symbol) { return kept; })(line(2)), Error);
  EXPECT_THROW(CompiledFunction([&](CallContext&, Symbol) { return Symbol(); })(line(2)), Error);
}

TEST_P(CompiledFunctions, NoneCallsItself) {
  const CompiledFunction* self = nullptr;
  const CompiledFunction itself([&](CallContext&, Symbol x) {
    (*self)(line(2));
    return x;
  });
  self = &itself;
  EXPECT_THROW(itself(line(2)), Error);
  const CompiledFunction twice([](CallContext&, Symbol x) { return 2.0 * abs(x); });
  const CompiledFunction another(
      [&](CallContext&, Symbol x) { return x + sum(constant(x.graph(), twice(line(2)))); });
  EXPECT_EQ(another(line(2)).at(1), 2 + 8);
  EXPECT_THROW(itself(line(2)), Error);  // it can still be called
}

TEST_P(CompiledFunctions, WithoutTrainingLayersWorkAsInPrediction) {
  auto in = Input(4);
  const Model model(in, Dense(2)(Dropout(0.5)(BatchNormalization()(Dense(4)(in)))));
  Tensor x(DType::kFloat32, {8, 4});
  for (int64_t i = 0; i < 32; ++i) x.set(i, static_cast<double>(i * i % 7));
  const CompiledFunction infer([&](CallContext& c, Symbol s) { return model.call(c, s); },
                               {.training = false});
  const Tensor a = infer(x), b = model.predict(x);
  for (int64_t i = 0; i < a.elements(); ++i) EXPECT_NEAR(a.at(i), b.at(i), 1e-5);
  const auto before = model.get_weights();
  EXPECT_TRUE(infer(x).identical(a));
  const CompiledFunction train([&](CallContext& c, Symbol s) { return model.call(c, s); });
  EXPECT_FALSE(train(x).identical(train(x)));  // other dropout each time
  bool moved = false;
  for (size_t i = 0; i < before.size(); ++i)
    moved = moved || !before[i].identical(model.get_weights()[i]);
  EXPECT_TRUE(moved);  // the moving averages
  // Weights that change elsewhere are seen.
  for (const VariablePtr& v : model.variables())
    v->assign(Tensor::full(v->value.dtype(), v->value.shape(), 0.25));
  const Tensor c = infer(x), d = model.predict(x);
  for (int64_t i = 0; i < c.elements(); ++i) EXPECT_NEAR(c.at(i), d.at(i), 1e-5);
}

TEST_P(CompiledFunctions, GradientsOfAModelAreThoseOfItsStep) {
  const Tensor x = line(16), y = mapped(x, std::sin);
  auto in = Input(1);
  const Model model(in,
                    Dense(1)(Dense(4, {.activation = "tanh", .kernel_regularizer = L2(0.1)})(in)));
  model.compile({.optimizer = SGD(0.5), .loss = "mse"});
  const auto before = model.get_weights();
  const auto g = model.gradients(x, y);
  ASSERT_EQ(g.size(), before.size());
  for (size_t i = 0; i < g.size(); ++i) EXPECT_TRUE(before[i].identical(model.get_weights()[i]));
  model.train_on_batch(x, y);
  const auto after = model.get_weights();
  for (size_t i = 0; i < g.size(); ++i) {
    for (int64_t k = 0; k < g[i].elements(); ++k)
      EXPECT_NEAR(after[i].at(k), before[i].at(k) - 0.5 * g[i].at(k), 1e-6);
  }
  EXPECT_EQ(model.optimizer().variables()[0]->value.at(0), 1);  // gradients() does not count
}

}  // namespace
}  // namespace sinter

// The chain rule on whole graphs: a small perceptron against closed forms and finite differences.
#include "ops/gradients.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/error.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

Tensor random_tensor(Shape shape, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  Tensor t(DType::kFloat64, std::move(shape));
  for (double& v : t.data<double>()) v = normal(engine);
  return t;
}

TEST(Gradients, PolynomialToThirdOrder) {
  Graph g;
  const Symbol x = g.input("x", {DType::kFloat64, Shape{3}});
  const Symbol y = x * x * x;
  const Symbol d1 = gradients(sum(y), {&x, 1})[0];
  const Symbol d2 = gradients(sum(d1), {&x, 1})[0];
  const Symbol d3 = gradients(sum(d2), {&x, 1})[0];
  g.add_output("d1", d1.id());
  g.add_output("d2", d2.id());
  g.add_output("d3", d3.id());
  const Tensor in = Tensor::from<double>(Shape{3}, std::vector<double>{-2, 0.5, 3});
  const auto out = evaluate_graph(g, {&in, 1});
  for (int64_t i = 0; i < 3; ++i) {
    const double v = in.at(i);
    EXPECT_DOUBLE_EQ(out[0].at(i), 3 * v * v);
    EXPECT_DOUBLE_EQ(out[1].at(i), 6 * v);
    EXPECT_DOUBLE_EQ(out[2].at(i), 6);
  }
}

TEST(Gradients, PerceptronWithSymbolicBatchMatchesDifferences) {
  Graph g("perceptron");
  const Symbol x = g.input("x", {DType::kFloat64, Shape{kBatch, 4}});
  const Symbol t = g.input("t", {DType::kFloat64, Shape{kBatch, 3}});
  const Symbol w1 = g.variable("w1", {DType::kFloat64, Shape{4, 5}});
  const Symbol b1 = g.variable("b1", {DType::kFloat64, Shape{5}});
  const Symbol w2 = g.variable("w2", {DType::kFloat64, Shape{5, 3}});
  const Symbol h = tanh(dense(x, w1, b1));
  const Symbol loss = mean(softmax_cross_entropy(t, dense(h, w2)));
  const Symbol wrt[] = {w1, b1, w2};
  const auto dw = gradients(loss, wrt);
  g.add_output("loss", loss.id());
  for (size_t k = 0; k < 3; ++k) g.add_output("d" + std::to_string(k), dw[k].id());
  verify(g, "building");
  const Tensor inputs[] = {random_tensor(Shape{6, 4}, 1),
                           Tensor::full(DType::kFloat64, Shape{6, 3}, 1.0 / 3)};
  const std::vector<Tensor> variables = {random_tensor(Shape{4, 5}, 2), random_tensor(Shape{5}, 3),
                                         random_tensor(Shape{5, 3}, 4)};
  const auto out = evaluate_graph(g, inputs, variables);
  constexpr double kStep = 1e-6;
  for (size_t k = 0; k < 3; ++k) {
    for (int64_t i = 0; i < variables[k].elements(); ++i) {
      const auto loss_at = [&](double delta) {
        std::vector<Tensor> moved = variables;
        moved[k] = variables[k].clone();
        moved[k].set(i, variables[k].at(i) + delta);
        return evaluate_graph(g, inputs, moved)[0].at(0);
      };
      EXPECT_NEAR(out[k + 1].at(i), (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep), 1e-8);
    }
  }
}

// Each of two samples, of a batch not known before, is read by its own indices: element i as often
// as they say, clamped.
TEST(Gradients, OfWhatEachSampleGathers) {
  Graph g;
  const Symbol x = g.input("x", {DType::kFloat64, Shape{kBatch, 3, 2}});
  const Symbol i = g.input("i", {DType::kInt32, Shape{kBatch, 4}});
  const Symbol y = gather(x, i, 1, 1);
  EXPECT_EQ(y.shape(), (Shape{kBatch, 4, 2}));
  const Symbol d1 = gradients(sum(y * y * y), {&x, 1})[0];
  const Symbol d2 = gradients(sum(d1), {&x, 1})[0];
  g.add_output("y", y.id());
  g.add_output("d1", d1.id());
  g.add_output("d2", d2.id());
  const Tensor numbers = random_tensor(Shape{2, 3, 2}, 1);
  const std::vector<int32_t> indices = {0, 2, 2, -1, 1, 1, 9, 1};
  const Tensor in[] = {numbers, Tensor::from<int32_t>(Shape{2, 4}, indices)};
  const std::vector<double> times = {2, 0, 2, 0, 3, 1};
  const auto out = evaluate_graph(g, in);
  const std::vector<int64_t> rows = {0, 2, 2, 0, 4, 4, 5, 4};
  for (int64_t e = 0; e < 16; ++e) {
    const int64_t row = rows[static_cast<size_t>(e / 2)];
    EXPECT_EQ(out[0].at(e), numbers.at(row * 2 + e % 2)) << e;
  }
  for (int64_t e = 0; e < 12; ++e) {
    const double v = numbers.at(e), n = times[static_cast<size_t>(e / 2)];
    EXPECT_NEAR(out[1].at(e), 3 * n * v * v, 1e-12) << e;
    EXPECT_NEAR(out[2].at(e), 6 * n * v, 1e-12) << e;
  }
}

TEST(Gradients, IntegersCarryNoneAndSaySo) {
  Graph g;
  const Symbol i = g.input("i", {DType::kInt32, Shape{3}});
  EXPECT_THROW(gradients(i, {&i, 1}), Error);
}

TEST(Gradients, StopGradientStops) {
  Graph g;
  const Symbol x = g.input("x", {DType::kFloat64, Shape{}});
  const Symbol dx = gradients(x * stop_gradient(x), {&x, 1})[0];
  g.add_output("dx", dx.id());
  const Tensor in = Tensor::scalar(5.0);
  EXPECT_EQ(evaluate_graph(g, {&in, 1})[0].at(0), 5.0);
}

TEST(Gradients, OfADivisionByZeroAreZero) {
  Graph g;
  const Symbol x = g.input("x", {DType::kFloat64, Shape{5}}), y = g.input("y", x.type());
  const Symbol both[] = {x, y};
  const Symbol z = divide_no_nan(x, y);
  const std::vector<Symbol> first = gradients(sum(z), both);
  const std::vector<Symbol> second = gradients(sum(first[1]), both);
  const Symbol results[] = {z,
                            first[0],
                            first[1],
                            second[0],
                            second[1],
                            divide_no_nan(1, y),
                            divide_no_nan(x, 0),
                            divide_no_nan(cast(x, DType::kInt32), 2)};
  for (size_t i = 0; i < std::size(results); ++i)
    g.add_output("r" + std::to_string(i), results[i].id());
  EXPECT_EQ(results[7].dtype(), DType::kFloat32);
  const std::vector<Tensor> in = {
      Tensor::from<double>(Shape{5}, std::vector<double>{3, -2, 0, INFINITY, NAN}),
      Tensor::from<double>(Shape{5}, std::vector<double>{2, 0, -0.0, 0, 0})};
  const std::vector<Tensor> out = evaluate_graph(g, in);
  const double of_first[] = {1.5, 0.5, -0.75, -0.25, 0.75, 0.5, 0, 1.5};
  for (size_t r = 0; r < out.size(); ++r) {
    EXPECT_EQ(out[r].at(0), of_first[r]) << r;
    if (r == 7) continue;
    for (int64_t i = 1; i < 5; ++i) EXPECT_EQ(out[r].at(i), 0) << r << " " << i;
  }
}

}  // namespace
}  // namespace sinter

// Values and derivatives of every activation against Keras's, in float64 and on the reference
// backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "tests/keras/case_files.h"

namespace sinter::keras_test {
namespace {

const std::map<std::string, std::function<Symbol(Symbol)>> kSpecial = {
    {"leaky_relu_0.1", [](Symbol x) { return leaky_relu(x, 0.1); }},
    {"gelu_approximate", [](Symbol x) { return gelu(x, true); }},
    {"hard_shrink_2", [](Symbol x) { return hard_shrink(x, 2.0); }},
    {"soft_shrink_2", [](Symbol x) { return soft_shrink(x, 2.0); }},
    {"threshold", [](Symbol x) { return threshold(x, 0.25, -1.5); }},
    {"celu_0.5", [](Symbol x) { return celu(x, 0.5); }},
    {"squareplus_2", [](Symbol x) { return squareplus(x, 2.0); }},
};

Symbol apply(const std::string& name, Symbol x) {
  const auto special = kSpecial.find(name);
  return special == kSpecial.end() ? activation(name, x) : special->second(x);
}

/// NaN in `expected` stands for infinity or an undefined slope and is not compared.
void expect_close(const Tensor& found, const std::vector<double>& expected,
                  const std::vector<double>& x, double t, const std::string& what) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i])) continue;
    const double allowed = t * std::max(1.0, std::abs(expected[i]));
    EXPECT_NEAR(found.at(static_cast<int64_t>(i)), expected[i], allowed) << what << " at " << x[i];
  }
}

TEST(KerasActivations, ValuesAndSlopes) {
  const ActivationTable table = load_activations();
  const int64_t count = static_cast<int64_t>(table.x.size());
  const Tensor points = Tensor::from<double>({count}, table.x);
  EXPECT_EQ(table.f.size(), 33u);
  for (const auto& [name, expected] : table.f) {
    SCOPED_TRACE(name);
    Graph graph;
    const Symbol x = graph.input("x", points.type());
    const Symbol y = apply(name, x);
    graph.add_output("f", y.id());
    graph.add_output("df", gradients(y, std::vector<Symbol>{x})[0].id());
    const std::vector<Tensor> results = evaluate_graph(graph, std::vector<Tensor>{points});
    std::vector<double> slopes = table.df.at(name);
    if (name.starts_with("celu")) {
      // Both terms of Keras's sum count at 0; the function has the slope 1 there.
      const auto zero = std::ranges::find(table.x, 0.0) - table.x.begin();
      EXPECT_EQ(std::exchange(slopes.at(static_cast<size_t>(zero)), 1), 2);
    }
    expect_close(results[0], expected, table.x, table.tolerance.at(name), "f");
    expect_close(results[1], slopes, table.x, table.tolerance.at(name), "df");
  }
}

TEST(KerasActivations, Rows) {
  for (const auto& [name, rows] : load_activations().rows) {
    for (size_t row = 0; row < rows.x.size(); ++row) {
      const std::vector<double>& values = rows.x[row];
      const Tensor points = Tensor::from<double>({1, static_cast<int64_t>(values.size())}, values);
      Graph graph;
      graph.add_output("f", activation(name, graph.input("x", points.type())).id());
      expect_close(evaluate_graph(graph, std::vector<Tensor>{points})[0], rows.f[row], values,
                   1e-12, name);
    }
  }
}

}  // namespace
}  // namespace sinter::keras_test

// Values and derivatives of every activation against Keras's, in float64 and on the reference
// backend.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "tests/keras/case_files.h"

namespace sinter::keras_test {
namespace {

const std::map<std::string, std::function<Symbol(Symbol)>> kSpecial = {
    {"leaky_relu_0.1", [](Symbol x) { return leaky_relu(x, 0.1); }},
    {"gelu_approximate", [](Symbol x) { return gelu(x, true); }},
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
  EXPECT_EQ(table.f.size(), 18u);
  for (const auto& [name, expected] : table.f) {
    SCOPED_TRACE(name);
    Graph graph;
    const Symbol x = graph.input("x", points.type());
    const Symbol y = apply(name, x);
    graph.add_output("f", y.id());
    graph.add_output("df", gradients(y, std::vector<Symbol>{x})[0].id());
    const std::vector<Tensor> results = evaluate_graph(graph, std::vector<Tensor>{points});
    expect_close(results[0], expected, table.x, table.tolerance.at(name), "f");
    expect_close(results[1], table.df.at(name), table.x, table.tolerance.at(name), "df");
  }
}

TEST(KerasActivations, SoftmaxRows) {
  const ActivationTable table = load_activations();
  for (size_t row = 0; row < table.softmax_x.size(); ++row) {
    const std::vector<double>& values = table.softmax_x[row];
    const Tensor points = Tensor::from<double>({1, static_cast<int64_t>(values.size())}, values);
    Graph graph;
    graph.add_output("f", softmax(graph.input("x", points.type())).id());
    expect_close(evaluate_graph(graph, std::vector<Tensor>{points})[0], table.softmax_f[row],
                 values, 1e-12, "softmax");
  }
}

}  // namespace
}  // namespace sinter::keras_test

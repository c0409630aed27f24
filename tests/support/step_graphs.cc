// The graph that the frontend would build, in one function.
#include "tests/support/step_graphs.h"

#include "ops/gradients.h"
#include "ops/ops.h"

namespace sinter::testing_support {
namespace {

Symbol variable(Graph& g, const std::string& name, Shape shape) {
  return g.variable(name, {DType::kFloat32, std::move(shape)});
}

struct Adam {
  Graph& g;
  Symbol rate;
  Symbol step;

  void update(Symbol w, Symbol gradient) {
    const std::string name = g.node(w.id()).name;
    const Symbol m = variable(g, name + "/momentum", w.shape());
    const Symbol v = variable(g, name + "/velocity", w.shape());
    const Symbol m2 = m + (gradient - m) * 0.1;
    const Symbol v2 = v + (square(gradient) - v) * 0.001;
    g.add_update(m.id().node, m2.id());
    g.add_update(v.id().node, v2.id());
    g.add_update(w.id().node, (w - rate * m2 / (sqrt(v2) + 1e-7)).id());
  }
};

void set_layer(Graph& g, const std::string& layer, int line) {
  g.set_origin(std::make_shared<const Origin>(Origin{layer, "model.cc", line}));
}

}  // namespace

Graph perceptron_step(const StepOptions& options) {
  Graph g("step");
  set_layer(g, "input", 1);
  const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, options.features}});
  const Symbol y = g.input("y", {DType::kFloat32, Shape{kBatch, options.units.back()}});
  const Symbol state = g.variable("random", {DType::kInt64, Shape{2}});
  std::vector<Symbol> weights;
  Symbol h = x;
  Symbol penalty;
  for (size_t k = 0; k < options.units.size(); ++k) {
    const std::string name = "dense_" + std::to_string(k);
    const bool last = k + 1 == options.units.size();
    set_layer(g, name, static_cast<int>(k) + 2);
    const int64_t units = options.units[k];
    const Symbol kernel = variable(g, name + "/kernel", {h.shape()[1], units});
    const Symbol bias = variable(g, name + "/bias", {units});
    weights.push_back(kernel);
    weights.push_back(bias);
    h = activation(last ? "softmax" : options.activation, dense(h, kernel, bias));
    if (options.l2 > 0) {
      const Symbol term = sum(square(kernel)) * options.l2;
      penalty = penalty.valid() ? penalty + term : term;
    }
    if (!last && options.batch_norm) {
      set_layer(g, "norm_" + std::to_string(k), static_cast<int>(k) + 20);
      const Symbol gamma = variable(g, name + "/gamma", {units}),
                   beta = variable(g, name + "/beta", {units});
      const Symbol mean = variable(g, name + "/mean", {units}),
                   variance = variable(g, name + "/variance", {units});
      const BatchNormResult n = batch_norm(h, gamma, beta, mean, variance, 0.99, 1e-3);
      h = n.y;
      if (options.training) {
        g.add_update(mean.id().node, n.mean.id());
        g.add_update(variance.id().node, n.variance.id());
        weights.push_back(gamma);
        weights.push_back(beta);
      }
    }
    if (!last && options.dropout > 0)
      h = dropout(h, state, options.dropout, static_cast<int64_t>(k));
  }
  set_layer(g, "loss", 40);
  Symbol loss = mean(categorical_crossentropy(y, h));
  if (penalty.valid()) loss = loss + penalty;
  g.add_output("loss", loss.id());
  g.add_output("accuracy", mean(cast(equal(argmax(h), argmax(y)), DType::kFloat32)).id());
  if (options.training) {
    set_layer(g, "optimizer", 50);
    const std::vector<Symbol> slopes = gradients(loss, weights);
    const Symbol step = variable(g, "optimizer/step", {});
    const Symbol rate =
        0.001 * sqrt(1.0 - power(0.999, step + 1.0)) / (1.0 - power(0.9, step + 1.0));
    Adam adam{g, rate, step};
    for (size_t k = 0; k < weights.size(); ++k) adam.update(weights[k], slopes[k]);
    g.add_update(step.id().node, (step + 1.0).id());
    const Tensor one = Tensor::from<int64_t>(Shape{2}, std::vector<int64_t>{0, 1});
    g.add_update(state.id().node, (state + g.constant(one)).id());
  }
  return g;
}

}  // namespace sinter::testing_support

#include "tests/planted/models.h"

#include <functional>
#include <map>
#include <stdexcept>

#include "frontend/sinter.h"
#include "frontend/verify/model_cases.h"
#include "frontend/verify/random_values.h"
#include "ops/ops.h"

namespace sinter::planted_bugs {
namespace {

using verification::Case;

Model mlp() {
  const KerasTensor x = Input({20});
  KerasTensor h = Dense(24, {.activation = "relu", .kernel_regularizer = l2(1e-3F)})(x);
  h = Dropout(0.3)(BatchNormalization()(h));
  h = Dense(16, {.activation = "tanh"})(h);
  Model model(x, Dense(5, {.activation = "softmax"})(h));
  model.compile(
      {.optimizer = Adam(1e-3), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  return model;
}

Model cnn() {
  const KerasTensor x = Input({12, 12, 3});
  KerasTensor h = Conv2D(8, {3, 3}, {.padding = "same"})(x);
  h = Activation("relu")(BatchNormalization()(h));
  h = MaxPooling2D()(h);
  h = Conv2D(16, {3, 3}, {.activation = "relu"})(h);
  h = GlobalAveragePooling2D()(h);
  Model model(x, Dense(4, {.activation = "softmax"})(h));
  model.compile({.optimizer = SGD(1e-2, 0.9), .loss = "categorical_crossentropy"});
  return model;
}

Model mixed() {
  const KerasTensor x = Input({10});
  const KerasTensor a = LeakyReLU(0.3)(Dense(12)(x));
  const KerasTensor b = Dense(12, {.activation = "softplus"})(x);
  const KerasTensor both = Concatenate()({Multiply()({a, b}), Add()({a, b})});
  const KerasTensor h = Dense(9, {.activation = "elu"})(LayerNormalization()(both));
  Model model(x, Dense(3)(h));
  model.compile({.optimizer = RMSprop(1e-3), .loss = "mse", .metrics = {"mae"}});
  return model;
}

// Products of several tiles, with rests in both directions.
Model wide() {
  const KerasTensor x = Input({33});
  const KerasTensor h = Dense(70, {.activation = "gelu"})(x);
  Model model(x, Dense(37, {.activation = "sigmoid"})(h));
  model.compile({.optimizer = SGD(1e-2, 0.9), .loss = "mse"});
  return model;
}

Model normalized() {
  const KerasTensor x = Input({9});
  KerasTensor h = BatchNormalization()(Dense(7)(x));
  h = Dense(6, {.activation = "relu"})(BatchNormalization()(Activation("tanh")(h)));
  return Model(x, h);
}

Model normalized_images() {
  const KerasTensor x = Input({7, 7, 3});
  KerasTensor h = BatchNormalization()(Conv2D(5, {3, 3})(x));
  h = Conv2D(4, {3, 3},
             {.padding = "same", .use_bias = false})(BatchNormalization()(Activation("relu")(h)));
  return Model(x, h);
}

// Weights as after some training: none of them zero.
Case trained(Case c) {
  verification::Random random(7);
  for (Tensor& v : c.variables) {
    for (int64_t i = 0; i < v.elements() && is_floating(v.dtype()); ++i)
      v.set(i, v.at(i) + random.uniform(-0.25, 0.25));
  }
  return c;
}

// --- op by op

Case algebra() {
  Case c;
  Graph& g = c.graph;
  const Symbol x = g.input("x", {DType::kFloat32, Shape{5, 7}});
  const Symbol y = g.input("y", {DType::kFloat32, Shape{5, 7}});
  const Symbol n = g.input("n", {DType::kInt32, Shape{5, 7}});
  auto out = [&, k = 0](Symbol s) mutable { g.add_output("o" + std::to_string(k++), s.id()); };
  out(x - negative(y));
  out(exp(x) + negative(y));
  out(select(logical_not(less(x, y)), x, 2.0 * y));
  out(x * x);
  out(power(x, 3.0));
  out(maximum(x, tanh(y)));
  out(maximum(x + 0.5, x + 0.5));
  out(sin(negative(negative(x))));
  out(sin(negative(y)) / (2.0 + square(x)));
  out(x / 8.0);
  out(cast(cast(n, DType::kFloat32), DType::kInt32) + n);
  out(cast(cast(x, DType::kInt32), DType::kFloat32) + y);
  out((x - y) * (y - x) + subtract(x, y));
  out(minimum(x, y) * 3.0);
  const std::vector<float> weights = {0.5F, 1.5F, -2, 3, 0.25F, 1, 2};
  const Symbol w = constant(g, Tensor::from<float>(Shape{7}, weights));
  out(x * exp(sin(w)) + sum(sin(w) * w));
  out(sqrt(square(x) + 1.0) - log1p(exp(y)));
  return c;
}

Case moves() {
  Case c;
  Graph& g = c.graph;
  const Symbol x = g.input("x", {DType::kFloat32, Shape{4, 6, 10}});
  const Symbol y = g.input("y", {DType::kFloat32, Shape{10, 8}});
  auto out = [&, k = 0](Symbol s) mutable { g.add_output("o" + std::to_string(k++), s.id()); };
  out(transpose(transpose(x, {1, 2, 0}), {1, 0, 2}) + 1.0);
  out(slice(slice(x, 2, 1, 10, 2), 2, 1, 5, 2));
  out(sum(sum(x, {0}), {1}));
  out(pad(slice(x, 2, 0, 4), {0, 0, 1}, {0, 0, 6}) + pad(slice(x, 2, 4, 7), {0, 0, 5}, {0, 0, 3}));
  out(matmul(slice(reshape(x, {24, 10}), 1, 2, 8), slice(y, 0, 3, 9)));
  out(matmul(transpose(slice(y, 1, 1, 7), {1, 0}), y));
  out(cast(argmax(slice(round(x), 2, 1, 9), 2), DType::kFloat32));
  out(softmax(x, 1));
  out(reduce_max(tanh(x), {1}));
  out(transpose(exp(x), {2, 0, 1}) * 2.0);
  const Symbol e = tanh(x);
  out(e + transpose(transpose(e, {2, 1, 0}) * 3.0, {2, 1, 0}));
  return c;
}

// Values that are worth kernels of their own, and state that is read and written.
Case large() {
  Case c;
  Graph& g = c.graph;
  const Symbol x = g.input("x", {DType::kFloat32, Shape{60, 90}});
  const Symbol v = g.variable("v", {DType::kFloat32, Shape{60, 90}});
  const Symbol s = g.variable("s", {DType::kFloat32, Shape{90}});
  const Symbol shifted = v + 1.0;
  const Symbol next = v * 0.9 + x;
  g.add_output("o0", matmul(transpose(exp(shifted * 0.1), {1, 0}), x).id());
  g.add_output("o1", sum(transpose(shifted, {1, 0}) * transpose(x, {1, 0}), {1}).id());
  g.add_output("o2", (sum(square(next - mean(next, {0})), {0}) + s).id());
  g.add_update(v.id().node, next.id());
  g.add_update(s.id().node, (s + sum(x, {0})).id());
  c.variables = {Tensor::full(DType::kFloat32, Shape{60, 90}, 0.5),
                 Tensor::full(DType::kFloat32, Shape{90}, 0.25)};
  return c;
}

// Convolutions that are large enough to be transformed.
Case images() {
  Case c;
  Graph& g = c.graph;
  const Symbol x = g.input("x", {DType::kFloat32, Shape{1, 16, 16, 16}});
  const Symbol k = g.input("k", {DType::kFloat32, Shape{3, 3, 16, 16}});
  const Window same{.low = {1, 1}, .high = {1, 1}};
  g.add_output("y", convolution(x, k, same).id());
  return c;
}

const std::map<std::string, std::function<Model()>>& models() {
  static const std::map<std::string, std::function<Model()>> all = {
      {"mlp", mlp},
      {"cnn", cnn},
      {"mixed", mixed},
      {"wide", wide},
      {"normalized", normalized},
      {"normalized_images", normalized_images}};
  return all;
}

const std::map<std::string, std::function<Case()>>& cases() {
  static const std::map<std::string, std::function<Case()>> all = {
      {"algebra", algebra}, {"moves", moves}, {"large", large}, {"images", images}};
  return all;
}

}  // namespace

std::vector<NamedGraph> graphs_named(const std::string& name) {
  register_ops();
  if (const auto at = cases().find(name); at != cases().end()) {
    NamedGraph one{name, at->second(), {}};
    one.how.pipeline = "training";
    return {one};
  }
  const auto at = models().find(name);
  if (at == models().end()) throw std::runtime_error("no graph is called " + name);
  clear_session();
  const Model model = at->second();
  const int64_t batch = name == "wide" ? 35 : 3;
  std::vector<NamedGraph> graphs;
  if (model.is_compiled())
    graphs.push_back({name + " (training)", verification::training_case(model, batch), {}});
  graphs.push_back({name + " (inference)", trained(verification::forward_case(model, batch)), {}});
  graphs.back().how.pipeline = "inference";
  for (NamedGraph& g : graphs) {
    if (name == "wide" || name == "cnn") g.how.sets = 2, g.how.tries = 6;  // they take time
  }
  return graphs;
}

std::vector<std::string> graph_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : models()) names.push_back(name);
  for (const auto& [name, make] : cases()) names.push_back(name);
  return names;
}

}  // namespace sinter::planted_bugs

// How the time of everything that a user does with a model grows with its layers, outputs, metrics
// and inner models: from making it to its first step of training, saving and drawing it.
//
//   bench_model_growth [ONLY [SIZE ...]]     cases whose names hold ONLY ("" for all)
#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "core/text.h"
#include "frontend/sinter.h"
#include "tests/bench/growth.h"

namespace sinter {
namespace {

using Tensors = std::vector<KerasTensor>;

std::vector<Loss> losses_of(const Model& model) {
  return std::vector<Loss>(model.outputs().size(), "mse");
}

Data zeros_for(const std::vector<KerasTensor>& tensors) {
  std::vector<Tensor> values;
  for (const KerasTensor& t : tensors) {
    Shape shape = t.shape();
    std::vector<int64_t> dims(shape.begin(), shape.end());
    dims[0] = 4;
    values.push_back(Tensor::full(t.dtype(), Shape(dims), 0));
  }
  return values.size() == 1 ? Data(values[0]) : Data(values);
}

struct Case {
  const char* name;
  std::function<Model(int64_t)> make;
  bool with_metrics = false;
};

Model sequential(int64_t n) {
  std::vector<Sequential::Item> items = {Input({4})};
  for (int64_t i = 0; i < n; ++i) items.emplace_back(Dense(4, "tanh"));
  return Sequential(items);
}

// Layers of several kinds, that keep the shape.
Layer kind(int64_t i) {
  switch (i % 4) {
    case 0: return Dense(4, "relu");
    case 1: return BatchNormalization();
    case 2: return Dropout(0.1);
    default: return Activation("tanh");
  }
}

const std::vector<Case>& cases() {
  static const std::vector<Case> list = {
      {"Sequential", sequential},
      {"layers of several kinds",
       [](int64_t n) {
         const KerasTensor x = Input({4});
         KerasTensor h = x;
         for (int64_t i = 0; i < n; ++i) h = kind(i)(h);
         return Model(x, h);
       }},
      {"shared layer",
       [](int64_t n) {
         const KerasTensor x = Input({4});
         KerasTensor h = x;
         const Dense shared(4, "tanh");
         for (int64_t i = 0; i < n; ++i) h = shared(h);
         return Model(x, h);
       }},
      {"Lambda layers",
       [](int64_t n) {
         const KerasTensor x = Input({4});
         KerasTensor h = x;
         for (int64_t i = 0; i < n; ++i)
           h = Lambda([](Symbol s) { return tanh(s) + 1.0; }, {.function = "growth"})(h);
         return Model(x, h);
       }},
      {"operators on tensors",
       [](int64_t n) {
         const KerasTensor x = Input({4});
         KerasTensor h = x;
         for (int64_t i = 0; i < n; ++i) h = h * 0.5 + x;
         return Model(x, Dense(2)(h));
       }},
      {"wide: Dense of one, concatenated",
       [](int64_t n) {
         const KerasTensor x = Input({4});
         Tensors parts;
         for (int64_t i = 0; i < n; ++i) parts.push_back(Dense(2, "tanh")(x));
         return Model(x, Dense(2)(Concatenate()(parts)));
       }},
      {"wide: Dense of one, added",
       [](int64_t n) {
         const KerasTensor x = Input({4});
         Tensors parts;
         for (int64_t i = 0; i < n; ++i) parts.push_back(Dense(2, "tanh")(x));
         return Model(x, Add()(parts));
       }},
      {"inputs",
       [](int64_t n) {
         Tensors xs;
         for (int64_t i = 0; i < n; ++i) xs.push_back(Input({2}));
         return Model(xs, Dense(2)(Concatenate()(xs)));
       }},
      {"outputs",
       [](int64_t n) {
         const KerasTensor x = Input({4});
         Tensors ys;
         for (int64_t i = 0; i < n; ++i) ys.push_back(Dense(1)(x));
         return Model(x, ys);
       }},
      {"metrics", [](int64_t) { return sequential(2); }, true},
      {"inner models, side by side",
       [](int64_t n) {
         const KerasTensor x = Input({4});
         KerasTensor h = x;
         for (int64_t i = 0; i < n; ++i) h = sequential(1)(h);
         return Model(x, h);
       }},
      {"residual blocks",
       [](int64_t n) {
         const KerasTensor x = Input({4});
         KerasTensor h = x;
         for (int64_t i = 0; i < n; ++i) h = Add()({h, Dense(4, "relu")(h)});
         return Model(x, h);
       }},
  };
  return list;
}

void use(const Case& c, const std::string& backend, int64_t n, Stages& stages) {
  register_lambda("growth", [](std::span<const Symbol> xs) { return tanh(xs[0]) + 1.0; });
  const Model model = stages.time("make", [&] { return c.make(n); });
  std::vector<std::vector<Metric>> metrics(model.outputs().size());
  if (c.with_metrics) {
    for (int64_t i = 0; i < n; ++i)
      metrics[0].push_back(i % 2 == 0 ? Metric("mae") : metrics::Precision());
  }
  const Data x = zeros_for(model.inputs()), y = zeros_for(model.outputs());
  stages.time("compile", [&] {
    model.compile({.optimizer = Adam(1e-3),
                   .loss = losses_of(model),
                   .metrics = metrics,
                   .backend = backend});
  });
  stages.time("first step", [&] { model.train_on_batch(x, y); });
  stages.time("second step", [&] { model.train_on_batch(x, y); });
  stages.time("fit", [&] { model.fit(x, y, {.epochs = 2, .verbose = 0}); });
  stages.time("predict", [&] { model.predict_all(x); });
  if (backend != "llvm") return;
  stages.time("summary", [&] { model.summary_text(); });
  stages.time("weights", [&] { model.set_weights(model.get_weights()); });
  stages.time("get_layer", [&] {
    for (const Layer& layer : model.layers()) model.get_layer(layer.name());
  });
  std::string json;
  stages.time("to_json", [&] { json = model.to_json(); });
  stages.time("from_json", [&] { model_from_json(json); });
  stages.time("clone", [&] { clone_model(model); });
  const std::string folder = std::getenv("SINTER_CACHE_DIR");
  const std::string path = folder + "/model.sinter";
  stages.time("save", [&] { model.save(path); });
  stages.time("load", [&] { load_model(path); });
  stages.time("export", [&] { model.export_inference(folder + "/model.inference.sinter"); });
  stages.time("layer dot", [&] { to_layer_dot(model.training_graph()); });
  stages.time("dot", [&] { to_dot(model.training_graph()); });
  stages.time("text", [&] { to_text(model.training_graph()); });
}

}  // namespace
}  // namespace sinter

int main(int argc, char** argv) {
  return sinter::growth_main(argc, argv, sinter::cases(), sinter::use);
}

// The pieces of the README, each in use: a layer of one's own, class weights, several outputs, a
// loop of one's own, transfer learning.
#include <sinter/sinter.h>

#include <cmath>
#include <cstdio>
#include <iostream>
using namespace sinter;

Symbol my_entropy(Symbol y_true, Symbol y_pred) {
  return mean(binary_crossentropy(y_true, y_pred), {-1});
}

class Scale : public LayerImpl {
 public:
  Scale(const Config& config, SourceLocation where)
      : LayerImpl("mine>Scale", config.get_string("name", ""), where) {}
  Config config() const override { return base_config(); }
  void build(std::span<const ValueType> inputs) override {
    factor_ = add_weight("factor", {inputs[0].shape.dim(-1)}, "ones");
  }
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    return {inputs[0] * context.variable(factor_)};
  }

 private:
  VariablePtr factor_;
};
Layer scale(const Config& config, SourceLocation where) {
  return Layer(std::make_shared<Scale>(config, where));
}

class Block : public LayerImpl {
 public:
  explicit Block(const std::string& name = "")
      : LayerImpl("mine>Block", name, SourceLocation::current()) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    return {inputs[0] + second_(context, first_(context, inputs[0]))};
  }

 private:
  Dense first_{32, "relu"}, second_{32};
};

int main() {
  set_code_cache(false);
  auto [train, test] = datasets::digits();
  const FitOptions quiet{.batch_size = 128, .verbose = 0};
  auto x = Input(64);

  // Data of one's own.
  std::vector<float> numbers = {0, 0, 0, 1, 1, 0, 1, 1};
  Tensor points = Tensor::from({4, 2}, numbers);
  Tensor classes = Tensor::from({0, 1, 1, 0});
  Tensor one_hot = to_categorical(classes, 2);
  std::cout << points << "\n";
  std::printf("%g %g\n", points.at(3), one_hot.at(2));

  // Layers of one's own.
  Model deep(x, Dense(10)(Layer(std::make_shared<Block>())(Dense(32)(x))));
  register_layer("mine>Scale", scale);
  Model scaled(x, Dense(10, "softmax")(scale({}, SourceLocation::current())(x)));
  scaled.compile({.loss = my_entropy, .metrics = "accuracy"});
  scaled.fit(train.x, train.y, quiet);

  // Class weights.
  Model model(x, Dense(10, "softmax")(Dense(32, "relu")(x)));
  model.compile({.optimizer = Adam(0.003),
                 .loss = losses::CategoricalCrossentropy({.label_smoothing = 0.1})});
  model.fit(train.x, train.y, {.epochs = 2, .verbose = 0, .class_weight = {{0, 2.0}, {8, 1.5}}});

  // Several outputs.
  auto h = Dense(32, "relu")(x);
  Model two(
      x, {Dense(10, {.activation = "softmax", .name = "digit"})(h), Dense(1, {.name = "ink"})(h)});
  two.compile({.optimizer = "adam",
               .loss = {{"digit", "categorical_crossentropy"}, {"ink", losses::Huber()}},
               .loss_weights = {{"ink", 0.1}},
               .metrics = {{"digit", "accuracy"}, {"ink", {"mae", "mse"}}}});
  Tensor ink(float32, {train.x.shape()[0], 1});
  two.fit(train.x, {train.y, ink}, quiet);
  std::vector<Tensor> digit_and_ink = two.predict_all(test.x);

  // A loop of one's own.
  auto weights = model.trainable_variables();
  auto optimizer = SGD(0.1);
  CompiledFunction step([&](CallContext& context, Symbol images, Symbol labels) {
    Symbol loss = mean(categorical_crossentropy(labels, model.call(context, images)));
    for (Symbol penalty : context.losses(weights)) loss = loss + penalty;  // of regularizers, as fit() adds them
    optimizer.apply_gradients(context, context.gradients(loss, weights), weights);
    return loss;
  });
  for (int64_t row = 0; row + 64 <= train.x.shape()[0]; row += 64) {
    Tensor loss = step(train.x.rows(row, row + 64), train.y.rows(row, row + 64));
    if (row % 640 == 0) std::printf("%.4f\n", loss.at(0));
  }

  // Where the time goes.
  Profile profile;
  model.fit(train.x, train.y, quiet);
  std::cout << profile;
  profile.save_trace("fit-trace.json");

  // Transfer learning.
  model.layers()[1].set_trainable(false);
  Model features(model.input(), model.layers()[1].output());
  auto parity =
      Dense(1, {.activation = "sigmoid", .name = "odd"})(features(x) - mean(features(x), -1, true));
  Model transfer(x, parity);
  transfer.compile({.optimizer = Adam(0.01), .loss = "binary_crossentropy"});
  std::printf("%zu weights are trained, %zu are not\n", transfer.trainable_variables().size(),
              transfer.non_trainable_variables().size());
}

// Keras's pattern: a layer whose members are layers, called in its call().
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <string>

#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Block : public LayerImpl {
 public:
  Block(int64_t units, const std::string& name, SourceLocation where)
      : LayerImpl("tests>Block", name, where),
        units_(units),
        first_(units, {.activation = "relu", .name = "first"}),
        norm_({.name = "norm"}),
        second_(units, {.name = "second"}) {}
  Config config() const override { return base_config().set("units", units_); }
  void build(std::span<const ValueType> inputs) override {
    scale_ = add_weight("scale", {inputs[0].shape.dim(-1)}, "ones");
  }
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol h = second_(context, norm_(context, first_(context, inputs[0])));
    return {inputs[0] * context.variable(scale_) + h};
  }
  const Dense& first() const { return first_; }

 private:
  int64_t units_;
  Dense first_;
  BatchNormalization norm_;
  Dense second_;
  VariablePtr scale_;
};

Layer block_from_config(const Config& config, SourceLocation where) {
  return Layer(
      std::make_shared<Block>(config.get_int("units", 1), config.get_string("name", ""), where));
}

std::vector<std::string> paths(const std::vector<VariablePtr>& variables) {
  std::vector<std::string> result;
  for (const VariablePtr& v : variables) result.push_back(v->path);
  return result;
}

class LayersInLayers : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(3);
    register_layer("tests>Block", block_from_config);
    for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i * 7 % 11) / 5 - 1);
    for (int64_t i = 0; i < y.elements(); ++i) y.set(i, x.at(4 * i) - x.at(4 * i + 1));
  }
  static Layer block(const std::string& name) {
    return Layer(std::make_shared<Block>(4, name, SourceLocation::current()));
  }
  static Model model() {
    const auto in = Input(4);
    const Model result(in, Dense(1)(block("b")(block("a")(in))));
    result.compile({.optimizer = "adam", .loss = "mse"});
    return result;
  }
  TemporaryFolder folder;
  Tensor x = Tensor(float32, {24, 4}), y = Tensor(float32, {24, 1});
};

TEST_F(LayersInLayers, AreBuiltAndCounted) {
  const Layer a = block("a");
  EXPECT_TRUE(a.variables().empty());
  const auto in = Input(4);
  const Model m(in, a(in));
  EXPECT_THAT(paths(a.variables()),
              ElementsAre("a/scale", "a/first/kernel", "a/first/bias", "a/norm/gamma",
                          "a/norm/beta", "a/norm/moving_mean", "a/norm/moving_variance",
                          "a/second/kernel", "a/second/bias"));
  EXPECT_EQ(a.trainable_variables().size(), 7u);
  EXPECT_EQ(m.count_params(), 4 + 20 + 16 + 20);
  EXPECT_EQ(a.impl().inner_layers().size(), 3u);
}

TEST_F(LayersInLayers, Train) {
  const Model m = model();
  const std::vector<Tensor> before = m.get_weights();
  const History h = m.fit(x, y, {.epochs = 30, .verbose = 0});
  EXPECT_LT(h["loss"].back(), 0.5 * h["loss"].front());
  const std::vector<Tensor> after = m.get_weights();
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_FALSE(before[i].identical(after[i])) << m.variables()[i]->path;
}

TEST_F(LayersInLayers, AreFrozenWithTheOuterLayer) {
  for (const bool before_the_call : {true, false}) {
    clear_session();
    const Layer a = block("a");
    if (before_the_call) a.set_trainable(false);
    const auto in = Input(4);
    const Model m(in, Dense(1)(a(in)));
    a.set_trainable(false);
    EXPECT_FALSE(static_cast<const Block&>(a.impl()).first().trainable());
    EXPECT_TRUE(a.trainable_variables().empty());
    m.compile({.optimizer = "sgd", .loss = "mse"});
    const std::vector<Tensor> kept = a.get_weights();
    m.fit(x, y, {.epochs = 2, .verbose = 0});
    for (size_t i = 0; i < kept.size(); ++i)
      EXPECT_TRUE(kept[i].identical(a.get_weights()[i])) << a.variables()[i]->path;
    a.set_trainable(true);
    EXPECT_EQ(a.trainable_variables().size(), 7u);
  }
}

TEST_F(LayersInLayers, StandInFiles) {
  const Model m = model();
  m.fit(x, y, {.epochs = 3, .verbose = 0});
  const std::string path = folder.file("m.sinter");
  m.save(path);
  clear_session();
  const Model loaded = load_model(path);
  EXPECT_TRUE(loaded.predict(x).identical(m.predict(x)));
  m.fit(x, y, {.epochs = 2, .verbose = 0});
  loaded.fit(x, y, {.epochs = 2, .verbose = 0});
  EXPECT_TRUE(loaded.predict(x).identical(m.predict(x)));

  const Model clone = clone_model(m);
  EXPECT_EQ(clone.count_params(), m.count_params());
  clone.set_weights(m.get_weights());
  EXPECT_TRUE(clone.predict(x).identical(m.predict(x)));
  const Model parsed = model_from_json(m.to_json());
  parsed.set_weights(m.get_weights());
  EXPECT_TRUE(parsed.predict(x).identical(m.predict(x)));
  m.save_weights(folder.file("m.weights.sinter"));
  const Model other = model_from_json(m.to_json());
  other.load_weights(folder.file("m.weights.sinter"));
  EXPECT_TRUE(other.predict(x).identical(m.predict(x)));
  m.export_inference(folder.file("i.sinter"));
}

TEST_F(LayersInLayers, CalledPastTheContextSayHow) {
  class Naive : public LayerImpl {
   public:
    Naive() : LayerImpl("Naive", "", {}) {}
    Config config() const override { return base_config(); }
    std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
      return inner_.impl().call(context, inputs);
    }
    Dense inner_{3};
  };
  try {
    Layer(std::make_shared<Naive>())(Input(2));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("layer(context, x)"));
  }
}

TEST_F(LayersInLayers, MayBeModelsAndMayBeShared) {
  class Twice : public LayerImpl {
   public:
    explicit Twice(Model model) : LayerImpl("Twice", "twice", {}), model_(std::move(model)) {}
    Config config() const override { return base_config(); }
    std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
      return {model_.call(context, model_.call(context, inputs[0]))};
    }
    Model model_;
  };
  const auto in = Input(4), out = Input(4);
  const Model inner(in, Dense(4, {.name = "d"})(in));
  const Layer layer(std::make_shared<Twice>(inner));
  const Model m(out, Dense(1)(layer(out)));
  EXPECT_EQ(layer.variables(), inner.variables());
  EXPECT_EQ(m.count_params(), 20 + 5);
  layer.set_trainable(false);
  EXPECT_TRUE(inner.trainable_variables().empty());
}

TEST_F(LayersInLayers, ThatComeLateAreRefused) {
  class Late : public LayerImpl {
   public:
    Late() : LayerImpl("Late", "late", {}) {}
    Config config() const override { return base_config(); }
    std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
      return {Dense(2)(context, inputs[0])};  // a new layer each time
    }
  };
  const auto in = Input(2);
  const Model m(in, Layer(std::make_shared<Late>())(in));
  try {
    m.predict(Tensor(float32, {1, 2}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("was not in its first call: layers with weights must be"));
  }
}

TEST_F(LayersInLayers, WorkInCompiledFunctions) {
  const Dense dense(2, {.kernel_initializer = "ones"});
  const CompiledFunction f([&](CallContext& context, Symbol v) { return dense(context, v); });
  EXPECT_EQ(f(Tensor::full(float32, {3, 4}, 1)).at(5), 4);
  EXPECT_TRUE(dense.built());
  const Layer two(dense);
  const CompiledFunction g(
      [&](CallContext& context, Symbol v) { return two.call(context, std::vector<Symbol>{v}); });
  EXPECT_EQ(g(Tensor::full(float32, {3, 4}, 2)).at(0), 8);
}

}  // namespace
}  // namespace sinter::testing

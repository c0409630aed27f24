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

// Members without names: what they are called in the process depends on what was made before.
class Unnamed : public LayerImpl {
 public:
  Unnamed(const Config& config, SourceLocation where)
      : LayerImpl("tests>Unnamed", config.get_string("name", ""), where) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    return {drop_(context, last_(context, drop_(context, first_(context, inputs[0]))))};
  }

 private:
  Dense first_{4, "relu"}, last_{4};
  Dropout drop_{0.4};
};
Layer unnamed(const Config& config, SourceLocation where) {
  return Layer(std::make_shared<Unnamed>(config, where));
}

// A block within a block, and a model with a model in it as members.
class Deep : public LayerImpl {
 public:
  Deep(const Config& config, SourceLocation where)
      : LayerImpl("tests>Deep", config.get_string("name", ""), where) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol h = block_(context, inputs[0]);
    return {model_.call(context, h) + other_.call(context, h)};
  }

 private:
  static Model member() {
    const auto in = Input(4);
    const Model inner(in, Dense(4)(Dropout(0.3)(in)));
    return Model(in, Dense(4)(Dropout(0.5)(inner(Dense(4, {.name = "own"})(in)))));
  }
  Layer block_ = unnamed({}, SourceLocation::current());
  Model model_ = member(), other_ = member();
};
Layer deep(const Config& config, SourceLocation where) {
  return Layer(std::make_shared<Deep>(config, where));
}

class UnnamedMembers : public LayersInLayers {
 protected:
  void SetUp() override {
    LayersInLayers::SetUp();
    register_layer("tests>Unnamed", unnamed);
    register_layer("tests>Deep", deep);
  }
  // Other names in the process.
  static void make_others(int count) {
    for (int i = 0; i < count; ++i) {
      (void)Dense(2);
      (void)Dropout(0.1);
      (void)Sequential({Input(2), Dense(1)});
      const auto in = Input(2);
      (void)Model(in, Dense(1)(in));
    }
  }
  static Model trained(const Layer& first, const Layer& second) {
    const auto in = Input(4);
    const Model result(in, Dense(1, {.name = "out"})(second(first(in))));
    const SGD optimizer({.learning_rate = 0.05, .weight_decay = 0.2});
    optimizer.exclude_from_weight_decay({result.variables()[0], result.variables()[6]});
    result.compile({.optimizer = optimizer, .loss = "mse"});
    return result;
  }
};

TEST_F(UnnamedMembers, AreNamedWithinTheirLayer) {
  for (const int others : {0, 3}) {
    clear_session();
    make_others(others);
    const Model m = trained(unnamed({{"name", "a"}}, {}), unnamed({{"name", "b"}}, {}));
    EXPECT_THAT(paths(m.variables()),
                ElementsAre("a/dense/kernel", "a/dense/bias", "a/dense_1/kernel", "a/dense_1/bias",
                            "b/dense/kernel", "b/dense/bias", "b/dense_1/kernel", "b/dense_1/bias",
                            "out/kernel", "out/bias"));
    EXPECT_EQ(paths(clone_model(m).variables()), paths(m.variables()));
    EXPECT_EQ(paths(model_from_json(m.to_json()).variables()), paths(m.variables()));
    EXPECT_EQ(m.get_layer("b").impl().inner_layers()[1]->name(), "dropout");
    EXPECT_EQ(m.get_layer("b").impl().inner_layers()[1]->origin()->layer, "dropout");
  }
}

TEST_F(UnnamedMembers, OfBlocksAndModelsToo) {
  for (const int others : {0, 2}) {
    clear_session();
    make_others(others);
    const auto in = Input(4);
    const Layer layer = deep({{"name", "d"}}, {});
    const Model m(in, layer(in));
    EXPECT_THAT(
        paths(m.variables()),
        ElementsAre("d/unnamed/dense/kernel", "d/unnamed/dense/bias", "d/unnamed/dense_1/kernel",
                    "d/unnamed/dense_1/bias", "d/functional/own/kernel", "d/functional/own/bias",
                    "d/functional/functional/dense/kernel", "d/functional/functional/dense/bias",
                    "d/functional/dense/kernel", "d/functional/dense/bias",
                    "d/functional_1/own/kernel", "d/functional_1/own/bias",
                    "d/functional_1/functional/dense/kernel",
                    "d/functional_1/functional/dense/bias", "d/functional_1/dense/kernel",
                    "d/functional_1/dense/bias"));
  }
}

// Dropout masks and the weights without decay are those that they would have been.
TEST_F(UnnamedMembers, TrainOnAfterLoading) {
  for (const auto make : {unnamed, deep}) {
    clear_session();
    const Model m = trained(make({{"name", "a"}}, {}), make({{"name", "b"}}, {}));
    m.fit(x, y, {.epochs = 2, .verbose = 0});
    const std::string path = folder.file("m.sinter");
    m.save(path);
    const Model again = load_model(path);  // with others in the process
    clear_session();
    const Model first = load_model(path);  // as in another one
    make_others(2);
    const Model later = load_model(path);
    const double loss = m.fit(x, y, {.epochs = 2, .verbose = 0})["loss"].back();
    for (const Model& loaded : {again, first, later}) {
      EXPECT_EQ(paths(loaded.variables()), paths(m.variables()));
      EXPECT_EQ(loaded.fit(x, y, {.epochs = 2, .verbose = 0})["loss"].back(), loss);
      for (size_t i = 0; i < m.get_weights().size(); ++i)
        EXPECT_TRUE(loaded.get_weights()[i].identical(m.get_weights()[i])) << i;
    }
  }
}

TEST_F(UnnamedMembers, DropOtherUnitsInEachBlockAndCall) {
  const Layer a = unnamed({{"name", "a"}}, {}), b = unnamed({{"name", "b"}}, {});
  const auto in = Input(4);
  const Model m(in, {a(in), b(in), a(in)});
  b.set_weights(a.get_weights());
  const CompiledFunction f(
      [&](CallContext& context, Symbol v) { return m.call(context, std::vector<Symbol>{v}); });
  const std::vector<Tensor> results = f.call({Tensor::full(float32, {64, 4}, 1)});
  EXPECT_FALSE(results[0].identical(results[1]));
  EXPECT_FALSE(results[0].identical(results[2]));
  EXPECT_FALSE(results[1].identical(results[2]));
}

TEST_F(UnnamedMembers, KeepNamesThatTheyWereGivenOrHadBefore) {
  class Holder : public LayerImpl {
   public:
    Holder(std::string name, std::vector<Layer> layers)
        : LayerImpl("Holder", name, {}), layers_(std::move(layers)) {}
    Config config() const override { return base_config(); }
    std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
      Symbol h = inputs[0];
      for (const Layer& layer : layers_) h = layer(context, h);
      return {h};
    }
    std::vector<Layer> layers_;
  };
  const auto holder = [](const char* name, std::vector<Layer> layers) {
    return Layer(std::make_shared<Holder>(name, std::move(layers)));
  };
  make_others(1);
  const auto in = Input(4);
  const Dense named(4, {.name = "mine"}), shared(4), outside(4), member(4);
  const std::string name_of_outside = outside.name(), name_of_member = member.name();
  const auto h = outside(in);  // a layer of the model
  const Layer one = holder("one", {shared, named, outside, member}),
              two = holder("two", {Dense(4), shared});
  const auto out = two(one(h));
  EXPECT_EQ(named.name(), "mine");
  EXPECT_EQ(shared.name(), "dense");
  EXPECT_EQ(outside.name(), name_of_outside);
  EXPECT_EQ(member.name(), "dense_1");
  const Model m(in, Dense(1)(member(out)));  // a layer of the model, too, where names differ
  EXPECT_EQ(member.name(), name_of_member);
  EXPECT_THAT(paths(m.variables()),
              ::testing::IsSupersetOf({"one/dense/kernel", "one/mine/kernel", "one/dense_1/kernel",
                                       "two/dense/kernel"}));
  EXPECT_EQ(m.count_params(), 5 * 20 + 5);
  EXPECT_EQ(m.predict(x).shape(), Shape({24, 1}));
}

}  // namespace
}  // namespace sinter::testing

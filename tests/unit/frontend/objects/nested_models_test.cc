// Models inside models: one object stays one object in files and JSON, however many models it
// stands in; depth and repetition cost what they are worth.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "core/error.h"
#include "core/philox.h"
#include "frontend/sinter.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_line.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

Tensor random(Shape shape, int64_t seed) {
  Tensor result(DType::kFloat32, std::move(shape));
  for (int64_t i = 0; i < result.elements(); ++i)
    result.set(i, uniform_from_bits(philox_bits(seed, 0, 0, i)) - 0.5);
  return result;
}

template <typename F>
std::string refused(const F& action) {
  return testing::without_line(testing::error_of(action));
}

class NestedModels : public ::testing::Test {
 protected:
  NestedModels() {
    clear_session();
    set_backend("reference");
  }
  ~NestedModels() override { set_backend("auto"); }

  /// Saves, loads, and holds predictions, weights and a step of training to the original's.
  void expect_comes_back(const Model& model, const Tensor& x) {
    const std::string path = folder_.file("m.sinter");
    model.save(path);
    const Model loaded = load_model(path);
    EXPECT_EQ(loaded.variables().size(), model.variables().size());
    EXPECT_TRUE(loaded.predict(x).identical(model.predict(x)));
    const Model parsed = model_from_json(model.to_json());
    ASSERT_EQ(parsed.variables().size(), model.variables().size());
    parsed.set_weights(model.get_weights());
    EXPECT_TRUE(parsed.predict(x).identical(model.predict(x)));
    const Tensor y(DType::kFloat32, model.predict(x).shape());
    for (const Model& m : {model, loaded}) {
      m.compile({.optimizer = SGD(0.1), .loss = "mse"});
      m.train_on_batch(x, y);
    }
    EXPECT_TRUE(loaded.predict(x).identical(model.predict(x)));
  }

  testing::TemporaryFolder folder_;
};

TEST_F(NestedModels, AModelOnTwoLevelsIsOne) {
  const KerasTensor x1 = Input({5});
  const Model m1(x1, Dense(4, {.name = "d"})(x1), "m1");
  const KerasTensor x2 = Input({5});
  const Model m2(x2, Activation("tanh")(m1(x2)), "m2");
  const KerasTensor a = Input({5});
  const Model top(a, Add()({m2(a), m1(a)}), "top");
  EXPECT_EQ(top.variables().size(), 2u);
  EXPECT_EQ(model_from_json(top.to_json()).variables().size(), 2u);
  expect_comes_back(top, random({6, 5}, 1));
}

// The numbers are Keras 3's (trainable weights, flags of the layers of the outer model).
TEST_F(NestedModels, TheInnerModelOfALoadedOneIsOneToUse) {
  const KerasTensor inside = Input(4), in = Input(4);
  const Model base(inside, Dense(3, "tanh")(Dense(5)(inside)), "base");
  const Model model(in, Dense(1, {.name = "head"})(base(in)));
  const std::string path = folder_.file("m.sinter");
  model.save(path);
  const Model loaded = load_model(path);
  const Model inner = loaded.get_layer("base").as_model();
  const Tensor x = random({7, 4}, 1);
  EXPECT_TRUE(inner.predict(x).identical(base.predict(x)));
  inner.layers()[1].set_trainable(false);  // the input is the first
  EXPECT_EQ(loaded.trainable_variables().size(), 4u);
  inner.set_weights(std::vector<Tensor>(inner.get_weights()));
  EXPECT_EQ(model.get_layer("base").as_model().state(), base.state());
  EXPECT_THROW(loaded.get_layer("head").as_model(), Error);
}

TEST_F(NestedModels, TrainableFollowsKeras) {
  const auto inner_of = [] {
    const KerasTensor i = Input({3});
    return Model(i, BatchNormalization({.name = "bn"})(Dense(3, {.name = "d"})(i)), "inner");
  };
  const auto outer_of = [](const Model& inner) {
    const KerasTensor o = Input({3});
    return Model(o, Dense(2)(inner(o)), "top");
  };
  const auto state = [](const Model& m) {
    std::string text = fmt::format("{} {} {}", m.trainable_variables().size(),
                                   m.non_trainable_variables().size(), m.trainable());
    for (const Layer& layer : m.layers()) text += layer.trainable() ? " 1" : " 0";
    return text;
  };
  const Model inner = inner_of(), top = outer_of(inner);
  EXPECT_EQ(state(top), "6 2 true 1 1 1");
  inner.set_trainable(false);
  EXPECT_EQ(state(top), "2 6 true 1 0 1");
  EXPECT_EQ(state(inner), "0 6 false 0 0 0");
  inner.get_layer("d").set_trainable(true);
  EXPECT_EQ(state(top), "4 4 true 1 0 1");
  EXPECT_EQ(state(inner), "0 6 false 0 1 0");
  EXPECT_TRUE(top.get_layer("inner").trainable_variables().empty());
  for (const Model& again : {model_from_json(top.to_json()), clone_model(top)})
    EXPECT_EQ(state(again), "4 4 true 1 0 1");
  inner.set_trainable(true);
  EXPECT_EQ(state(top), "6 2 true 1 1 1");
  inner.get_layer("d").set_trainable(false);
  EXPECT_EQ(state(top), "4 4 true 1 1 1");
  EXPECT_EQ(state(inner), "2 4 true 1 0 1");
  EXPECT_EQ(state(model_from_json(top.to_json())), "4 4 true 1 1 1");
  top.set_trainable(false);
  EXPECT_EQ(state(top), "0 8 false 0 0 0");
  EXPECT_EQ(state(inner), "0 6 false 0 0 0");
  EXPECT_TRUE(model_from_json(top.to_json()).trainable_variables().empty());
  top.get_layer("inner").set_trainable(true);
  EXPECT_EQ(state(inner), "4 2 true 1 1 1");
  top.set_trainable(true);
  EXPECT_EQ(state(top), "6 2 true 1 1 1");

  Sequential chain({Input({3}), Dense(2)});
  chain.set_trainable(false);
  chain.add(Dense(2));
  EXPECT_EQ(state(chain), "0 4 false 0 1");
}

// A layer in two models inside, a model in two, and models of the same calls.
TEST_F(NestedModels, ClonesShareWhatIsShared) {
  const Layer shared = Dense(2, {.name = "shared"});
  const auto model_around = [&](const char* name) {
    const KerasTensor x = Input({2});
    return Model(x, shared(x), name);
  };
  const Model a = model_around("a"), b = model_around("b");
  const KerasTensor u = Input({2});
  const Model both(u, b(a(u)), "both");
  const KerasTensor hidden = Dense(2)(u);
  const Model half(u, hidden, "half"), whole(u, Dense(2)(hidden), "whole");
  const KerasTensor v = Input({2});
  const Model top(v, both(v) + a(v) + shared(v) + half(v) + whole(v));
  EXPECT_EQ(top.variables().size(), 6u);

  const Model twin = clone_model(top);
  EXPECT_EQ(twin.variables().size(), 6u);
  const Tensor x = Tensor::full(float32, {3, 2}, 0.5);
  EXPECT_FALSE(twin.predict(x).identical(top.predict(x)));  // weights of its own
  twin.set_weights(top.get_weights());
  EXPECT_TRUE(twin.predict(x).identical(top.predict(x)));
  EXPECT_EQ(clone_model(twin).to_json(), twin.to_json());

  const Sequential chain({Input({2}), Dense(2), a, shared});
  EXPECT_EQ(clone_model(Model(v, chain(v))).variables().size(), 4u);
}

// Freezing counts until training has begun; then compile() has to be called again.
TEST_F(NestedModels, WhatIsFrozenAfterCompile) {
  const KerasTensor i = Input({3}), o = Input({3});
  const Model inner(i, Dense(3, {.name = "d"})(i), "inner");
  const Model top(o, Dense(2)(inner(o)), "top");
  const Tensor x = random({8, 3}, 1), y = random({8, 2}, 2);
  top.compile({.optimizer = "adam", .loss = "mse"});
  inner.set_trainable(false);
  std::vector<Tensor> before = inner.get_weights();
  top.fit(x, y, {.verbose = 0});
  EXPECT_TRUE(inner.get_weights()[0].identical(before[0]));
  EXPECT_EQ(top.gradients(x, y).size(), 2u);
  inner.set_trainable(true);
  for (int k = 0; k < 2; ++k) {
    try {
      k == 0 ? (void)top.fit(x, y, {.verbose = 0}) : (void)top.train_on_batch(x, y);
      ADD_FAILURE() << k;
    } catch (const Error& error) {
      EXPECT_EQ(testing::without_line(error.what()),
                "model 'top': 4 weights trainable now, but training has begun with 2: call "
                "compile() again after set_trainable()");
    }
  }
  const std::string path = folder_.file("m.sinter");
  top.save(path);
  EXPECT_TRUE(load_model(path).predict(x).identical(top.predict(x)));
  top.compile({.optimizer = "adam", .loss = "mse"});
  top.fit(x, y, {.verbose = 0});
  EXPECT_FALSE(inner.get_weights()[0].identical(before[0]));
}

TEST_F(NestedModels, ALayerInsideAndOutsideIsOne) {
  const KerasTensor s = Input({3});
  const Dense inside(3, {.name = "inside"});
  const Model sub(s, inside(s), "sub");
  const KerasTensor o = Input({3});
  const Model both(o, Add()({sub(sub(o)), inside(o)}), "both");
  EXPECT_EQ(both.variables().size(), 2u);
  expect_comes_back(both, random({4, 3}, 2));
}

TEST_F(NestedModels, ASequentialOnTwoLevelsIsOne) {
  const Sequential block({Input({3}), Dense(3, {.activation = "tanh"}), BatchNormalization()},
                         "block");
  const KerasTensor x = Input({3});
  const Model inner(x, block(x), "inner");
  const KerasTensor o = Input({3});
  const Model outer(o, Add()({inner(o), block(o)}), "outer");
  expect_comes_back(outer, random({4, 3}, 3));
}

TEST_F(NestedModels, WhatIsNotSharedHasNoId) {
  const KerasTensor x = Input({3});
  const Model inner(x, Dense(3)(x), "inner");
  const KerasTensor o = Input({3});
  EXPECT_EQ(Model(o, inner(o), "outer").to_json().find("shared_object_id"), std::string::npos);
}

TEST_F(NestedModels, TwoHundredDeep) {
  const KerasTensor x = Input({2});
  Model m(x, Dense(2)(x));
  for (int i = 0; i < 200; ++i) {
    const KerasTensor y = Input({2});
    m = Model(y, m(y));
  }
  const Tensor data = random({3, 2}, 4);
  m.save(folder_.file("deep.sinter"));
  EXPECT_TRUE(load_model(folder_.file("deep.sinter")).predict(data).identical(m.predict(data)));
}

// Each model calls the one inside it twice: 2^40 activations, but 40 models.
TEST_F(NestedModels, ModelsThatDoubleAreDescribedAtOnceAndRefusedWhereTheyWouldBeWritten) {
  const KerasTensor x = Input({4});
  Model m(x, Activation("tanh")(x), "m0");
  for (int i = 1; i < 40; ++i) {
    const KerasTensor y = Input({4});
    m = Model(y, m(m(y)), fmt::format("m{}", i));
  }
  EXPECT_THAT(m.summary_text(), HasSubstr("m38"));
  const Model parsed = model_from_json(m.to_json());
  EXPECT_THAT(parsed.summary_text(), HasSubstr("m38"));
  try {
    m.predict(random({2, 4}, 5));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the model has more than 524288 ops"));
  }
}

// Each model holds the two before it: a walk along every path would not end.
TEST_F(NestedModels, SharingOnEveryLevelIsWalkedOnce) {
  const KerasTensor x = Input({2});
  std::vector<Model> models = {Model(x, Dense(2)(x), "m0"), Model(x, Dense(2)(x), "m1")};
  for (size_t i = 2; i < 60; ++i) {
    const KerasTensor y = Input({2});
    models.push_back(Model(y, Add()({models[i - 1](y), models[i - 2](y)}), fmt::format("m{}", i)));
  }
  EXPECT_EQ(models.back().variables().size(), 4u);
  EXPECT_EQ(models.back().trainable_variables().size(), 4u);
  EXPECT_EQ(models.back().count_params(), 12);
  EXPECT_EQ(model_from_json(models.back().to_json()).variables().size(), 4u);
}

// Transfer learning: a model that is there, and a new head behind it.
TEST_F(NestedModels, AtTheStartOfASequentialBringTheirInput) {
  const Sequential base({Input({4}), Dense(8, "relu"), BatchNormalization()}, "base");
  base.set_trainable(false);
  const Sequential chain({base, Dense(1)});
  ASSERT_TRUE(chain.built());
  EXPECT_EQ(chain.input().shape(), base.input().shape());
  EXPECT_EQ(chain.layers().size(), 2u);
  EXPECT_EQ(chain.trainable_variables().size(), 2u);
  EXPECT_THAT(chain.summary_text(), HasSubstr("base"));
  const Tensor x = random({3, 4}, 1);
  const KerasTensor in = Input({4});
  Model functional(in, chain.layers()[1](base(in)));
  EXPECT_TRUE(functional.predict(x).identical(chain.predict(x)));
  expect_comes_back(chain, x);

  Sequential grown;
  grown.add(base);
  grown.add(Dense(2));
  EXPECT_EQ(grown.output().shape().dim(-1), 2);
  const Sequential twice({grown, Dense(3)});
  EXPECT_EQ(twice.predict(x).shape(), Shape({3, 3}));

  const KerasTensor codes = Input({2}, {.dtype = DType::kInt32});
  const Model counts(codes, Lambda([](Symbol s) { return cast(s, DType::kFloat32); })(codes));
  EXPECT_EQ(Sequential({counts, Dense(1)}).input().dtype(), DType::kInt32);
  const KerasTensor a = Input(2), b = Input(2);
  EXPECT_THROW(Sequential({Model({a, b}, Add()({a, b})), Dense(1)}).summary_text(), Error);
}

// Whoever holds a model as a layer knows the types of its results; and a model in itself has no
// end.
TEST_F(NestedModels, AModelThatStandsInAnotherStaysAsItIs) {
  Sequential a({Input(3), Dense(3)}, "a"), b({Input(3), Dense(3)}, "b");
  EXPECT_THAT(refused([&] { a.add(a); }), HasSubstr("model 'a' stands in a model, in itself"));
  b.add(a);
  EXPECT_THAT(refused([&] { a.add(b); }), HasSubstr("model 'a' stands in"));
  EXPECT_THAT(refused([&] { a.add(Dense(2)); }), HasSubstr("model 'a' stands in"));
  EXPECT_THAT(refused([&] { a.pop(); }), HasSubstr("pop(): model 'a' stands in"));
  EXPECT_EQ(b.predict(random({2, 3}, 1)).shape(), Shape({2, 3}));
  b.pop();
  a.add(Dense(2));
  EXPECT_EQ(a.predict(random({2, 3}, 1)).shape(), Shape({2, 2}));
}

}  // namespace
}  // namespace sinter

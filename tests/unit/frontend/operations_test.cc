// Ops on tensors of the functional API, Lambda layers, what layers and models know of their
// tensors, and clones.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

class Operations : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }
};

Tensor numbers(Shape shape) {
  Tensor x(DType::kFloat32, shape);
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>((i * 37) % 101) / 50 - 1);
  return x;
}

// What the functional ops compute is what the same formula over symbols computes.
TEST_F(Operations, ComputeWhatTheirNamesSay) {
  const Tensor data = numbers({5, 4}), other = numbers({5, 4});
  auto x = Input(4), z = Input(4);
  const Model model({x, z}, (x + z) * 2 - 3 / (2.5 + square(z)) + relu(-x) + pow(x, 2) +
                                maximum(x, 0.25) + select(x > z, x, 0.5) + mean(x, -1, true) +
                                slice(x, 1, 0, 1) + softmax(x) + clip(z, -0.5, 0.5) + (1 - x) / 4);
  const CompiledFunction same([](CallContext&, Symbol a, Symbol b) {
    return (a + b) * 2 - 3 / (2.5 + square(b)) + relu(-a) + pow(a, 2) + maximum(a, 0.25) +
           select(a > b, a, 0.5) + mean(a, -1, true) + slice(a, 1, 0, 1) + softmax(a) +
           clip(b, -0.5, 0.5) + (1 - a) / 4;
  });
  const Tensor found = model.predict({data, other}), expected = same(data, other);
  for (int64_t i = 0; i < found.elements(); ++i) EXPECT_NEAR(found.at(i), expected.at(i), 1e-5);
}

// Integers stay integers beside whole numbers, whatever their size, also behind a file.
TEST_F(Operations, DtypesAreThoseOfSymbols) {
  const auto formulas = [](auto x) {
    return std::vector{x + 2,
                       2 * x,
                       x - 1,
                       1 - x,
                       x / 2,
                       maximum(x, 3),
                       minimum(2, x),
                       pow(x, 2),
                       x + 0.5,
                       clip(x, 0, 3),
                       clip(x, 0.5, 3),
                       select(x > 1, x, 0),
                       select(equal(x, 1), 7, x),
                       x + x,
                       -x * 3};
  };
  for (const DType dtype : {DType::kUint8, int32, int64, float32}) {
    const Tensor data = Tensor::from({{0, 1}, {3, 1 << 24}}).cast(dtype);
    const KerasTensor x = Input({2}, {.dtype = dtype});
    const Model model(x, formulas(x));
    const CompiledFunction same([&](CallContext&, Symbol s) { return formulas(s); });
    const std::vector<Tensor> expected = same.call({data});
    for (const Model& m : {model, model_from_json(model.to_json())}) {
      const std::vector<Tensor> found = m.predict_all(data);
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_TRUE(found[i].identical(expected[i]))
            << i << " of " << dtype << ": " << found[i].dtype() << ' ' << found[i] << " instead of "
            << expected[i].dtype() << ' ' << expected[i];
      }
    }
  }
  const KerasTensor x = Input({1}, {.dtype = int64});
  const Model model(x, x + ((int64_t{1} << 60) + 1));
  EXPECT_EQ(model_from_json(model.to_json()).predict(Tensor::from({{int64_t{1}}})).number(0),
            Number((int64_t{1} << 60) + 2));
}

TEST_F(Operations, ConcatArgmaxAndMish) {
  const Tensor data = numbers({5, 4});
  auto x = Input(4);
  const Model model(x, {concat({x, mish(x), swish(x)}), argmax(x)});
  const std::string json = model.to_json();
  const Model again = model_from_json(json);
  EXPECT_EQ(again.to_json(), json);
  const CompiledFunction same([](CallContext&, Symbol a) {
    return std::vector{concat(std::vector{a, mish(a), swish(a)}), argmax(a)};
  });
  const std::vector<Tensor> expected = same.call({data});
  for (const Model& m : {model, again}) {
    const std::vector<Tensor> found = m.predict_all(data);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[1].dtype(), DType::kInt32);
    for (size_t k = 0; k < 2; ++k) {
      for (int64_t i = 0; i < found[k].elements(); ++i)
        EXPECT_NEAR(found[k].at(i), expected[k].at(i), 1e-6);
    }
  }
}

TEST_F(Operations, SaveAndLoadInKerasForm) {
  const sinter::testing::TemporaryFolder folder;
  auto x = Input(6);
  auto a = Dense(6, {.name = "a"})(x);
  const Model model(x, Add()({gelu(a) + 2 * a, slice(a, -1, 0, 6) / 1.5, a - mean(a, -1, true)}));
  model.save(folder.file("m.sinter"));
  const Tensor data = numbers({5, 6});
  EXPECT_TRUE(load_model(folder.file("m.sinter")).predict(data).identical(model.predict(data)));
  const std::string json = model.to_json();
  EXPECT_NE(json.find(R"("module": "keras.src.ops.numpy", "class_name": "Multiply")"),
            std::string::npos)
      << json;
  const Model again = model_from_json(json);
  EXPECT_EQ(again.to_json(), json);
  again.set_weights(model.get_weights());
  EXPECT_TRUE(again.predict(data).identical(model.predict(data)));
}

TEST_F(Operations, ErrorsNameTheOperationAndTheLine) {
  auto x = Input(4), z = Input(5);
  const auto text_of = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string where = std::to_string(__LINE__ + 1);
  const std::string add_text = text_of([&] { x + z; });
  EXPECT_NE(add_text.find("Add 'add' (operations_test.cc:" + where), std::string::npos) << add_text;
  EXPECT_NE(text_of([&] { matmul(x, z); }).find("Matmul 'matmul'"), std::string::npos);
  EXPECT_NE(text_of([&] { reshape(x, {kBatch, 3}); }).find("Reshape 'reshape'"), std::string::npos);
  for (const std::string& text :
       {text_of([&] { slice(x, 1, 0, 2, -1); }), text_of([&] { slice(x, 3, 0); }),
        text_of([&] { mean(x, 7); }), text_of([&] { softmax(x, 9); }),
        text_of([&] { maximum(KerasOperand(1.0), 2.0); })})
    EXPECT_NE(text.find("(operations_test.cc:"), std::string::npos) << text;
}

// 2^32 - 1 in a file is not -1.
TEST_F(Operations, AxesOfFilesAreNotCut) {
  auto x = Input({4, 6});
  const std::string json = Model(x, softmax(x, 1)).to_json(), axis = R"("axis": 1)";
  ASSERT_NE(json.find(axis), std::string::npos) << json;
  for (const char* other : {"4294967295", "4294967297", "3", "-9223372036854775808"}) {
    std::string changed = json;
    changed.replace(changed.find(axis), axis.size(), R"("axis": )" + std::string(other));
    clear_session();
    EXPECT_THROW(model_from_json(changed), Error) << other;
  }
  Graph graph;
  const Symbol two = graph.input("x", {DType::kFloat32, {4, 6}});
  EXPECT_THROW(transpose(two, {0, 4294967297}), ShapeError);
}

TEST_F(Operations, LambdaLayers) {
  const sinter::testing::TemporaryFolder folder;
  const auto twice = [](Symbol x) { return 2 * x; };
  const auto product = [](std::span<const Symbol> xs) { return xs[0] * xs[1]; };
  auto x = Input(3);
  auto h = Lambda(twice, {.name = "twice"})(x);
  const Model model(x, Lambda(product, {.function = "product_of_two"})({h, x}));
  const Tensor data = numbers({2, 3});
  const Tensor y = model.predict(data);
  for (int64_t i = 0; i < 6; ++i) EXPECT_NEAR(y.at(i), 2 * data.at(i) * data.at(i), 1e-6);
  model.save(folder.file("m.sinter"));
  EXPECT_THROW(load_model(folder.file("m.sinter")), NameError);
  const Model again =
      load_model(folder.file("m.sinter"),
                 {.custom_objects = {{"twice", twice},
                                     {"product_of_two", CustomObject::ListFunction(product)}}});
  EXPECT_TRUE(again.predict(data).identical(y));
  EXPECT_TRUE(clone_model(model).predict(data).identical(y));
  const Lambda of_one(twice);
  EXPECT_THROW(of_one({x, x}), ShapeError);
}

TEST_F(Operations, LayersKnowTheirTensors) {
  auto x = Input({4}, {.name = "x"});
  const Dense first(3, {.name = "first"}), never(2, {.name = "never"});
  auto h = first(x);
  const Model model(x, Dense(2, {.name = "second"})(h), "base");
  EXPECT_EQ(model.get_layer("first").output(), h);
  EXPECT_EQ(model.get_layer("first").input(), x);
  EXPECT_EQ(model.get_layer("x").output(), x);
  EXPECT_EQ(model.get_layer("x").input(), x);
  EXPECT_EQ(model.input(), x);
  EXPECT_EQ(model.output(), model.get_layer(-1).output());
  EXPECT_EQ(first.weight("kernel"), first.variables()[0]);
  EXPECT_EQ(first.bias()->path, "first/bias");
  EXPECT_THROW(first.weight("kernle"), NameError);
  EXPECT_THROW(never.kernel(), Error);
  EXPECT_THROW(never.output(), Error);
  const Model two({x}, {h, h + 1});
  EXPECT_THROW(two.output(), Error);
  first.set_trainable(false);
  EXPECT_EQ(first.non_trainable_variables().size(), 2u);
  EXPECT_EQ(model.non_trainable_variables().size(), 2u);
  EXPECT_EQ(model.trainable_variables().size(), 2u);
  // Another model on the same layers, as transfer learning has it.
  const Model extractor(model.input(), model.get_layer("first").output());
  EXPECT_TRUE(extractor.predict(numbers({2, 4})).identical(two.predict_all(numbers({2, 4}))[0]));
}

TEST_F(Operations, ClonesHaveWeightsOfTheirOwn) {
  auto x = Input(4);
  const Model inner(x, Dense(4, [](Symbol v) { return 3 * v; })(x), "inner");
  auto y = Input(4);
  const Dense shared(4, {.name = "shared"});
  auto h = BatchNormalization()(shared(shared(inner(y))) + 1);
  h = Dropout(0.5)(PReLU()(Maxout(4, 2)(h)));
  const Model model(y, Concatenate()({h, LeakyReLU(0.1)(inner(h))}), "outer");
  shared.set_trainable(false);
  const Model copy = clone_model(model);
  EXPECT_EQ(copy.name(), "outer");
  EXPECT_EQ(copy.summary_text(), model.summary_text());
  ASSERT_EQ(copy.variables().size(), model.variables().size());
  EXPECT_EQ(copy.trainable_variables().size(), model.trainable_variables().size());
  for (size_t i = 0; i < copy.variables().size(); ++i) {
    EXPECT_NE(copy.variables()[i], model.variables()[i]);
    EXPECT_EQ(copy.variables()[i]->path, model.variables()[i]->path);
  }
  const Tensor data = numbers({3, 4});
  EXPECT_FALSE(copy.predict(data).identical(model.predict(data)));  // drawn anew
  copy.set_weights(model.get_weights());
  EXPECT_TRUE(copy.predict(data).identical(model.predict(data)));

  const Sequential chain({Input(3), Dense(2, {.name = "d"}), Activation("tanh")});
  const Model chain_copy = clone_model(chain);
  EXPECT_EQ(chain_copy.summary_text(), chain.summary_text());
  EXPECT_EQ(chain_copy.get_layer("d").config(), chain.get_layer("d").config());
}

}  // namespace
}  // namespace sinter

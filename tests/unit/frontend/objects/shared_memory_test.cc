// Tensors share their buffer when they are copied. What keeps one for later has a copy of its own,
// and what reads one while it writes another may be given the same.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

namespace sinter {
namespace {

class SharedMemory : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    clear_session();
    set_backend(GetParam());
  }
  void TearDown() override { set_backend("auto"); }

  static Tensor some(Shape shape, double from) {
    Tensor t(float32, std::move(shape));
    for (int64_t i = 0; i < t.elements(); ++i) t.set(i, from + 0.01 * static_cast<double>(i));
    return t;
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, SharedMemory, ::testing::Values("reference", "auto"),
                         [](const auto& info) { return info.param; });

TEST_P(SharedMemory, VariablesHaveTheirOwn) {
  const Tensor z = some({3}, 1);
  const auto a = std::make_shared<Variable>("a", "a", z, true);
  const auto b = std::make_shared<Variable>("b", "b", z.reshaped({3}), true);
  const auto c = std::make_shared<Variable>("c", "c", a->value, true);
  a->assign(some({3}, 5));
  EXPECT_EQ(z.at(0), 1);
  EXPECT_EQ(b->value.at(0), 1);
  EXPECT_EQ(c->value.at(0), 1);
  Tensor given = some({3}, 2);
  const void* memory = given.raw();
  const Variable kept("kept", "kept", std::move(given), true);
  EXPECT_EQ(kept.value.raw(), memory);  // nobody else holds it: no copy
}

// An elastic penalty: weights stay near what they were.
TEST_P(SharedMemory, ConstantsStayWhatTheyWere) {
  for (const int64_t rows : {1, 40}) {
    const auto w = std::make_shared<Variable>("w", "w", some({rows, 3}, 1), true);
    Tensor changed = some({rows, 3}, 4);
    const CompiledFunction step([&](CallContext& context, Symbol x) {
      const Symbol before = constant(context.graph(), w->value);
      const Symbol other = constant(context.graph(), changed);
      const Symbol now = context.variable(w);
      context.assign(w, now + 1);
      return std::vector{sum(square(now - before)) + x, other + x};
    });
    const double n = 3.0 * static_cast<double>(rows);
    for (int i = 0; i < 4; ++i) {
      const std::vector<Tensor> found = step.call({Tensor::scalar(0.0f)});
      EXPECT_FLOAT_EQ(static_cast<float>(found[0].at(0)), static_cast<float>(n * i * i));
      EXPECT_EQ(found[1].at(0), 4);
      changed.set(0, 100 + i);
    }
  }
}

TEST_P(SharedMemory, WeightsMayBeSwapped) {
  const KerasTensor x = Input(4);
  const Dense first(4, {.use_bias = false}), second(4, {.use_bias = false});
  const Model model(x, second(first(x)));
  const std::vector<Tensor> before = model.get_weights();
  model.set_weights({second.kernel()->value, first.kernel()->value});
  EXPECT_TRUE(model.get_weights()[0].identical(before[1]));
  EXPECT_TRUE(model.get_weights()[1].identical(before[0]));
  model.set_weights({first.kernel()->value, second.kernel()->value});
  EXPECT_TRUE(model.get_weights()[0].identical(before[1]));
}

// A model that is trained on its own weights reads those of before the step.
TEST_P(SharedMemory, WeightsMayBeData) {
  const KerasTensor x = Input(4);
  const Dense layer(4);
  const Model model(x, layer(x));
  const std::vector<Tensor> before = model.get_weights();
  std::vector<std::vector<Tensor>> after;
  for (const bool own : {false, true}) {
    model.set_weights(before);
    model.compile({.optimizer = SGD(0.1), .loss = "mse"});
    const Tensor data = own ? layer.kernel()->value : layer.kernel()->value.clone();
    model.fit(data, data, {.epochs = 1, .batch_size = 4, .verbose = 0, .shuffle = false});
    after.push_back(model.get_weights());
  }
  EXPECT_TRUE(after[0][0].identical(after[1][0]));
  EXPECT_TRUE(after[0][1].identical(after[1][1]));
}

}  // namespace
}  // namespace sinter

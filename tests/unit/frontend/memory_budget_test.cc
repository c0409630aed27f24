// compile({.memory_budget = bytes}): training within it, to the same bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <numeric>

#include "core/memory_limit.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kRows = 32;

Model network() {
  const KerasTensor x = Input({16, 16, 1});
  KerasTensor h = x;
  for (const int64_t filters : {8, 16}) {
    h = Conv2D(filters, 3, {.padding = "same", .activation = "relu"})(h);
    h = ReLU()(BatchNormalization()(Conv2D(filters, 3, {.padding = "same"})(h)));
    h = Dropout(0.25)(MaxPooling2D()(h));
  }
  return Model(x, Dense(10, {.activation = "softmax"})(Flatten()(h)));
}

class MemoryBudget : public ::testing::Test {
 protected:
  void SetUp() override {
    Shape shape{kRows, 16, 16, 1};
    x_ = Tensor(DType::kFloat32, shape);
    y_ = Tensor(DType::kFloat32, {kRows, 10});
    const std::span<float> values = x_.data<float>();
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(i * 7919 % 1000) / 1000;
    for (int64_t i = 0; i < kRows; ++i) y_.set({i, i % 10}, 1);
  }

  // The same network each time, as its seeds are.
  static Model compiled(int64_t budget, const std::string& mixed_precision = "") {
    clear_session();
    set_random_seed(3);
    Model model = network();
    model.compile({.optimizer = "adam",
                   .loss = "categorical_crossentropy",
                   .metrics = {"accuracy"},
                   .mixed_precision = mixed_precision,
                   .memory_budget = budget});
    return model;
  }

  static int64_t need(const Model& model) {
    return model.memory_report(kRows, {.training = true}).total();
  }

  std::vector<Tensor> trained(const Model& model) const {
    for (int step = 0; step < 3; ++step) model.train_on_batch(x_, y_);
    return model.get_weights();
  }

  static void expect_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].identical(b[i])) << "weight " << i;
  }

  // What the error of a budget that is too small says is enough.
  static int64_t least() {
    try {
      need(compiled(1));
    } catch (const MemoryError& error) {
      const std::string text = error.what();
      EXPECT_THAT(text, AllOf(HasSubstr("memory_budget: 1 bytes are not enough"),
                              HasSubstr("without a budget")));
      return std::stoll(text.substr(text.rfind('(') + 1));
    }
    ADD_FAILURE() << "one byte was enough";
    return 1;
  }

  Tensor x_, y_;
};

TEST_F(MemoryBudget, IsKeptAndTheWeightsAreTheSame) {
  const Model free = compiled(0);
  const int64_t whole = need(free), least_bytes = least();
  EXPECT_LT(least_bytes, whole * 3 / 4);
  const std::vector<Tensor> expected = trained(compiled(0));
  for (const int64_t budget : {least_bytes, (least_bytes + whole) / 2, whole - 1, whole}) {
    SCOPED_TRACE(budget);
    const Model model = compiled(budget);
    EXPECT_LE(need(model), budget);
    expect_same(trained(model), expected);
  }
}

TEST_F(MemoryBudget, OfMixedPrecision) {
  const int64_t whole = need(compiled(0, "bfloat16"));
  const Model model = compiled(whole * 9 / 10, "bfloat16");
  EXPECT_LE(need(model), whole * 9 / 10);
  expect_same(trained(model), trained(compiled(0, "bfloat16")));
}

TEST_F(MemoryBudget, TooSmallIsAnErrorOfTheStep) {
  const Model model = compiled(1 << 10);
  EXPECT_THROW(model.train_on_batch(x_, y_), MemoryError);
  EXPECT_THROW(model.fit(x_, y_, {.verbose = 0}), MemoryError);
  // Prediction has no backward pass to fit in.
  EXPECT_EQ(model.predict(x_).shape(), (Shape{kRows, 10}));
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy"});
  model.train_on_batch(x_, y_);
}

TEST_F(MemoryBudget, IsSavedWithTheModel) {
  const testing::TemporaryFolder folder;
  compiled(5'000'000).save(folder.file("m.sinter"));
  EXPECT_EQ(load_model(folder.file("m.sinter")).compile_arguments().memory_budget, 5'000'000);
}

TEST_F(MemoryBudget, OfAFunction) {
  const auto loss = [](CallContext&, Symbol x) {
    Symbol h = x;
    std::vector<Symbol> kept;
    for (int i = 0; i < 6; ++i) {
      h = tanh(matmul(h, h));
      kept.push_back(exp(h));
    }
    for (size_t i = kept.size(); i-- > 0;) h = matmul(h, kept[i]);
    return h;
  };
  const Tensor x(DType::kFloat32, {256, 256});  // 256 KiB
  const Tensor expected = CompiledFunction(loss)(x);
  EXPECT_THROW(CompiledFunction(loss, {.memory_budget = 1000})(x), MemoryError);
  // Ten such values wait otherwise, or are given, or are workspace of kernels.
  EXPECT_THROW(CompiledFunction(loss, {.memory_budget = 6 << 18})(x), MemoryError);
  EXPECT_TRUE(CompiledFunction(loss, {.memory_budget = 8 << 18})(x).identical(expected));
}

}  // namespace
}  // namespace sinter

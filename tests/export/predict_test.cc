// Exported functions against predict(): the same bits, for models of every kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/export/exported.h"

namespace sinter::testing {
namespace {

Tensor wave(Shape shape, double scale = 1) {
  Tensor t(DType::kFloat32, std::move(shape));
  const std::span<float> values = t.data<float>();
  for (int64_t i = 0; i < t.shape().elements(); ++i)
    values[static_cast<size_t>(i)] =
        static_cast<float>(scale * std::sin(0.37 * static_cast<double>(i) + 0.2));
  return t;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && std::memcmp(a.raw(), b.raw(), static_cast<size_t>(a.bytes())) == 0;
}

// What the exported function for as many rows as x has gives.
std::vector<Tensor> run(const Exported& exported, const Model& model, std::vector<Tensor> x,
                        const std::string& function) {
  const int64_t rows = x[0].shape()[0];
  std::vector<void*> pointers;
  for (const Tensor& t : x) pointers.push_back(const_cast<void*>(t.raw()));
  std::vector<Tensor> y;
  for (const KerasTensor& output : model.outputs()) {
    y.emplace_back(output.type().dtype, output.type().shape.specialized(rows));
    std::memset(y.back().raw(), 0x7f, static_cast<size_t>(y.back().bytes()));
  }
  for (Tensor& t : y) pointers.push_back(t.raw());
  EXPECT_EQ(exported.call(function, pointers), 0);
  return y;
}

// Both for one row and for several.
void expect_exported(const Model& model, const std::vector<Shape>& row_shapes, int64_t rows = 7) {
  set_backend("llvm");
  for (const std::string cpu : {"native", "x86-64"}) {
    const Exported exported(model, {.batches = {rows, 1}, .cpu = cpu});
    for (const int64_t n : {rows, int64_t{1}}) {
      std::vector<Tensor> x;
      for (const Shape& row : row_shapes) {
        std::vector<int64_t> dims = {n};
        dims.insert(dims.end(), row.begin(), row.end());
        x.push_back(wave(Shape(dims)));
      }
      const std::vector<Tensor> expected = model.predict_all(x, {.batch_size = n});
      const std::vector<Tensor> found =
          run(exported, model, x, n == rows ? "net_predict" : "net_predict_1");
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) {
        if (cpu == "native") {
          EXPECT_TRUE(same_bits(found[i], expected[i])) << n << " rows, output " << i;
          continue;
        }
        for (int64_t e = 0; e < found[i].shape().elements(); ++e)
          EXPECT_NEAR(found[i].at(e), expected[i].at(e), 1e-5 * (1 + std::abs(expected[i].at(e))));
      }
    }
  }
  set_backend("auto");
}

TEST(ExportPredict, Perceptron) {
  const KerasTensor x = Input({20});
  KerasTensor h = Dense(64, "relu")(x);
  h = BatchNormalization()(h);
  h = Dropout(0.5)(h);
  expect_exported(Model(x, Dense(10, "softmax")(h)), {{20}});
}

TEST(ExportPredict, Convolutions) {
  const KerasTensor x = Input({12, 12, 3});
  KerasTensor h = Conv2D(16, 3, {.padding = "same", .activation = "relu"})(x);
  h = BatchNormalization()(h);
  h = MaxPooling2D(2)(h);
  h = Conv2D(32, 3, {.padding = "same"})(h);
  h = DepthwiseConv2D(3, {.padding = "same", .activation = "relu"})(h);
  h = GlobalAveragePooling2D()(h);
  expect_exported(Model(x, Dense(5)(h)), {{12, 12, 3}});
}

// Large batches run a few rows at a time.
TEST(ExportPredict, MicroBatches) {
  const KerasTensor x = Input({28, 28, 1});
  KerasTensor h = Conv2D(32, 3, {.activation = "relu"})(x);
  h = Conv2D(64, 3, {.activation = "relu"})(h);
  expect_exported(Model(x, Dense(10)(Flatten()(MaxPooling2D(2)(h)))), {{28, 28, 1}}, 64);
}

TEST(ExportPredict, SeveralInputsAndOutputs) {
  const KerasTensor a = Input({8}, {.name = "a"}), b = Input({8}, {.name = "for"});
  const KerasTensor sum = Add()({a, b}), both = Concatenate()({a, b});
  const KerasTensor y = Dense(3, "tanh")(both);
  // An input that is an output, one output twice, and one that needs nothing computed.
  expect_exported(Model({a, b}, {y, sum, Reshape({2, 4})(a), y}), {{8}, {8}});
}

TEST(ExportPredict, Float64) {
  set_floatx("float64");
  const KerasTensor x = Input({6});
  const Model model(x, Dense(4, "sigmoid")(x));
  set_floatx("float32");
  set_backend("llvm");
  const Exported exported(model);
  const Tensor rows = wave({1, 6}).cast(DType::kFloat64);
  EXPECT_TRUE(same_bits(run(exported, model, {rows}, "net_predict")[0], model.predict(rows)));
  set_backend("auto");
}

TEST(ExportPredict, RefusesWhatItCannotUse) {
  const KerasTensor x = Input({4});
  const Exported exported(Model(x, Dense(2)(Dense(300, "gelu")(x))));
  std::vector<float> in(4), out(2);
  using Predict = int(const float*, float*, void*);
  auto* predict = exported.function<Predict>("net_predict");
  ASSERT_GT(exported.workspace_size(), 0u);
  std::vector<std::byte> memory(exported.workspace_size() + 128);
  void* odd = memory.data() + (reinterpret_cast<uintptr_t>(memory.data()) % 64 == 0 ? 4 : 0);
  EXPECT_EQ(predict(nullptr, out.data(), memory.data()), 1);
  EXPECT_EQ(predict(in.data(), nullptr, memory.data()), 1);
  EXPECT_EQ(predict(in.data(), out.data(), nullptr), 1);
  EXPECT_EQ(predict(in.data(), out.data(), odd), 2);
}

TEST(ExportPredict, Queries) {
  const KerasTensor x = Input({4}, {.name = "pixels"});
  const Exported exported(Model(x, Dense(2, {.name = "scores"})(x)));
  EXPECT_EQ(std::string(exported.function<const char*()>("net_version")()), SINTER_TEST_VERSION);
  EXPECT_EQ(std::string(exported.function<const char*()>("net_signature")()),
            "input pixels float32[1,4]\noutput scores float32[1,2]\n");
  EXPECT_EQ(static_cast<int64_t>(exported.workspace_size()), exported.files.workspace_bytes);
}

// One file for every CPU: the loader has chosen one that this one can run.
TEST(ExportPredict, Multiversion) {
  const KerasTensor x = Input({30});
  const Model model(x, Dense(7, "softmax")(Dense(50, "relu")(x)));
  set_backend("llvm");
  const Exported exported(model, {.multiversion = true});
  const Tensor rows = wave({1, 30});
  const Tensor found = run(exported, model, {rows}, "net_predict")[0],
               expected = model.predict(rows);
  for (int64_t e = 0; e < found.shape().elements(); ++e)
    EXPECT_NEAR(found.at(e), expected.at(e), 1e-6);
  set_backend("auto");
}

}  // namespace
}  // namespace sinter::testing

// fit, evaluate and predict on a Dataset.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <limits>

#include "tests/support/error_of.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

class FitDataset : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(0);
  }
  static Tensor values(Shape shape, DType dtype = float32) {
    Tensor t(dtype, std::move(shape));
    for (int64_t i = 0; i < t.elements(); ++i)
      t.set(i, static_cast<double>((i * 31) % 17) / (is_floating(dtype) ? 17 : 1));
    return t;
  }
  static Tensor labels(int64_t rows, int64_t classes = 3) {
    Tensor t(int32, {rows});
    for (int64_t i = 0; i < rows; ++i) t.set(i, static_cast<double>((i * 7 / 3) % classes));
    return t;
  }
  static Model classifier() {
    clear_session();
    auto x = Input({4});
    Model model(x, Dense(3, {.activation = "softmax"})(Dense(5, {.activation = "tanh"})(x)));
    model.compile({.optimizer = Adam(0.1),
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"}});
    return model;
  }
  static void expect_same(const Model& a, const Model& b) {
    const auto p = a.get_weights(), q = b.get_weights();
    for (size_t i = 0; i < p.size(); ++i) EXPECT_TRUE(p[i].identical(q[i])) << i;
  }
  const Tensor x_ = values({23, 4}), y_ = labels(23);
};

TEST_F(FitDataset, SameBatchesGiveTheSameBits) {
  const Tensor w = values({23});
  const Dataset xy = Dataset::from_tensor_slices({x_, y_}).batch(5);
  const Dataset xyw = Dataset::from_tensor_slices({x_, y_, w}).batch(5);
  const Model a = classifier(), b = classifier(), c = classifier(), d = classifier();
  const History on_tensors = a.fit(
      x_, y_,
      {.epochs = 3, .batch_size = 5, .verbose = 0, .validation_data = {x_, y_}, .shuffle = false});
  const History on_dataset = b.fit(xy, {.epochs = 3, .verbose = 0, .validation_data = xy});
  expect_same(a, b);
  EXPECT_EQ(on_tensors.history.at("loss"), on_dataset.history.at("loss"));
  EXPECT_EQ(on_tensors.history.at("val_accuracy"), on_dataset.history.at("val_accuracy"));
  EXPECT_EQ(std::vector<double>(a.evaluate(x_, y_, {.batch_size = 5, .verbose = 0})),
            std::vector<double>(b.evaluate(xy, {.verbose = 0})));
  EXPECT_TRUE(a.predict(x_, {.batch_size = 5}).identical(b.predict(xy)));
  EXPECT_TRUE(a.predict(x_, {.batch_size = 5})
                  .identical(b.predict(Dataset::from_tensor_slices(x_).batch(5))));

  c.fit(x_, y_, {.batch_size = 5, .verbose = 0, .shuffle = false, .sample_weight = w});
  d.fit(xyw, {.verbose = 0});
  expect_same(c, d);
  EXPECT_NE(c.get_weights()[0].at(0), a.get_weights()[0].at(0));
}

TEST_F(FitDataset, ShuffledRowsAreThoseOfTheTensors) {
  const Dataset shuffled = Dataset::from_tensor_slices({x_, y_}).shuffle(23, 5).batch(5);
  const Model a = classifier(), b = classifier(), c = classifier();
  a.fit(shuffled, {.epochs = 3, .verbose = 0});
  // The same batches, one by one.
  const Dataset again = Dataset::from_tensor_slices({x_, y_}).shuffle(23, 5).batch(5);
  for (int epoch = 0; epoch < 3; ++epoch) {
    for (const auto& [x, y] : again) b.train_on_batch(x, y);
  }
  expect_same(a, b);
  c.fit(Dataset::from_tensor_slices({x_, y_})
            .map([](Tensor x, Tensor y) { return std::pair(x, y); }, {.num_parallel_calls = 3})
            .shuffle(23, 5)
            .batch(5)
            .prefetch(2),
        {.epochs = 3, .verbose = 0});
  expect_same(a, c);
}

TEST_F(FitDataset, ConvertsAsFitOnTensors) {
  const Tensor bytes = values({23, 4}, DType::kUint8);
  const Model a = classifier(), b = classifier();
  a.fit(bytes, y_, {.batch_size = 5, .verbose = 0, .shuffle = false});
  b.fit(Dataset::from_tensor_slices({bytes, y_.cast(int64)}).batch(5), {.verbose = 0});
  expect_same(a, b);
}

TEST_F(FitDataset, ClassWeight) {
  const std::map<int, double> weight = {{0, 2.0}, {2, 0.5}};
  const Model a = classifier(), b = classifier();
  a.fit(x_, y_, {.batch_size = 5, .verbose = 0, .shuffle = false, .class_weight = weight});
  b.fit(Dataset::from_tensor_slices({x_, y_}).batch(5), {.verbose = 0, .class_weight = weight});
  expect_same(a, b);
  EXPECT_THAT(error_of([&] {
                b.fit(Dataset::from_tensor_slices({x_, y_, values({23})}).batch(5),
                      {.verbose = 0, .class_weight = weight});
              }),
              HasSubstr("fit: give class_weight or sample_weight, not both"));
}

TEST_F(FitDataset, StepsGoOnWhereTheyStopped) {
  std::vector<int64_t> steps;
  LambdaCallback count({.on_epoch_begin = [&](int, Logs&) { steps.push_back(0); },
                        .on_train_batch_end = [&](int64_t, Logs&) { ++steps.back(); }});
  const Model a = classifier(), b = classifier();
  const Dataset endless = Dataset::from_tensor_slices({x_, y_}).repeat().batch(5);
  a.fit(endless, {.epochs = 4, .verbose = 0, .callbacks = {count}, .steps_per_epoch = 3});
  EXPECT_EQ(steps, (std::vector<int64_t>{3, 3, 3, 3}));
  for (const auto& [x, y] : endless.take(12)) b.train_on_batch(x, y);
  expect_same(a, b);

  steps.clear();
  ::testing::internal::CaptureStderr();
  classifier().fit(Dataset::from_tensor_slices({x_, y_}).batch(5),
                   {.epochs = 4, .verbose = 0, .callbacks = {count}, .steps_per_epoch = 3});
  const std::string warned = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(steps, (std::vector<int64_t>{3, 2, 3, 2})) << "5 batches: as fit on tensors";
  EXPECT_THAT(warned, HasSubstr("fit: the data ran out after 2 of the 3 batches of epoch 2 (the "
                                "dataset has 5), which ends early"));
  EXPECT_THAT(warned, HasSubstr("use repeat()"));
}

TEST_F(FitDataset, UnknownNumbersAreLearnt) {
  const Dataset some =
      Dataset::from_generator([this] {
        return [this, i = int64_t{0}]() mutable -> std::optional<Element> {
          if (i == 23) return std::nullopt;
          const int64_t at = i++;
          return Element(x_.rows(at, at + 1).reshaped({4}), y_.rows(at, at + 1).reshaped({}));
        };
      }).batch(5);
  EXPECT_EQ(some.cardinality(), Dataset::kUnknownCardinality);
  const Model a = classifier(), b = classifier();
  ::testing::internal::CaptureStdout();
  a.fit(some, {.epochs = 2, .verbose = 2});
  const std::string shown = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(shown, HasSubstr("Epoch 1/2 - 5 - "));
  EXPECT_THAT(shown, HasSubstr("Epoch 2/2 - 5/5 - "));
  b.fit(x_, y_, {.epochs = 2, .batch_size = 5, .verbose = 0, .shuffle = false});
  expect_same(a, b);
}

TEST_F(FitDataset, ASequentialIsBuiltByTheFirstBatch) {
  int made = 0;
  const Dataset counted = Dataset::from_generator([&] {
    ++made;
    return std::vector<Element>{{x_, y_}, {x_, y_}};
  });
  Sequential model({Dense(5, {.activation = "relu"}), Dense(3, {.activation = "softmax"})});
  model.compile({.loss = "sparse_categorical_crossentropy"});
  model.fit(counted, {.epochs = 3, .verbose = 0});
  EXPECT_EQ(model.input_shape(), Shape({kBatch, 4}));
  EXPECT_EQ(made, 3) << "the look at the first batch walks through nothing twice";
  (void)model.evaluate(counted, {.verbose = 0});
  (void)model.predict(counted.map([](Tensor x, Tensor) { return x; }));
  EXPECT_EQ(made, 5);
}

TEST_F(FitDataset, SeveralInputsAndOutputsByName) {
  const auto make = [] {
    clear_session();
    auto a = Input({4}, {.name = "a"}), b = Input({4}, {.name = "b"});
    auto h = Add()({Dense(3)(a), Dense(3)(b)});
    Model m({a, b},
            {Dense(3, {.activation = "softmax", .name = "p"})(h), Dense(1, {.name = "q"})(h)});
    m.compile({.loss = {{"p", "sparse_categorical_crossentropy"}, {"q", "mse"}}});
    return m;
  };
  const Model one = make(), other = make();
  const Tensor q = values({23, 1});
  one.fit({{"b", x_}, {"a", x_}}, {{"q", q}, {"p", y_}},
          {.batch_size = 23, .verbose = 0, .shuffle = false});
  const Dataset named =
      Dataset::from_tensor_slices({{{"b", x_}, {"a", x_}}, {{"q", q}, {"p", y_}}}).batch(23);
  other.fit(named, {.verbose = 0});
  expect_same(one, other);
  const std::vector<Tensor> both = other.predict_all(named);
  EXPECT_EQ(both[0].shape(), Shape({23, 3}));
  EXPECT_THAT(error_of([&] { other.predict(named); }), HasSubstr("use predict_all()"));
  EXPECT_THAT(error_of([&] {
                other.predict_on_batch({{"b", x_}, {"a", x_}});
              }),
              HasSubstr("predict_on_batch: model"));
}

TEST_F(FitDataset, SaysWhatIsWrong) {
  const Model m = classifier();
  const Dataset xy = Dataset::from_tensor_slices({x_, y_}).batch(5);
  const auto fit = [&](const Dataset& d, const FitOptions& o) {
    return error_of([&] { m.fit(d, o); });
  };
  EXPECT_THAT(fit(xy.repeat(), {.verbose = 0}),
              HasSubstr("fit: the dataset is endless: give steps_per_epoch"));
  EXPECT_THAT(fit(xy, {.verbose = 0, .validation_data = xy.repeat()}),
              HasSubstr("fit (validation_data): the dataset is endless: give validation_steps"));
  EXPECT_THAT(fit(xy.take(0), {.verbose = 0}), HasSubstr("fit: the dataset holds no element"));
  EXPECT_THAT(fit(xy, {.batch_size = 64, .verbose = 0}), HasSubstr("makes its own batches"));
  EXPECT_THAT(fit(xy, {.verbose = 0, .validation_split = 0.1}), HasSubstr("is for tensors"));
  EXPECT_THAT(fit(xy, {.verbose = 0, .sample_weight = values({23})}),
              HasSubstr("(x, y, sample_weight)"));
  EXPECT_THAT(fit(Dataset::from_tensor_slices(x_).batch(5), {.verbose = 0}),
              HasSubstr("fit (batch 0): the element of the dataset has no y"));
  EXPECT_THAT(
      fit(xy.map([](Tensor x, Tensor y) { return std::pair(x.columns(0, 3), y); }), {.verbose = 0}),
      HasSubstr("fit (batch 0): input 'input_layer' takes [batch,4], found x of shape [5,3]"));
  EXPECT_THAT(fit(xy.map([](Tensor x, Tensor y) {
                return std::pair(x, y.shape()[0] == 3 ? Tensor::from({0, 1, 7}) : y);
              }),
                  {.verbose = 0}),
              HasSubstr("fit (batch 4): y holds 7"));
  Tensor nan = x_.clone();
  nan.set(4 * 11 + 2, std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(fit(Dataset::from_tensor_slices({nan, y_}).batch(5), {.verbose = 0}),
              HasSubstr("fit (batch 2): x holds NaN (row 1, element 2 of the row); remove"));
  const auto failing = xy.map([](Tensor, Tensor) -> Tensor { throw Error("boom"); });
  EXPECT_THAT(fit(failing, {.verbose = 0}), HasSubstr("element 0: boom"));
  EXPECT_THAT(fit(xy.repeat(), {.verbose = 0}), HasSubstr("fit_dataset_test.cc:"));
  EXPECT_THAT(error_of([&] { m.evaluate(xy.repeat(), {.verbose = 0}); }),
              HasSubstr("evaluate: the dataset is endless: give steps"));
  EXPECT_THAT(error_of([&] { m.predict(xy.repeat()); }), HasSubstr("give steps"));
}

TEST_F(FitDataset, StepsOfEvaluateAndPredict) {
  const Model m = classifier();
  const Dataset endless = Dataset::from_tensor_slices({x_, y_}).repeat().batch(5);
  EXPECT_EQ(m.predict(endless, {.steps = 3}).shape(), Shape({15, 3}));
  EXPECT_TRUE(
      m.predict(endless, {.steps = 3}).identical(m.predict(x_, {.batch_size = 5, .steps = 3})));
  EXPECT_EQ(m.predict(x_, {.batch_size = 5, .steps = 9}).shape(), Shape({23, 3}));
  EXPECT_EQ(m.evaluate(endless, {.verbose = 0, .steps = 3}).loss(),
            m.evaluate(x_, y_, {.batch_size = 5, .verbose = 0, .steps = 3}).loss());
  // Validation starts with the first batch each time.
  const History h =
      m.fit(x_, y_, {.epochs = 2, .verbose = 0, .validation_data = endless, .validation_steps = 2});
  EXPECT_EQ(h.history.at("val_loss").back(),
            m.evaluate(endless, {.verbose = 0, .steps = 2}).loss());
}

}  // namespace
}  // namespace sinter::testing

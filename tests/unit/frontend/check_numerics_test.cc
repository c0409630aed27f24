// fit(..., {.check_numerics = true}) with faults of which it is known where they begin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Where a fault begins. The line is that of the layer, of compile() for losses, 0 for none.
struct Place {
  std::string op, layer;
  int line = 0;
  int64_t step = 1;
  std::optional<int64_t> sample = std::nullopt;
  bool backward = false;
};

struct Injected {
  std::string name;
  Place place;
  std::function<void(const FitOptions&)> train;
};

Tensor values(int64_t rows, int64_t columns) {
  Tensor t(DType::kFloat32, {rows, columns});
  for (int64_t i = 0; i < t.elements(); ++i) t.set(i, 1 + static_cast<double>((i * 7) % 11) / 11);
  return t;
}

Tensor with(Tensor t, int64_t row, double value) {
  t.set({row, 0}, value);
  return t;
}

// Three steps of four rows.
const Tensor& x() {
  static const Tensor t = values(12, 2);
  return t;
}
const Tensor& y() {
  static const Tensor t = values(12, 1);
  return t;
}

// A function of the user's own and the line where it calls its op.
struct Op {
  Symbol (*function)(Symbol);
  int line;
};
#define OP(...)                                              \
  Op {                                                       \
    [](Symbol s) -> Symbol { return __VA_ARGS__; }, __LINE__ \
  }

// What `op` makes of the input, and a layer that trains.
Model after(const Op& op) {
  const KerasTensor in = Input({2}, {.name = "in"});
  const KerasTensor h = Lambda(op.function, {.name = "mine"})(in);
  Model model(in, Dense(1, {.name = "out"})(h));
  model.compile({.optimizer = SGD(0.01), .loss = "mse"});
  return model;
}

// What `op` makes of the output of a layer whose weights are all 0.
Model of_zeros(const Op& op) {
  const KerasTensor in = Input({2}, {.name = "in"});
  const KerasTensor h = Dense(1, {.kernel_initializer = "zeros", .name = "first"})(in);
  Model model(in, Lambda(op.function, {.name = "mine"})(h));
  model.compile({.optimizer = SGD(0.01), .loss = "mse"});
  return model;
}

Model linear(const Optimizer& optimizer, const LossArgument& loss = "mse", int* line = nullptr) {
  const KerasTensor in = Input({2}, {.name = "in"});
  Model model(in, Dense(1, {.kernel_initializer = initializers::Constant(0.5), .name = "out"})(in));
  if (line != nullptr) *line = __LINE__ + 1;
  model.compile({.optimizer = optimizer, .loss = loss});
  return model;
}

class OwnLog : public LayerImpl {
 public:
  explicit OwnLog(SourceLocation where) : LayerImpl("mine>OwnLog", "own", where) {}
  Config config() const override { return base_config(); }
  void build(std::span<const ValueType> inputs) override {
    scale_ = add_weight("scale", {inputs[0].shape.dim(-1)}, "ones");
  }
  static constexpr int kLine = __LINE__ + 3;
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol scaled = inputs[0] * context.variable(scale_);
    return {log(scaled - 1.0)};
  }

 private:
  VariablePtr scale_;
};

std::vector<Injected> injected() {
  std::vector<Injected> all;
  // An op that `value` in row 6 of the data is too much for.
  const auto forward = [&](const char* name, const char* op_name, double value, const Op& op) {
    const Model model = after(op);
    all.push_back({name, {op_name, "mine", op.line, 2, 6}, [=](const FitOptions& o) {
                     model.fit(with(x().clone(), 6, value), y(), o);
                   }});
  };
  forward("log_of_0", "log", 0, OP(log(s)));
  forward("log_of_less", "log", -1, OP(log(s)));
  forward("log1p", "log1p", -1, OP(log1p(s)));
  forward("division_by_0", "divide", 0, OP(3.0 / s));
  forward("reciprocal", "reciprocal", 0, OP(reciprocal(s)));
  forward("rsqrt", "rsqrt", 0, OP(rsqrt(s)));
  forward("root_of_less", "sqrt", -0.5, OP(sqrt(s)));
  forward("power", "power", 0, OP(power(s, -2.0)));
  forward("exp", "exp", 100, OP(exp(s)));
  forward("expm1", "expm1", 100, OP(expm1(s)));
  forward("square", "square", 1e30, OP(square(s)));
  forward("product", "multiply", 1e30, OP(s * 1e10));
  forward("sum_of_row", "sum", 3e38, OP(sum(reduce_max(s, {-1}, true) + s * 0.0, {-1}, true)));
  forward("inf_times_0", "exp", 200, OP(exp(s) * 0.0));
  forward("inf_less_inf", "exp", 200, OP(exp(s) - exp(s)));
  forward("softmax_by_hand", "exp", 1000, OP(exp(s) / sum(exp(s), {-1}, true)));

  // Derivatives: the values are finite.
  const auto backward = [&](const char* name, const char* op_name, const Op& op) {
    const Model model = of_zeros(op);
    all.push_back({name, {op_name, "mine", op.line, 1, 0, true}, [=](const FitOptions& o) {
                     model.fit(x(), y(), o);
                   }});
  };
  backward("slope_of_root", "gradient of sqrt", OP(sqrt(s)));
  backward("slope_of_power", "gradient of power", OP(power(square(s), 0.25)));
  backward("slope_behind_select", "gradient of log", OP(select(greater(s, 0.0), log(s), s)));

  // Data.
  const Model plain = linear(SGD(0.01));
  all.push_back({"inf_in_data", {"input", "in", 0, 3, 9}, [=](const FitOptions& o) {
                   plain.fit(with(x().clone(), 9, kInf), y(), o);
                 }});
  all.push_back({"nan_in_data", {"input", "in", 0, 3, 9}, [=](const FitOptions& o) {
                   plain.fit(with(x().clone(), 9, kNaN), y(), o);
                 }});
  all.push_back({"nan_in_labels", {"input", "y_true", 0, 2, 7}, [=](const FitOptions& o) {
                   plain.fit(x(), with(y().clone(), 7, kNaN), o);
                 }});
  all.push_back({"inf_in_labels", {"input", "y_true", 0, 1, 3}, [=](const FitOptions& o) {
                   plain.fit(x(), with(y().clone(), 3, -kInf), o);
                 }});
  all.push_back(
      {"inf_in_weights_of_samples", {"input", "sample_weight", 0, 2, 5}, [=](FitOptions o) {
         Tensor weights = Tensor::full(DType::kFloat32, {12}, 1);
         weights.set(5, kInf);
         o.sample_weight = weights;
         plain.fit(x(), y(), o);
       }});
  all.push_back({"nan_in_weights", {"variable", "out/kernel"}, [=](const FitOptions& o) {
                   const Model model = linear(SGD(0.01));
                   model.set_weights(
                       {Tensor::full(DType::kFloat32, {2, 1}, kNaN), Tensor(DType::kFloat32, {1})});
                   model.fit(x(), y(), o);
                 }});
  all.push_back({"in_shuffled_rows", {"input", "in", 0, 0, 9}, [=](FitOptions o) {
                   o.shuffle = true;
                   linear(SGD(0.01)).fit(with(x().clone(), 9, kInf), y(), o);
                 }});
  all.push_back(
      {"in_a_dataset", {"input", "in", 0, 2, 7}, [=](FitOptions o) {
         o.batch_size = 32;
         const auto data = Dataset::from_tensor_slices({with(x().clone(), 7, kInf), y()}).batch(5);
         linear(SGD(0.01)).fit(data, o);
       }});
  all.push_back({"in_a_last_batch", {"input", "in", 0, 3, 11}, [=](FitOptions o) {
                   o.batch_size = 5;
                   linear(SGD(0.01)).fit(with(x().clone(), 11, kInf), y(), o);
                 }});

  // Optimizers.
  int line = 0;
  const Model diverging = linear(SGD(1e25), "mse", &line);
  all.push_back({"learning_rate",
                 {"square", "mean_squared_error", line, 2, 4},
                 [=](const FitOptions& o) { diverging.fit(x(), y(), o); }});
  all.push_back({"adam_without_epsilon",
                 {"divide", "adam", 0, 1, std::nullopt, true},
                 [=](const FitOptions& o) {
                   linear(Adam({.learning_rate = 0.01, .epsilon = 0}))
                       .fit(Tensor(DType::kFloat32, {12, 2}), y(), o);
                 }});
  const Model changed = linear(SGD(0.01));
  all.push_back({"learning_rate_of_callback",
                 {"square", "mean_squared_error", line, 2, 4},
                 [=](FitOptions o) {
                   o.callbacks = {LearningRateScheduler([](int, double) { return 1e25; })};
                   changed.fit(x(), y(), o);
                 }});

  // Losses and layers of the user's own.
  const auto with_loss = [&](const char* name, Place place, Symbol (*loss)(Symbol, Symbol)) {
    const Model model = linear(SGD(0.01), Loss("mine", loss));
    all.push_back(
        {name, place, [=](const FitOptions& o) { model.fit(x(), with(y().clone(), 6, 0), o); }});
  };
  with_loss("loss_of_rows", {"divide", "mine", __LINE__ + 1, 2, 6},
            [](Symbol t, Symbol p) { return mean(abs(t - p) / t, {-1}); });
  with_loss("loss_of_a_batch", {"divide", "mine", __LINE__ + 1, 1},
            [](Symbol t, Symbol p) { return mean(square(t - p)) / sum(p * 0.0); });
  {
    const KerasTensor in = Input({2}, {.name = "in"});
    const KerasTensor h = Layer(std::make_shared<OwnLog>(SourceLocation::current()))(in);
    Model model(in, Dense(1)(h));
    model.compile({.optimizer = SGD(0.01), .loss = "mse"});
    all.push_back(
        {"layer_of_ones_own", {"log", "own", OwnLog::kLine, 2, 5}, [=](const FitOptions& o) {
           Tensor data = values(12, 2);
           for (int64_t i = 0; i < data.elements(); ++i) data.set(i, data.at(i) + 1);
           model.fit(with(data, 5, 0.5), y(), o);
         }});
  }
  {
    const KerasTensor in = Input({2}, {.name = "in"});
    const int line = __LINE__ + 1;
    const KerasTensor h = Dense(2, {.kernel_initializer = "ones", .name = "large"})(in);
    Model model(in, Dense(1)(h));
    model.compile({.optimizer = SGD(0.01), .loss = "mse"});
    all.push_back({"product_of_a_layer", {"dense", "large", line, 3, 8}, [=](const FitOptions& o) {
                     Tensor data = with(x().clone(), 8, 3e38);
                     data.set({8, 1}, 3e38);
                     model.fit(data, y(), o);
                   }});
  }
  return all;
}

class CheckNumerics : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(0);
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }

  FitOptions options() const {
    return {.batch_size = 4,
            .verbose = 0,
            .shuffle = false,
            .check_numerics = true,
            .replay_file = folder_.file("replay.sinter")};
  }
  NumericsFault fault_of(const std::function<void(const FitOptions&)>& train,
                         const FitOptions& options) const {
    try {
      train(options);
    } catch (const NumericsError& error) {
      return error.fault();
    }
    ADD_FAILURE() << "nothing was found";
    return {};
  }

  TemporaryFolder folder_;
};

TEST_F(CheckNumerics, NamesWhatWasInjected) {
  const std::vector<Injected> all = injected();
  EXPECT_GE(all.size(), 30u);
  for (const Injected& c : all) {
    SCOPED_TRACE(c.name);
    const NumericsFault found = fault_of(c.train, options());
    SCOPED_TRACE(found.to_string());
    EXPECT_EQ(found.op, c.place.op);
    EXPECT_EQ(found.layer, c.place.layer);
    EXPECT_EQ(found.line, c.place.line);
    EXPECT_EQ(found.file, c.place.line == 0 ? "" : "check_numerics_test.cc");
    EXPECT_EQ(found.epoch, 1);
    if (c.place.step > 0) EXPECT_EQ(found.step, c.place.step);
    EXPECT_EQ(found.sample, c.place.sample);
    EXPECT_EQ(found.backward, c.place.backward);
    EXPECT_FALSE(std::isfinite(found.value));
    EXPECT_FALSE(found.output.finite());
    for (const ValueStatistics& s : found.inputs) EXPECT_TRUE(s.finite()) << s.to_string();
    // The file says the same.
    NumericsFault again = replay_fault(folder_.file("replay.sinter"));
    again.replay = found.replay;
    EXPECT_EQ(again.to_string(), found.to_string());
  }
}

// Weights that no later loss shows: found when the variables are looked at, and then the step that
// did it.
TEST_F(CheckNumerics, FindsTheStepLongAfterIt) {
  const KerasTensor in = Input({1}, {.name = "in"});
  const KerasTensor h =
      Dense(1, {.use_bias = false, .kernel_initializer = "ones", .name = "first"})(in);
  // The root of what row 150 makes 0: its value is finite, its derivative is not.
  const KerasTensor out =
      Lambda([](Symbol s) { return select(less(s, 1e9), sqrt(s), 0.0 * s); })(h);
  Model model(in, out);
  model.compile({.optimizer = SGD(0.0), .loss = Loss("none", [](Symbol t, Symbol p) {
                                          return mean(select(greater(p, -1.0), p, t), {-1});
                                        })});
  const Tensor data = with(values(200, 1), 150, 0);
  FitOptions o = options();
  o.batch_size = 1;
  const NumericsFault found =
      fault_of([&](const FitOptions& given) { model.fit(data, values(200, 1), given); }, o);
  EXPECT_EQ(found.step, 151);
  EXPECT_EQ(found.sample, 150);
  EXPECT_TRUE(found.backward);
  // As it was before that step.
  EXPECT_EQ(model.get_weights()[0].at(0), 1);
}

// Batches of a Dataset are walked through once more, or copied where a function makes them.
TEST_F(CheckNumerics, FindsTheStepOfADatasetLongAfterIt) {
  const auto found_in = [&](const Dataset& batches) {
    const KerasTensor in = Input({1}, {.name = "in"});
    const KerasTensor h =
        Dense(1, {.use_bias = false, .kernel_initializer = "ones", .name = "first"})(in);
    Model model(in, Lambda([](Symbol s) { return select(less(s, 1e9), sqrt(s), 0.0 * s); })(h));
    model.compile({.optimizer = SGD(0.0), .loss = Loss("none", [](Symbol t, Symbol p) {
                                            return mean(select(greater(p, -1.0), p, t), {-1});
                                          })});
    FitOptions o = options();
    o.batch_size = 32;
    o.epochs = 3;
    o.steps_per_epoch = 90;  // the second epoch goes on in the middle of a walk
    const NumericsFault found =
        fault_of([&](const FitOptions& given) { model.fit(batches, given); }, o);
    EXPECT_EQ(model.get_weights()[0].at(0), 1);
    return found;
  };
  const Dataset rows = Dataset::from_tensor_slices({with(values(300, 1), 150, 0), values(300, 1)});
  const Dataset mapped =
      rows.map([](const Tensor& x, const Tensor& y) { return std::pair(x.clone(), y.clone()); });
  for (const Dataset& dataset : {rows, mapped, rows.prefetch(3)}) {
    const NumericsFault found = found_in(dataset.batch(1));
    EXPECT_EQ(found.epoch, 2);
    EXPECT_EQ(found.step, 61);
    EXPECT_EQ(found.sample, 150);
  }
  // In the order that the shuffle had, which is another one each time.
  const NumericsFault found = found_in(rows.shuffle(300).batch(1));
  EXPECT_EQ(found.sample, (found.epoch - 1) * 90 + found.step - 1);
  ASSERT_FALSE(found.inputs.empty());
  EXPECT_EQ(found.inputs[0].min, 0);  // it is that row
}

// Random numbers come again, and what callbacks set in between is not forgotten.
TEST_F(CheckNumerics, RepeatsRandomNumbersAndWhatCallbacksSet) {
  const KerasTensor in = Input({8}, {.name = "in"});
  const KerasTensor h = Dropout(0.5)(Dense(16, {.activation = "relu"})(in));
  Model model(in, Dense(1, {.name = "out"})(h));
  model.compile({.optimizer = Adam(0.01), .loss = "mse"});
  const Tensor data = with(values(300, 8), 290, kInf);
  FitOptions o = options();
  o.callbacks = {LambdaCallback({.on_train_batch_end = [&](int64_t batch, Logs&) {
    if (batch % 10 == 5) model.set_weights(model.get_weights());
    if (batch == 40) model.optimizer().set_learning_rate(0.02);
  }})};
  const NumericsFault found =
      fault_of([&](const FitOptions& given) { model.fit(data, values(300, 1), given); }, o);
  EXPECT_EQ(found.step, 73);
  EXPECT_EQ(found.sample, 290);
  EXPECT_EQ(found.op, "input");
}

TEST_F(CheckNumerics, ChangesNothing) {
  std::vector<std::vector<Tensor>> weights;
  for (const bool check : {false, true}) {
    clear_session();
    const KerasTensor in = Input({2});
    Model model(in, Dense(1)(BatchNormalization()(Dropout(0.2)(Dense(8, "relu")(in)))));
    model.compile({.optimizer = Adam(0.01), .loss = "mse", .metrics = {"mae"}});
    FitOptions o = options();
    o.epochs = 40;
    o.shuffle = true;
    o.check_numerics = check;
    model.fit(x(), y(), o);
    weights.push_back(model.get_weights());
  }
  for (size_t i = 0; i < weights[0].size(); ++i)
    EXPECT_TRUE(weights[0][i].identical(weights[1][i]));
}

// An infinity that was meant ends in finite values.
TEST_F(CheckNumerics, LeavesMasksAlone) {
  const KerasTensor in = Input({2});
  const KerasTensor masked = Lambda([](Symbol s) {
    return softmax(s + constant(s.graph(), Tensor::from({0.0f, -kInf})));
  })(Dense(2)(in));
  Model model(in, Dense(1)(masked));
  model.compile({.optimizer = SGD(0.01), .loss = "mse"});
  EXPECT_NO_THROW(model.fit(x(), y(), options()));
  EXPECT_TRUE(std::isfinite(model.get_weights()[0].at(0)));
}

TEST_F(CheckNumerics, SaysItInOneLine) {
  const Op op = OP(log(s));
  const Model model = after(op);
  std::string text;
  int line = 0;
  try {
    line = __LINE__ + 1;
    model.fit(with(x().clone(), 6, 0), y(), options());
  } catch (const NumericsError& error) {
    text = error.what();
  }
  EXPECT_EQ(text, "check_numerics_test.cc:" + std::to_string(line) +
                      ": fit: epoch 1, step 2: 'log' of 'mine' (check_numerics_test.cc:" +
                      std::to_string(op.line) +
                      ") gives -inf in sample 6 from float32[4,2] min 0 max 1.909 mean 1.239, 0 "
                      "NaN, 0 inf. 'sinter replay " +
                      folder_.file("replay.sinter") + "' repeats it");
  EXPECT_THAT(error_of<FileError>([&] { replay_fault(folder_.file("none.sinter")); }),
              HasSubstr("none.sinter"));
}

}  // namespace
}  // namespace sinter::testing

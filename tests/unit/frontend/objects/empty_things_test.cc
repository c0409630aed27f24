// What is empty - a function, a variable, a symbol, the result of call() - is refused where it is
// given, with an Error that says so and names the user's line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/error_of.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

using testing::error_of;

// Runs `...`; the error begins with this line and has `text` in it.
#define REFUSED(text, ...)                                                            \
  {                                                                                   \
    const std::string found = error_of([&] { (void)(__VA_ARGS__); });                 \
    EXPECT_THAT(found, HasSubstr(text)) << #__VA_ARGS__;                              \
    EXPECT_THAT(found, HasSubstr("empty_things_test.cc:" + std::to_string(__LINE__))) \
        << #__VA_ARGS__;                                                              \
  }

const std::function<Symbol(Symbol)> no_unary;
const std::function<Symbol(Symbol, Symbol)> no_pair;
const std::function<Symbol(std::span<const Symbol>)> no_list;
const std::function<Tensor(const Shape&, DType)> no_initializer;
Symbol (*const no_unary_pointer)(Symbol) = nullptr;
Symbol (*const no_pair_pointer)(Symbol, Symbol) = nullptr;
Tensor (*const no_initializer_pointer)(const Shape&, DType) = nullptr;

Model small() {
  const auto x = Input(2);
  return {x, Dense(1)(x)};
}

TEST(EmptyFunctions, AreNoLossesAndMetrics) {
  const Model m = small();
  const char* empty = "an empty function was given as a loss";
  REFUSED(empty, m.compile({.loss = no_pair}));
  REFUSED(empty, m.compile({.loss = no_pair_pointer}));
  REFUSED(empty, Loss("mine", no_pair));
  REFUSED(empty, Loss("mine", nullptr));
  REFUSED(empty, Loss("mine", Loss::Function()));
  REFUSED(empty, register_loss("nil", {}));
  REFUSED(empty, register_loss("nil", no_pair));
  empty = "an empty function was given as a metric";
  REFUSED(empty, m.compile({.loss = "mse", .metrics = {no_pair}}));
  REFUSED(empty, m.compile({.loss = "mse", .metrics = {no_pair_pointer}}));
  REFUSED(empty, Metric("mine", no_pair));
  REFUSED(empty, Metric("mine", std::shared_ptr<const MetricImpl>()));
  REFUSED(empty, register_metric("nil", no_pair));
  EXPECT_FALSE(Loss(nullptr));  // no loss is not an empty function
}

TEST(EmptyFunctions, AreNothingElse) {
  const char* empty = "an empty function was given as";
  REFUSED(empty, Dense(2, no_unary));
  REFUSED(empty, Dense(2, no_unary_pointer));
  REFUSED(empty, Dense(2, {.activation = no_unary}));
  REFUSED(empty, ActivationFunction("mine", no_unary));
  REFUSED(empty, register_activation("nil", no_unary));
  REFUSED(empty, Dense(2, {.kernel_initializer = no_initializer}));
  REFUSED(empty, Dense(2, {.kernel_initializer = no_initializer_pointer}));
  REFUSED(empty, register_initializer("nil", no_initializer));
  REFUSED(empty, Dense(2, {.kernel_regularizer = no_unary}));
  REFUSED(empty, Dense(2, {.kernel_regularizer = no_unary_pointer}));
  REFUSED(empty, register_regularizer("nil", no_unary));
  REFUSED(empty, Dense(2, {.kernel_constraint = no_unary}));
  REFUSED(empty, Dense(2, {.kernel_constraint = no_unary_pointer}));
  REFUSED(empty, register_constraint("nil", no_unary));
  REFUSED(empty, SGD(no_unary));
  REFUSED(empty, LearningRate("mine", no_unary));
  REFUSED(empty, register_schedule("nil", no_unary));
  REFUSED(empty, Lambda(no_unary));
  REFUSED(empty, Lambda(no_unary_pointer));
  REFUSED(empty, Lambda(no_list));
  REFUSED(empty, register_lambda("nil", no_list));
  REFUSED(empty, LearningRateScheduler(std::function<double(int, double)>()));
  REFUSED(empty, CompiledFunction(std::function<Symbol(CallContext&, Symbol)>()));
  REFUSED(empty, register_layer("mine>Nil", nullptr));
  REFUSED(empty, register_optimizer("Nil", nullptr));
  EXPECT_THAT(error_of([&] {
                (void)LoadOptions({.custom_objects = {{"mine", no_unary}}});
              }),
              HasSubstr(empty));
  EXPECT_THAT(error_of([&] {
                (void)LoadOptions({.custom_objects = {{"mine", no_pair}}});
              }),
              HasSubstr(empty));
  EXPECT_THAT(error_of([&] {
                (void)LoadOptions({.custom_objects = {{"mine", no_unary_pointer}}});
              }),
              HasSubstr(empty));
  EXPECT_TRUE(ActivationFunction(nullptr).is_linear());
  EXPECT_FALSE(Regularizer(nullptr));
}

TEST(EmptyVariables, AreRefused) {
  const VariablePtr none;
  const auto refused_by = [](auto body) {
    const CompiledFunction f([body](CallContext& c, Symbol x) { return body(c, x); });
    return error_of([&] { f(Tensor(float32, {2})); });
  };
  const auto is_refused = HasSubstr("an empty variable was used");
  EXPECT_THAT(refused_by([=](CallContext& c, Symbol) { return c.variable(none); }), is_refused);
  EXPECT_THAT(refused_by([=](CallContext& c, Symbol) { return c.current(none); }), is_refused);
  EXPECT_THAT(refused_by([=](CallContext& c, Symbol x) { return c.gradients(sum(x), {none})[0]; }),
              is_refused);
  EXPECT_THAT(refused_by([=](CallContext& c, Symbol x) {
                c.assign(none, x);
                return x;
              }),
              is_refused);
  EXPECT_THAT(refused_by([=](CallContext& c, Symbol x) {
                c.add_update(none, x);
                return x;
              }),
              is_refused);
  EXPECT_THAT(refused_by([=](CallContext& c, Symbol x) {
                SGD(0.1).apply_gradients(c, {x}, {none});
                return x;
              }),
              is_refused);
  EXPECT_THAT(error_of([&] { AdamW().exclude_from_weight_decay({none}); }), is_refused);
  const VariablePtr v = std::make_shared<Variable>("v", "v", Tensor(float32, {2}), true);
  EXPECT_THAT(refused_by([=](CallContext& c, Symbol x) {
                c.assign(v, Symbol());
                return x;
              }),
              HasSubstr("the new value of v: the symbol is empty"));
  EXPECT_THAT(refused_by([=](CallContext& c, Symbol x) {
                c.add_loss(Symbol());
                return x;
              }),
              HasSubstr("add_loss(): the symbol is empty"));
}

// A layer that gives what it is told to.
class Gives : public LayerImpl {
 public:
  using Body = std::function<std::vector<Symbol>(CallContext&, std::span<const Symbol>)>;
  explicit Gives(Body body) : LayerImpl("Gives", "gives", {}), body_(std::move(body)) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    return body_(context, inputs);
  }
  std::vector<VariablePtr> variables() const override { return variables_; }
  std::vector<VariablePtr> variables_;

 private:
  Body body_;
};

TEST(EmptyResults, OfCallAreRefused) {
  const auto refusal = [](Gives::Body body) {
    return error_of([&] { Layer(std::make_shared<Gives>(body))(Input(2)); });
  };
  EXPECT_THAT(refusal([](auto&, auto) { return std::vector<Symbol>(); }),
              ::testing::AllOf(HasSubstr("Gives 'gives'"), HasSubstr("call() gave no output")));
  EXPECT_THAT(refusal([](auto&, auto) { return std::vector<Symbol>{Symbol()}; }),
              HasSubstr("output 0 of call(): the symbol is empty"));
  EXPECT_THAT(refusal([](auto&, auto) {
                static Graph other("other");
                static const Symbol symbol = other.input("x", {float32, {2}});
                return std::vector<Symbol>{symbol};
              }),
              HasSubstr("output 0 of call(): the symbol belongs to another graph"));
  EXPECT_THAT(refusal([](CallContext& c, auto xs) {
                return std::vector<Symbol>{xs[0] * c.variable(nullptr)};
              }),
              HasSubstr("an empty variable was used"));

  int calls = 0;
  const KerasTensor x = Input(2);
  const KerasTensor y = Layer(std::make_shared<Gives>([&](auto&, std::span<const Symbol> xs) {
                          return std::vector<Symbol>(++calls == 1 ? 2 : 1, xs[0]);
                        })).call({x})[1];
  EXPECT_THAT(error_of([&] {
                Model(x, y).predict(Tensor(float32, {1, 2}));
              }),
              HasSubstr("call() gave 1 output, 2 when the layer was called first"));

  auto unset = std::make_shared<Gives>(
      [](auto&, std::span<const Symbol> xs) { return std::vector<Symbol>{xs[0]}; });
  unset->variables_ = {nullptr};
  const Model m(x, Layer(unset)(x));
  EXPECT_THAT(error_of([&] { m.variables(); }), HasSubstr("an empty variable was used"));
  EXPECT_THAT(error_of([&] { Layer(unset).get_weights(); }),
              HasSubstr("an empty variable was used"));
}

TEST(EmptyResults, OfLossesAndTheirKinNameThem) {
  const KerasTensor x = Input(2);
  const Tensor rows(float32, {1, 2});
  const auto none = [](Symbol, Symbol) { return Symbol(); };
  const auto refusal = [&](const CompileArguments& arguments, Regularizer regularizer = {}) {
    const Model m(x, Dense(2, {.kernel_regularizer = std::move(regularizer)})(x));
    m.compile(arguments);
    return error_of([&] { m.train_on_batch(rows, rows); });
  };
  EXPECT_THAT(refusal({.loss = Loss("mine", none)}), HasSubstr("loss 'mine': the symbol is empty"));
  EXPECT_THAT(refusal({.loss = "mse", .metrics = {Metric("of_mine", none)}}),
              HasSubstr("metric 'of_mine': the symbol is empty"));
  EXPECT_THAT(refusal({.loss = "mse"}, Regularizer("small", [](Symbol) { return Symbol(); })),
              HasSubstr("regularizer 'small': the symbol is empty"));
}

TEST(EmptySymbols, AreNotTheNumberZero) {
  Graph graph("g");
  const Symbol x = graph.input("x", {float32, {2}}), none;
  using Binary = Symbol (*)(Operand, Operand);
  const Binary binaries[] = {add,   subtract,  multiply, divide,     maximum, minimum,      power,
                             equal, not_equal, less,     less_equal, greater, greater_equal};
  for (const Binary op : binaries) {
    EXPECT_THAT(error_of([&] { op(x, none); }), HasSubstr("an empty symbol was used"));
    EXPECT_THAT(error_of([&] { op(none, x); }), HasSubstr("an empty symbol was used"));
    EXPECT_THAT(error_of([&] { op(none, 1.0); }), HasSubstr("an empty symbol was used"));
  }
  EXPECT_THROW(x + none, Error);
  EXPECT_THROW(none + x, Error);
  EXPECT_THROW(none - 2.0, Error);
  EXPECT_THROW(2 * none, Error);
  EXPECT_THROW(-none, Error);
  EXPECT_THROW(none > x, Error);
  EXPECT_THROW(select(greater(x, 0.0), x, none), Error);
  EXPECT_THROW(select(greater(x, 0.0), none, 1.0), Error);
  EXPECT_THROW(select(none, x, 1.0), Error);
  EXPECT_THROW(sum(none), Error);
  EXPECT_THROW(cast(none, float64), Error);
  EXPECT_THROW(concat(std::vector<Symbol>{x, none}, 0), Error);
  EXPECT_THROW(KerasTensor(nullptr, 0), Error);
  EXPECT_THROW(KerasTensor(Input(2).call(), 1), Error);
  EXPECT_THROW(KerasTensor(Input(2).call(), -1), Error);
}

TEST(Settings, ThatNothingHasAreRefused) {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  for (const double bad : {-1.0, nan, inf}) {
    REFUSED("L2: l2 must be finite and not negative", l2(bad));
    REFUSED("L1: l1 must be finite and not negative", L1(bad));
    REFUSED("L1L2: l1 must be", l1_l2(bad, 0));
    REFUSED("L1L2: l2 must be", L1L2({.l2 = bad}));
  }
  REFUSED("minval 1 is above maxval 0", RandomUniform({.minval = 1, .maxval = 0}));
  REFUSED("RandomUniform: maxval must be finite", RandomUniform({.maxval = nan}));
  REFUSED("RandomNormal: stddev must be finite and not negative", RandomNormal({.stddev = -1}));
  REFUSED("TruncatedNormal: mean must be finite", TruncatedNormal({.mean = inf}));
  REFUSED("VarianceScaling: scale must be finite and positive", VarianceScaling({.scale = 0}));
  REFUSED("VarianceScaling: scale must be finite and positive, found nan",
          VarianceScaling({.scale = nan}));
  REFUSED("Orthogonal: gain must be finite", Orthogonal({.gain = nan}));
  REFUSED("Identity: gain must be finite", Identity(inf));
  REFUSED("MaxNorm: max_value must be finite and not negative, found nan",
          MaxNorm({.max_value = nan}));
  REFUSED("MinMaxNorm: rate must lie in [0, 1], found nan", MinMaxNorm({.rate = nan}));
  REFUSED("boundaries must increase, found 3 after 5",
          PiecewiseConstantDecay({.boundaries = {5, 3}, .values = {1, 2, 3}}));
  REFUSED("boundaries must increase",
          PiecewiseConstantDecay({.boundaries = {3, 3}, .values = {1, 2, 3}}));
  REFUSED("PiecewiseConstantDecay: each of values must be finite and not negative",
          PiecewiseConstantDecay({.boundaries = {3}, .values = {1, nan}}));
  REFUSED("ExponentialDecay: initial_learning_rate must be finite and not negative",
          ExponentialDecay({.initial_learning_rate = nan, .decay_steps = 2}));
  REFUSED("decay_steps must be at least 1, found 0", CosineDecay({.decay_steps = 0}));
  REFUSED("warmup_steps must not be negative", CosineDecay({.warmup_steps = -1}));
  REFUSED("momentum must lie in [0, 1]", SGD({.momentum = 2}));
  REFUSED("SGD: momentum must lie in [0, 1], found nan", SGD({.momentum = nan}));
  REFUSED("Adam: beta_1 must lie in [0, 1), found nan", Adam({.beta_1 = nan}));
  REFUSED("Adagrad: epsilon must be finite and not negative, found nan", Adagrad({.epsilon = nan}));
  REFUSED("RMSprop: rho must lie in [0, 1), found nan", RMSprop({.rho = nan}));
  REFUSED("Adadelta: rho must lie in [0, 1), found nan", Adadelta({.rho = nan}));
  REFUSED("Ftrl: learning_rate_power must be finite and not positive",
          Ftrl({.learning_rate_power = 1}));
  REFUSED("Ftrl: l1_regularization_strength must be finite and not negative",
          Ftrl({.l1_regularization_strength = -1}));
  REFUSED("Lion: beta_1 must lie in (0, 1]", Lion({.beta_1 = 0}));
  REFUSED("ema_momentum must lie in [0, 1]", SGD({.use_ema = true, .ema_momentum = 2}));
  (void)RandomUniform({.minval = 1, .maxval = 1});
  (void)Constant(nan);
}

}  // namespace
}  // namespace sinter::testing
